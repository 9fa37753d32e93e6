package caddymodule

import (
	"cmp"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/nearcache"
)

// pool holds what outlives a configuration: open stores by their identity, and the catalog of apps. A reload provisions the
// new configuration before it cleans up the old one, so that what both use stays.
var pool = caddy.NewUsagePool()

// A pooled is a reference to a value in the pool.
type pooled[V caddy.Destructor] struct {
	key   any
	value V
}

// acquire returns a reference to the value under key, which is made if there is none.
func acquire[V caddy.Destructor](key any, construct func() (V, error)) (*pooled[V], error) {
	value, _, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) { return construct() })
	if err != nil {
		return nil, err
	}
	return &pooled[V]{key: key, value: value.(V)}, nil
}

// release gives the reference back. A nil reference was never acquired: nothing is given back.
func (p *pooled[V]) release() {
	if p == nil {
		return
	}
	if _, err := pool.Delete(p.key); err != nil {
		caddy.Log().Named("http.handlers.dash_stash").Warn("closing: " + err.Error())
	}
}

type catalogValue struct {
	*interceptor.Catalog
	ledger *ledger
}

func (catalogValue) Destruct() error { return nil }

type catalogKey struct{}

func acquireCatalog() (*pooled[*catalogValue], error) {
	return acquire(catalogKey{}, func() (*catalogValue, error) {
		return &catalogValue{interceptor.NewCatalog(), newLedger()}, nil
	})
}

// A storeValue is an open store, and where it is.
type storeValue struct {
	storage.Limiter
	kind, place string
	backend     atomic.Pointer[Backend] // whose limits were applied last
}

func (s *storeValue) Destruct() error { return s.Close() }

// facts is where what is known of apps is saved. That changes under its key, so it goes past a near layer, which may hold what is
// no longer so.
func (s *storeValue) facts() storage.Store {
	if two, ok := s.Limiter.(*nearcache.Store); ok {
		return two.Far()
	}
	return s.Limiter
}

// storeKey is what makes two stores the same one.
type storeKey struct{ identity string }

func acquireStore(key any, b Backend, logger *slog.Logger) (*pooled[*storeValue], error) {
	return acquire(key, func() (*storeValue, error) {
		store, err := b.Open(logger)
		if err != nil {
			return nil, err
		}
		return &storeValue{Limiter: store, kind: kindOf(b), place: b.Place()}, nil
	})
}

// kindOf is the name of a storage module.
func kindOf(b Backend) string { return b.CaddyModule().ID.Name() }

// apply sets the limits of a configuration that runs.
func (s *storeValue) apply(b Backend) {
	b.Apply(s.Limiter)
	s.backend.Store(&b)
}

// limits are those that were applied last.
func (s *storeValue) limits() storage.Limits {
	if b := s.backend.Load(); b != nil {
		return (*b).Limits()
	}
	return storage.Limits{}
}

// available reports whether the store is called.
func (s *storeValue) available() bool {
	server, ok := s.Limiter.(storage.Availability)
	return !ok || server.Available()
}

// counts reports whether the store can tell what it holds.
func (s *storeValue) counts() bool {
	server, ok := s.Limiter.(storage.Countable)
	return !ok || server.Counts()
}

// openStores returns the stores that are open, in the order of their kinds and places.
func openStores() (stores []*storeValue) {
	pool.Range(func(_, value any) bool {
		if store, ok := value.(*storeValue); ok {
			stores = append(stores, store)
		}
		return true
	})
	slices.SortFunc(stores, func(a, b *storeValue) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.place, b.place))
	})
	return stores
}
