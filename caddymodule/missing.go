package caddymodule

import (
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/dashstash/dashstash/interceptor"
)

// What on_missing can be.
const (
	missingReload        = "reload"
	missingNull          = "null"
	missingPreventUpdate = "prevent_update"
	missingError         = "error"
)

var onMissing = []string{missingReload, missingNull, missingPreventUpdate, missingError}

// errMissing is what on_missing error says.
var errMissing = errors.New("data of a Store is gone from the storage")

// A missingAnswer is what on_missing makes of a callback whose data is gone.
type missingAnswer struct {
	status      int
	contentType string
	body        []byte
}

var preventUpdate = missingAnswer{status: http.StatusNoContent}

// missingAnswer returns the answer to a callback whose data is gone. It is not ok if the app is to answer, with null in the place
// of that data.
func (h *Handler) missingAnswer(r *http.Request, next caddyhttp.Handler, session interceptor.Session) (answer missingAnswer, ok bool) {
	switch h.OnMissing {
	case missingReload:
		url, ok := h.scriptURL(r, next, session)
		return missingAnswer{http.StatusOK, jsonType, interceptor.ReloadAnswer(url)}, ok
	case missingPreventUpdate:
		return preventUpdate, true
	case missingError:
		return missingAnswer{http.StatusGone, "application/problem+json", []byte(missingProblem)}, true // RFC 9457
	}
	return missingAnswer{}, false
}

// send answers a callback.
func (m missingAnswer) send(w http.ResponseWriter, v *visit) error {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Add("Server-Timing", v.serverTiming())
	if m.body != nil {
		header.Set("Content-Type", m.contentType)
		header.Set("Content-Length", strconv.Itoa(len(m.body)))
	}
	v.down = int64(len(m.body))
	w.WriteHeader(m.status)
	_, err := w.Write(m.body)
	return err
}

const missingProblem = `{"title":"Data is gone","status":410,` +
	`"detail":"The data that this page kept on the server is no longer there. Reload the page."}`

// scriptURL is the address of the script that reloads the app's page, if that page can be told to run it.
func (h *Handler) scriptURL(r *http.Request, next caddyhttp.Handler, session interceptor.Session) (string, bool) {
	app := session.App
	h.learn(r, next, session, interceptor.PageEndpoint)
	page, known := app.Page()
	switch {
	case r.Context().Err() != nil: // nobody waits for the answer
	case !known:
		h.interceptor.WarnOnce(app, "on_missing reload: the app's page does not tell its version of Dash, so callbacks whose data is gone "+
			"get null instead")
	case !page.RunsScripts:
		h.interceptor.WarnOnce(app, "on_missing reload needs Dash 2.18 or newer, so callbacks whose data is gone get null instead")
	default:
		return page.Prefix + "_dash-stash/reload.js?namespace=" + h.interceptor.NamespaceID(), true
	}
	return "", false
}

//go:embed reload.js
var reloadScript []byte

// serveScript serves the script that takes tokens whose data is gone out of the browser, and reloads the page.
func serveScript(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(reloadScript)))
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err := w.Write(reloadScript)
	return err
}

// maxGoneRequest is the size in bytes of what a browser may ask about at once. Its storages hold about 5 MB each.
const maxGoneRequest = 16 << 20

// serveGone tells the script which of the tokens in a browser are surely gone. The request is a JSON list of what the browser
// keeps, tokens and patched data; the answer is a list of true and false.
func (h *Handler) serveGone(
	w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, session interceptor.Session,
) error {
	if r.URL.Query().Get("namespace") != h.interceptor.NamespaceID() {
		return next.ServeHTTP(w, r) // for a handler of another namespace behind this one
	}
	held, err := holdRequest(w, r, min(h.MaxRequest, maxGoneRequest))
	if err != nil {
		return err
	}
	defer held.Close()
	gone, err := h.interceptor.Gone(r.Context(), session, held, held.Size())
	if err != nil {
		return h.refuse(w, err)
	}
	answer, _ := json.Marshal(gone)
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(answer)
	return err
}
