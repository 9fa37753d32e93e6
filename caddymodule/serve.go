package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
)

// ServeHTTP rewrites callbacks, listens to what an app says of itself, and lets all else pass untouched.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.URL.Opaque != "" {
		// As in "POST x:%2F_dash-update-component": net/http reads no path in this, and sends on what stands behind the colon,
		// in which an app may well read one. No browser sends it.
		return caddyhttp.Error(http.StatusBadRequest, errors.New("the request's target is no path"))
	}
	endpoint, prefix := interceptor.EndpointOf(r.Method, r.URL.Path)
	switch {
	case isAsk(r):
		return next.ServeHTTP(w, r)
	case endpoint == interceptor.OtherEndpoint:
		return h.listenPage(w, r, next)
	}
	// Two apps behind one site may have had their prefixes stripped, which tell them apart.
	if e, full := interceptor.EndpointOf(r.Method, pathOf(r)); e == endpoint {
		prefix = full
	}
	app := h.catalog.value.App(h.siteOf(r), hostOf(r)+prefix)
	switch endpoint {
	case interceptor.DependenciesEndpoint:
		return h.listen(w, r, next, app)
	case interceptor.ScriptEndpoint:
		return serveScript(w)
	}
	store, err := h.lease()
	if err != nil {
		h.logger.Error("storage cannot be used", zap.Error(err))
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	}
	defer store.release()
	session := h.session(r, app)
	if endpoint == interceptor.GoneEndpoint {
		return h.serveGone(w, r, next, session)
	}
	h.learn(r, next, session, endpoint)
	switch endpoint {
	case interceptor.LayoutEndpoint:
		v := new(visit)
		err = h.rewrite(w, r, r.WithContext(r.Context()), next, session, interceptor.LayoutAnswer, v)
		app.ForgetPage()
		h.record(app, v)
		h.interceptor.CheckNames(app)
	case interceptor.SocketEndpoint:
		h.follow(r.Context(), session)
		err = h.serveSocket(w, r, next, session)
	default:
		err = h.serveCallback(w, r, next, session)
	}
	if err == nil {
		h.save(r, app)
	}
	return err
}

// listen lets a list of dependencies pass, and learns from it.
func (h *Handler) listen(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, app *interceptor.App) error {
	tap := newTapWriter(w, app.LearnDependencies(visitorOf(r)), jsonType)
	defer tap.stop()
	if err := next.ServeHTTP(tap, r); err != nil {
		return err
	}
	tap.finish()
	h.interceptor.CheckNames(app)
	h.save(r, app)
	return nil
}

// pathOf returns the path of a request as it came.
func pathOf(r *http.Request) string {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.URL.Path
	}
	return r.URL.Path
}

// listenPage lets a request pass that is for no endpoint, and learns from the answer if that is a page of Dash's.
func (h *Handler) listenPage(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	path := pathOf(r)
	if r.Method != http.MethodGet || !strings.HasSuffix(path, "/") || !strings.Contains(r.Header.Get("Accept"), htmlType) {
		return next.ServeHTTP(w, r)
	}
	tap := newTapWriter(w, h.catalog.value.LearnPage(h.siteOf(r), hostOf(r), path), htmlType)
	defer tap.stop()
	if err := next.ServeHTTP(tap, r); err != nil {
		return err
	}
	tap.finish()
	return nil
}

// session identifies the app and the user of a request that has a lease.
func (h *Handler) session(r *http.Request, app *interceptor.App) interceptor.Session {
	used := h.used.Load()
	session := interceptor.Session{
		Store: used.store, Facts: used.facts, App: app, Client: clientOf(r), Visitor: func() string { return visitorOf(r) }, Shown: interceptor.NewShown(),
	}
	if h.Scope == "" {
		return session
	}
	var err error
	session.Scope, err = scopeOf(h.Scope, r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer))
	if err != nil {
		session.Unscoped = true
		h.interceptor.WarnOnce(app, "scope says nothing for a request: nothing is offloaded for who sends such, and no token opens", "error", err)
	}
	return session
}

// scopeOf returns what a scope says for a request. The value of each placeholder has its length in front, so that no two values look like
// two others. An empty or unknown one is an error.
func scopeOf(scope string, replacer *caddy.Replacer) (string, error) {
	return replacer.ReplaceFunc(scope, func(name string, value any) (any, error) {
		text := caddy.ToString(value)
		if text == "" {
			return nil, fmt.Errorf("{%s} is empty or unknown", name)
		}
		return fmt.Sprintf("%d:%s", len(text), text), nil
	})
}

// serveCallback puts data back into a callback's request, and takes data out of its response.
func (h *Handler) serveCallback(
	w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, session interceptor.Session,
) error {
	v := &visit{began: time.Now(), callbacks: 1}
	claimForeign(r)
	held, err := holdRequest(w, r, h.MaxRequest)
	if err != nil {
		return err
	}
	defer held.Close()
	v.up = held.Size()
	answer := interceptor.CallbackAnswer(held, held.Size())
	for retried := false; ; retried = true {
		lost, err := h.tryCallback(w, r, next, session, held, answer, v)
		if !lost || r.Context().Err() != nil {
			h.record(session.App, v)
			return err
		}
		// The app has got a part of the request, and so has not run the callback: that is not its failure. What was found damaged
		// has been dropped, and is a miss now.
		if retried || !errors.Is(err, interceptor.ErrDamaged) {
			return h.refuse(w, err)
		}
	}
}

// tryCallback sends the app a callback's request with its data put back, and takes data out of the response. lost says that data was
// lost on its way to the app: nothing has been answered then.
func (h *Handler) tryCallback(
	w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, session interceptor.Session,
	held *heldRequest, answer interceptor.Answer, v *visit,
) (lost bool, err error) {
	start := time.Now()
	body, figures, err := h.rehydrate(r.Context(), session, held, held.Size())
	if err != nil {
		return false, h.refuse(w, err)
	}
	if body != nil {
		defer body.Close()
	}
	v.request = h.requestFigures(session, held, held.Size(), figures)
	v.own += time.Since(start)
	if figures.Missed > 0 {
		if answer, ok := h.missingAnswer(r, next, session); ok {
			return false, answer.send(w, v)
		}
	}
	var failed atomic.Pointer[error]
	err = h.rewrite(w, r, held.forward(r, body, &failed), next, session, answer, v)
	if failure := failed.Load(); err != nil && failure != nil {
		return true, fmt.Errorf("%w: %w", interceptor.ErrUnavailable, *failure)
	}
	return false, err
}

// rehydrate puts data back into what the browser sent, and logs it where that is gone.
func (h *Handler) rehydrate(
	ctx context.Context, session interceptor.Session, sent io.ReaderAt, size int64,
) (*interceptor.Body, interceptor.Figures, error) {
	body, figures, err := h.interceptor.Rehydrate(ctx, session, sent, size)
	if figures.Missed > 0 {
		h.logger.Warn("data of a Store is gone from the storage, or was stored for someone else",
			zap.String("app", session.App.Name), zap.String("on_missing", h.OnMissing))
	}
	return body, figures, err
}

// requestFigures are what is counted of a request, of a size in bytes, in which data was put back. In a dry run that is what would have
// been put back; what was, of tokens that are out from before, saves nothing more.
func (h *Handler) requestFigures(session interceptor.Session, sent io.ReaderAt, size int64, done interceptor.Figures) interceptor.Figures {
	if !h.DryRun {
		return done
	}
	figures := h.interceptor.WatchRequest(session, sent, size)
	for _, e := range done.Events {
		e.Saved = 0
		figures.Note(e)
	}
	return figures
}

// rewrite sends a request, which came as r, to the app, and takes data out of the answer. An answer that is not expected to hold
// any passes as it is. forwarded is a copy of r, which rewrite changes.
func (h *Handler) rewrite(
	w http.ResponseWriter, r, forwarded *http.Request, next caddyhttp.Handler, session interceptor.Session,
	answer interceptor.Answer, v *visit,
) error {
	if !h.mayOffload(r.Context(), session, answer) {
		return h.watch(w, forwarded, next, h.interceptor.Watch(r.Context(), session, answer), v)
	}
	response := newCallbackWriter(w, r, v)
	response.offload = h.interceptor.Offload(r.Context(), session, answer, response.toBrowser())
	defer response.abort()
	// The app need not compress what is unpacked here. The handler encode, in front, compresses what the browser gets.
	forwarded.Header = forwarded.Header.Clone()
	forwarded.Header.Set("Accept-Encoding", "identity")
	if err := next.ServeHTTP(response, forwarded); err != nil {
		return err
	}
	err := response.finish()
	if errors.Is(err, errDoubtful) {
		answer, ok := h.missingAnswer(r, next, session)
		if !ok {
			answer = preventUpdate
		}
		v.answer = interceptor.Figures{}
		v.answer.Note(interceptor.Event{Missed: interceptor.Doubt})
		h.logger.Warn(errDoubtful.Error(), zap.String("app", session.App.Name), zap.String("on_missing", h.OnMissing))
		return answer.send(w, v)
	}
	return err
}

// errDoubtful says that the browser must not get an answer: see [interceptor.Offload.Doubtful].
var errDoubtful = errors.New(
	"a Patch may be meant for data that the browser has as a token, and it cannot be told whether it has")

// watch lets an answer pass, and learns from it. In a dry run it logs what would have been offloaded.
func (h *Handler) watch(
	w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, watcher interceptor.Watcher, v *visit,
) error {
	tap := newTapWriter(w, watcher, jsonType)
	if v.request.Any() {
		tap.timing = v.serverTiming()
	}
	defer tap.stop()
	if err := next.ServeHTTP(tap, r); err != nil {
		return err
	}
	tap.finish()
	v.answer, v.down = watcher.Figures(), tap.sent
	if tap.decoder != nil {
		v.down = watcher.Size()
	}
	h.logDryRun(r, watcher)
	return nil
}

// logDryRun logs, in a dry run, what would have been offloaded of an answer to a request.
func (h *Handler) logDryRun(r *http.Request, watcher interceptor.Watcher) {
	if figures := watcher.Figures(); h.DryRun && figures.Stores > 0 {
		h.logger.Info("dry run: data would have been offloaded",
			zap.String("path", r.URL.Path),
			zap.Int("stores", figures.Stores),
			zap.Int64("bytes", figures.StoreBytes))
	}
}

// refuse answers a callback that the app must not see.
func (h *Handler) refuse(w http.ResponseWriter, err error) error {
	switch {
	case errors.Is(err, interceptor.ErrTooLarge):
		return caddyhttp.Error(http.StatusRequestEntityTooLarge, err)
	case errors.Is(err, interceptor.ErrUnavailable):
		if !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, interceptor.ErrDamaged) { // which are logged where they are found
			h.logger.Error("storage cannot be read", zap.Error(err))
		}
		w.Header().Set("Retry-After", "1")
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	case errors.Is(err, interceptor.ErrEncoding):
		return caddyhttp.Error(http.StatusUnsupportedMediaType, err)
	}
	return caddyhttp.Error(http.StatusBadRequest, err)
}
