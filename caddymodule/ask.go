package caddymodule

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/dashstash/dashstash/interceptor"
)

const (
	askTimeout  = 10 * time.Second // for what is asked of the app before one request
	saveTimeout = 1 * time.Second  // for what is saved of the app after one
	maxAsked    = 64 << 20         // bytes of an app's answer that are read
)

// askedKey is the context key of a request that is an ask: to a further dash_stash handler it is none of its business.
type askedKey struct{}

func isAsk(r *http.Request) bool { return r.Context().Value(askedKey{}) != nil }

// visitorOf tells apart whom an app may show other parts of itself: by address and credentials, in so far as these can be told.
func visitorOf(r *http.Request) string {
	digest := sha256.New()
	fmt.Fprintf(digest, "%q", clientOf(r))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if credential.MatchString(name) {
			fmt.Fprintf(digest, " %s %q", name, r.Header[name])
		}
	}
	return string(digest.Sum(nil))
}

// credential matches the names of headers that may say who somebody is.
var credential = regexp.MustCompile(`(?i)^cookie$|auth|user$|user-?id|email|api-?key|token|session|tenant|org`)

// learn sees to it that the app is known as far as a request needs it, here one for an endpoint: from what was saved of it, or else by
// asking the app. That is so when Caddy was restarted while pages are open. Whatever fails, the request goes on: what is not known
// stays inline.
func (h *Handler) learn(r *http.Request, next caddyhttp.Handler, session interceptor.Session, endpoint interceptor.Endpoint) {
	app := session.App
	if !app.Wants(session.Visitor, endpoint) { // as it is with nearly every request
		return
	}
	visitor := session.Visitor()
	_, prefix := interceptor.EndpointOf(r.Method, r.URL.Path)
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	app.Ask(ctx, visitor, endpoint, func() { h.interceptor.LoadApp(ctx, session.Facts, app) }, func(missing interceptor.Endpoint) {
		listener, mediaType := app.LearnDependencies(visitor), jsonType
		switch missing {
		case interceptor.LayoutEndpoint:
			listener = h.interceptor.Watch(ctx, session, interceptor.LayoutAnswer)
		case interceptor.PageEndpoint:
			listener, mediaType = app.LearnPage(), htmlType
		}
		err := ask(ctx, r, missing.Path(prefix), mediaType, next, listener)
		if err != nil && missing != interceptor.PageEndpoint { // which may well be elsewhere: then, components are found in children alone
			h.logger.Warn("the app could not be asked about itself: its Stores stay in the browser until a page is opened",
				zap.String("app", app.Name), zap.Error(err))
		}
	})
}

// mayOffload reports whether an answer may hold data that is offloaded.
func (h *Handler) mayOffload(ctx context.Context, session interceptor.Session, answer interceptor.Answer) bool {
	if h.DryRun || !h.interceptor.MayOffload(session, answer) {
		return false
	}
	return !h.follow(ctx, session) || h.interceptor.MayOffload(session, answer)
}

// follow takes in what other Caddys that share the storage have learned of the app: one of them may have served the page that
// makes this request, and the app may be another by now. It reports whether others can share the storage at all. If they cannot, it
// only sees to it that what was saved of the app is kept while the app is used.
func (h *Handler) follow(ctx context.Context, session interceptor.Session) bool {
	shared := h.backend.Shared()
	if shared {
		h.interceptor.FollowApp(ctx, session.Facts, session.App)
	} else {
		h.interceptor.KeepApp(ctx, session.Facts, session.App)
	}
	return shared
}

// save saves what a request has taught of the app, if anything. That is seldom, and behind the response, of which at most the
// end waits for it. In a dry run nothing is stored at all.
func (h *Handler) save(r *http.Request, app *interceptor.App) {
	if h.DryRun || !h.interceptor.Unsaved(app) {
		return
	}
	store, err := h.lease()
	if err != nil {
		h.logger.Error("storage cannot be used", zap.Error(err))
		return
	}
	defer store.release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), saveTimeout)
	defer cancel()
	h.interceptor.SaveApp(ctx, h.used.Load().facts, app)
}

// ask sends the app a GET request for path, in the name of the request r, and gives the answer, of a media type, to listener.
func ask(
	ctx context.Context, r *http.Request, path, mediaType string, next caddyhttp.Handler, listener io.WriteCloser,
) (err error) {
	answer := &unsentWriter{header: make(http.Header)}
	tap := newTapWriter(answer, listener, mediaType)
	answer.isRead = func() bool { return tap.in != nil }
	defer tap.stop()
	defer func() {
		switch abort := recover(); {
		case abort == http.ErrAbortHandler: // how reverse_proxy ends a broken answer
			err = http.ErrAbortHandler
		case abort != nil:
			panic(abort)
		}
		if answer.useless {
			err = errors.New("it answered " + path + " with " + http.StatusText(answer.status) + " of type " + answer.header.Get("Content-Type"))
		}
	}()
	if err := next.ServeHTTP(tap, askingRequest(ctx, r, path, mediaType, answer)); err != nil {
		return err
	}
	tap.finish()
	return nil
}

// askingRequest derives a request to GET a path from a request as it came here: as the same user, by the same way.
func askingRequest(ctx context.Context, r *http.Request, path, mediaType string, w http.ResponseWriter) *http.Request {
	asking := r.Clone(context.WithValue(ctx, askedKey{}, true))
	asking.Method = http.MethodGet
	asking.URL.Path, asking.URL.RawPath = path, ""
	asking.URL.RawQuery = ""
	asking.RequestURI = asking.URL.RequestURI()
	asking.Body, asking.GetBody = http.NoBody, nil
	asking.ContentLength, asking.TransferEncoding = 0, nil
	for _, name := range notAsked {
		asking.Header.Del(name)
	}
	asking.Header.Set("Accept", mediaType)
	asking.Header.Set("Accept-Encoding", "identity")

	// The handlers behind this one note in a request's context what they have done with it, as which of several exclusive
	// routes it took: the ask must leave no such notes for the request itself.
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	replacer := caddy.NewReplacer()
	asking = caddyhttp.PrepareRequest(asking, replacer, w, server)
	if known, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		replacer.Map(known.Get) // what is not of the request, such as the user that authentication has found
	}
	if vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		maps.Copy(asking.Context().Value(caddyhttp.VarsCtxKey).(map[string]any), vars)
	}
	return asking
}

// notAsked are the headers of a request that speak of its body, of a part of the answer, of an answer that the browser has
// already, or of another protocol.
var notAsked = []string{
	"Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Trailer", "Expect",
	"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	"Connection", "Upgrade", ":protocol",
	"Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol",
}

// An unsentWriter takes a response that goes to nobody, and breaks one off that nobody reads.
type unsentWriter struct {
	header  http.Header
	isRead  func() bool // reports whether the response is one that is read, when its header is known
	status  int
	useless bool
	written int64
}

var (
	errAnswerTooLarge = errors.New("the answer is too large")
	errUseless        = errors.New("the answer is not what was asked for")
)

func (u *unsentWriter) Header() http.Header { return u.header }

func (u *unsentWriter) WriteHeader(status int) {
	if isFinal(status) && u.status == 0 {
		u.status, u.useless = status, !u.isRead()
	}
}

func (u *unsentWriter) Write(p []byte) (int, error) {
	u.WriteHeader(http.StatusOK)
	if u.useless {
		return 0, errUseless
	}
	if u.written += int64(len(p)); u.written > maxAsked {
		return 0, errAnswerTooLarge
	}
	return len(p), nil
}

// FlushError has nothing to send on.
func (*unsentWriter) FlushError() error { return nil }
