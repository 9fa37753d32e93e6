package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(new(Admin)) }

// Admin is what Caddy's admin endpoint tells of dash_stash, under /dash_stash/: figures, what is done with which Store and why, and a
// page that shows it; and where data can be purged. It has no options. Caddy's own protections of that endpoint are in front of it.
type Admin struct {
	ended     chan struct{} // closed when the admin endpoint's server shuts down
	watchOnce sync.Once
}

// CaddyModule returns the Caddy module information.
func (*Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.dash_stash",
		New: func() caddy.Module { return &Admin{ended: make(chan struct{})} },
	}
}

// Routes returns the routes under /dash_stash/.
func (a *Admin) Routes() []caddy.AdminRoute {
	routes := []caddy.AdminRoute{
		{Pattern: "/dash_stash/status", Handler: only(http.MethodGet, a.serveStatus)},
		{Pattern: "/dash_stash/events", Handler: only(http.MethodGet, a.serveEvents)},
		{Pattern: "/dash_stash/store", Handler: only(http.MethodGet, a.serveStore)},
		{Pattern: "/dash_stash/purge", Handler: only(http.MethodPost, a.servePurge)},
	}
	return append(routes, pageRoutes()...)
}

// only refuses other methods than one.
func only(method string, handle caddy.AdminHandlerFunc) caddy.AdminHandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != method {
			w.Header().Set("Allow", method)
			return apiError(http.StatusMethodNotAllowed, "method %s is not allowed here: use %s", r.Method, method)
		}
		return handle(w, r)
	}
}

func apiError(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// liveLedger is the ledger of the handlers that are set up.
func liveLedger() (*ledger, error) {
	var found *ledger
	pool.Range(func(_, value any) bool {
		if catalog, ok := value.(*catalogValue); ok {
			found = catalog.ledger
		}
		return found == nil
	})
	if found == nil {
		return nil, apiError(http.StatusNotFound, "no dash_stash is configured: put the directive dash_stash in front of reverse_proxy")
	}
	return found, nil
}

func sendJSON(w http.ResponseWriter, value any) error {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(value)
}

func (a *Admin) serveStatus(w http.ResponseWriter, _ *http.Request) error {
	l, err := liveLedger()
	if err != nil {
		return err
	}
	return sendJSON(w, l.status())
}

// eventsEvery is how often the status is sent to who watches it.
const eventsEvery = 2 * time.Second

// serveEvents sends the status again and again, as server-sent events, until the browser goes away or the server shuts down: which
// waits for its requests, and so must not wait for this one.
func (a *Admin) serveEvents(w http.ResponseWriter, r *http.Request) error {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		a.watchOnce.Do(func() { server.RegisterOnShutdown(func() { close(a.ended) }) })
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	controller := http.NewResponseController(w)
	ticker := time.NewTicker(eventsEvery)
	defer ticker.Stop()
	for {
		l, err := liveLedger()
		if err != nil {
			return err
		}
		text, err := json.Marshal(l.status())
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil {
			return nil //nolint:nilerr // the browser has gone
		}
		if err := controller.Flush(); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return nil
		case <-a.ended:
			return nil
		}
	}
}

func (a *Admin) serveStore(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	id := query.Get("id")
	if id == "" {
		return apiError(http.StatusBadRequest, "which Store? give its id, as in: /dash_stash/store?id=df")
	}
	l, err := liveLedger()
	if err != nil {
		return err
	}
	var namespace *string
	if query.Has("namespace") {
		namespace = new(query.Get("namespace"))
	}
	return sendJSON(w, l.explain(id, query.Get("app"), namespace))
}

// maxPurgeRequest is the size in bytes of what may be asked to be purged.
const maxPurgeRequest = 64 << 10

func (a *Admin) servePurge(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Content-Type") != jsonType {
		return apiError(http.StatusUnsupportedMediaType, `send JSON, with the header "Content-Type: %s"`, jsonType)
	}
	var request PurgeRequest
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPurgeRequest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return apiError(http.StatusBadRequest, `%w: write it as {"all":true}, or with some of "namespace", "app", "store", "older_than"`, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return apiError(http.StatusBadRequest, "there is something behind the JSON object")
	}
	l, err := liveLedger()
	if err != nil {
		return err
	}
	purged, err := l.purge(r.Context(), request)
	if err != nil {
		return err
	}
	return sendJSON(w, purged)
}

// Interface guards
var (
	_ caddy.AdminRouter = (*Admin)(nil)
	_ caddy.Module      = (*Admin)(nil)
)
