package caddymodule

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/dashstash/dashstash/interceptor"
)

// ServeHTTP rewrites callbacks, listens to what an app says of itself, and lets all else pass untouched.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	endpoint, prefix := interceptor.EndpointOf(r.Method, r.URL.Path)
	if endpoint == interceptor.OtherEndpoint {
		return next.ServeHTTP(w, r)
	}
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		// Two apps behind one site may have had their prefixes stripped, which tell them apart.
		if e, full := interceptor.EndpointOf(r.Method, original.URL.Path); e == endpoint {
			prefix = full
		}
	}
	app := h.catalog.value.App(r.Host + prefix)
	switch endpoint {
	case interceptor.LayoutEndpoint:
		return h.listen(w, r, next, app, app.LearnLayout())
	case interceptor.DependenciesEndpoint:
		return h.listen(w, r, next, app, app.LearnDependencies())
	default:
		return h.serveCallback(w, r, next, app)
	}
}

// listen lets a response pass, and the app's facts learn from it.
func (h *Handler) listen(
	w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, app *interceptor.App, learn io.WriteCloser,
) error {
	tap := newTapWriter(w, learn)
	defer tap.stop()
	if err := next.ServeHTTP(tap, r); err != nil {
		return err
	}
	tap.finish()
	h.interceptor.CheckNames(app)
	return nil
}

// serveCallback puts data back into a callback's request, and takes data out of its response.
func (h *Handler) serveCallback(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, app *interceptor.App) error {
	start := time.Now()
	store, err := h.lease()
	if err != nil {
		h.logger.Error("storage cannot be used", zap.Error(err))
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	}
	defer store.release()
	scope := ""
	if h.Scope != "" {
		scope = r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer).ReplaceAll(h.Scope, "")
	}

	claimForeign(r)
	held, err := holdRequest(r, h.MaxRequest)
	if err != nil {
		return err
	}
	defer held.Close()
	body, figures, err := h.interceptor.Rehydrate(r.Context(), store.value, scope, held, held.size)
	if figures.Missed > 0 {
		h.logger.Warn("data of a Store is gone from the storage, or was stored for someone else",
			zap.String("app", app.Name), zap.String("on_missing", h.OnMissing))
	}
	if err != nil {
		return h.refuse(w, err)
	}
	if body != nil {
		defer body.Close()
	}
	forwarded := held.forward(r, body)

	mayOffload := h.interceptor.MayOffload(app, held, held.size)
	if h.DryRun && mayOffload {
		return h.watch(w, forwarded, next, h.interceptor.Offload(r.Context(), store.value, app, scope, nil))
	}
	if !mayOffload && !figures.Any() {
		return next.ServeHTTP(w, forwarded)
	}
	response := newCallbackWriter(w, r)
	response.figures = figures
	if mayOffload {
		response.offload = h.interceptor.Offload(r.Context(), store.value, app, scope, response.toBrowser())
		// The app need not compress what is unpacked here. The handler encode, in front, compresses what the browser gets.
		forwarded.Header = forwarded.Header.Clone()
		forwarded.Header.Set("Accept-Encoding", "identity")
	}
	response.spent = time.Since(start)
	defer response.abort()
	if err := next.ServeHTTP(response, forwarded); err != nil {
		return err
	}
	return response.finish()
}

// watch lets a callback's response pass, and logs what would have been offloaded.
func (h *Handler) watch(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, offload *interceptor.Offload) error {
	tap := newTapWriter(w, dryRun{offload})
	defer tap.stop()
	if err := next.ServeHTTP(tap, r); err != nil {
		return err
	}
	tap.finish()
	if figures := offload.Figures(); figures.Stores > 0 {
		h.logger.Info("dry run: data would have been offloaded",
			zap.String("callback", r.URL.Path),
			zap.Int("stores", figures.Stores),
			zap.Int64("bytes", figures.StoreBytes))
	}
	return nil
}

// dryRun makes an Offload, of which nothing comes out, a WriteCloser.
type dryRun struct{ *interceptor.Offload }

func (d dryRun) Close() error {
	_, err := d.Offload.Close()
	return err
}

// refuse answers a callback that the app must not see.
func (h *Handler) refuse(w http.ResponseWriter, err error) error {
	switch {
	case errors.Is(err, interceptor.ErrTooLarge):
		return caddyhttp.Error(http.StatusRequestEntityTooLarge, err)
	case errors.Is(err, interceptor.ErrUnavailable):
		h.logger.Error("storage cannot be read", zap.Error(err))
		w.Header().Set("Retry-After", "1")
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	case errors.Is(err, interceptor.ErrMissing):
		w.Header().Set("Content-Type", "application/problem+json") // RFC 9457
		w.WriteHeader(http.StatusGone)
		_, err := io.WriteString(w, missingProblem)
		return err
	}
	return caddyhttp.Error(http.StatusBadRequest, err)
}

const missingProblem = `{"title":"Data is gone","status":410,` +
	`"detail":"The data that this page kept on the server is no longer there. Reload the page."}`
