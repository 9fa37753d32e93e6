package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
)

// A purge is a request to purge, as it is carried out.
type purge struct {
	part   interceptor.Part
	all    bool      // whoever's it is
	before time.Time // only what was last used before; zero: whenever
}

// purge deletes data from the storages of all handlers. Pages that have tokens for it are then told what on_missing says; what is known of
// apps stays.
func (l *ledger) purge(ctx context.Context, request PurgeRequest) (Purged, error) {
	purged := Purged{Storages: []PurgedStorage{}}
	p, err := request.parse()
	if err != nil {
		return purged, err
	}
	for store, handlers := range l.handlersByStore(p.part.Namespace) {
		stats, err := storage.Purge(ctx, store.Limiter, p.match(handlers))
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return purged, caddy.APIError{HTTPStatus: http.StatusNotImplemented, Err: err}
		case err != nil:
			return purged, caddy.APIError{HTTPStatus: http.StatusBadGateway, Err: err}
		}
		purged.Entries += stats.Entries
		purged.Bytes += stats.Bytes
		purged.Storages = append(purged.Storages, PurgedStorage{store.kind, store.place, stats.Entries, stats.Bytes})
	}
	if err := l.checkPurged(request, purged); err != nil {
		return purged, err
	}
	caddy.Log().Named("http.handlers.dash_stash").Info("data was purged", zap.Any("what", request), zap.Int64("entries", purged.Entries),
		zap.Int64("bytes", purged.Bytes))
	return purged, nil
}

// appName is the name of an app as it is known, of one that may be given as its address is: with a slash behind it.
func appName(given string) string { return strings.TrimSuffix(given, "/") }

// parse checks a request.
func (request PurgeRequest) parse() (p purge, err error) {
	p.all = request.All
	p.part.Namespace = request.Namespace
	if request.App != "" {
		p.part.App = new(appName(request.App))
	}
	if request.Store != "" {
		p.part.Store = &request.Store
	}
	some := p.part != (interceptor.Part{}) || request.OlderThan != ""
	switch {
	case !p.all && !some:
		return p, apiError(http.StatusBadRequest, `purge what? give "all", or some of "namespace", "app", "store", "older_than"`)
	case p.all && some:
		return p, apiError(http.StatusBadRequest, `"all" is all: leave it out, or the others`)
	}
	if request.OlderThan != "" {
		age, err := caddy.ParseDuration(request.OlderThan)
		if err != nil || age < 0 {
			return p, apiError(http.StatusBadRequest, `older_than: %q is not a duration: write a number and a unit, like 30m, 24h or 7d`,
				request.OlderThan)
		}
		p.before = time.Now().Add(-age)
	}
	return p, nil
}

// match says of a payload whether it goes. The handlers are those that use the storage.
func (p purge) match(handlers []*Handler) func(storage.Key, time.Time) bool {
	var inPart []func(storage.Key) bool
	for _, h := range handlers {
		inPart = append(inPart, h.interceptor.In(p.part))
	}
	anyones := p.part == (interceptor.Part{})
	return func(key storage.Key, lastUse time.Time) bool {
		if !interceptor.IsPayload(key) || !p.before.IsZero() && (lastUse.IsZero() || !lastUse.Before(p.before)) {
			return false
		}
		return anyones || slices.ContainsFunc(inPart, func(in func(storage.Key) bool) bool { return in(key) })
	}
}

// handlersByStore returns the handlers of a namespace, or all of them, by the store that they use.
func (l *ledger) handlersByStore(namespace *string) map[*storeValue][]*Handler {
	l.mu.Lock()
	defer l.mu.Unlock()
	stores := make(map[*storeValue][]*Handler)
	for h := range l.handlers {
		if namespace == nil || h.Namespace == *namespace {
			stores[h.store.value] = append(stores[h.store.value], h)
		}
	}
	return stores
}

// checkPurged says what may be wrong with a request by which nothing was purged: a name that nobody knows.
func (l *ledger) checkPurged(request PurgeRequest, purged Purged) error {
	if purged.Entries > 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var namespaces, apps []string
	for h := range l.handlers {
		namespaces = append(namespaces, h.Namespace)
	}
	for _, a := range l.byUse() {
		apps = append(apps, a.app)
	}
	if n := request.Namespace; n != nil && !slices.Contains(namespaces, *n) {
		return apiError(http.StatusNotFound, "no dash_stash has the namespace %q: there is %s", *n, listed(namespaces))
	}
	if request.App != "" && !slices.Contains(apps, appName(request.App)) {
		return apiError(http.StatusNotFound, "no app %q has been seen, and nothing of it is stored: there is %s", request.App, listed(apps))
	}
	return nil
}

// listed lists names.
func listed(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return "none yet"
	}
	for i, name := range names {
		names[i] = `"` + name + `"`
	}
	return strings.Join(names, ", ")
}
