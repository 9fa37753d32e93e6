package caddymodule

import (
	"log/slog"

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

type catalogValue struct{ *interceptor.Catalog }

func (catalogValue) Destruct() error { return nil }

type catalogKey struct{}

func acquireCatalog() (*pooled[*catalogValue], error) {
	return acquire(catalogKey{}, func() (*catalogValue, error) {
		return &catalogValue{interceptor.NewCatalog()}, nil
	})
}

type storeValue struct{ storage.Limiter }

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

func acquireStore(b Backend, logger *slog.Logger) (*pooled[*storeValue], error) {
	return acquire(storeKey{b.Identity()}, func() (*storeValue, error) {
		store, err := b.Open(logger)
		if err != nil {
			return nil, err
		}
		return &storeValue{store}, nil
	})
}
