package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
)

// A described is a Dash app that says of itself what a test wants, and notes who asks.
type described struct {
	*httptest.Server
	mu           sync.Mutex
	layout       string
	dependencies string
	refuse       func(r *http.Request) int // the status of an answer that is not given; 0 or nil: it is given
	asked        []*http.Request
}

// newDescribed starts an app that runs below a prefix; each of its callbacks sets the data of df.
func newDescribed(t testing.TB, prefix string) *described {
	t.Helper()
	d := &described{layout: layout, dependencies: dependencies}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+prefix+"/_dash-layout", d.describe(&d.layout))
	mux.HandleFunc("GET "+prefix+"/_dash-dependencies", d.describe(&d.dependencies))
	mux.HandleFunc("POST "+prefix+callbackPath, answering(setting("df", repeated(5000))))
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	return d
}

func (d *described) describe(body *string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = append(d.asked, r.Clone(context.Background()))
		if d.refuse != nil {
			if status := d.refuse(r); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		writeJSON(w, *body)
	}
}

// change changes what the app says of itself.
func (d *described) change(change func(d *described)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// paths returns the paths that the app was asked for since the last time.
func (d *described) paths() (paths []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.asked {
		paths = append(paths, r.URL.Path)
	}
	d.asked = nil
	return paths
}

func (d *described) proxy() string { return "reverse_proxy " + d.Listener.Addr().String() }

// openSite is a site in front of the app, with the page open.
func (d *described) openSite(t testing.TB, directives ...string) *site {
	t.Helper()
	s := newSite(t, append(directives, d.proxy())...)
	s.open(t)
	return s
}

var both = []string{"/_dash-layout", "/_dash-dependencies"}

// forget has a site's handlers know as little of apps as those of a new process.
func (s *site) forget() *site {
	fresh := &catalogValue{interceptor.NewCatalog(), newLedger()}
	for _, h := range handlersIn(s.server.Routes) {
		h.catalog.value = fresh
	}
	return s
}

// handlersIn returns the handlers dash_stash in routes.
func handlersIn(routes caddyhttp.RouteList) (handlers []*Handler) {
	for _, route := range routes {
		for _, handler := range route.Handlers {
			if handler, ok := handler.(*Handler); ok {
				handlers = append(handlers, handler)
			}
			for _, inside := range routesIn(handler) {
				handlers = append(handlers, handlersIn(inside.routes)...)
			}
		}
	}
	return handlers
}

// wipe empties a store.
func wipe(key storeKey) {
	pool.Range(func(k, value any) bool {
		if k == key {
			value.(*storeValue).SetLimits(storage.Limits{MaxSize: 1})
			value.(*storeValue).SetLimits(storage.Limits{})
		}
		return k != key
	})
}

// offloads reports whether the data of df is offloaded now.
func (s *site) offloads(t testing.TB, header ...string) bool {
	t.Helper()
	got := s.callback(t, reading(), header...)
	require.Equal(t, http.StatusOK, got.StatusCode)
	return tokenPattern.MatchString(got.body)
}
