package caddymodule

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/dashstash/dashstash/storage"
)

// storageNamespace is the namespace of the modules that are a [Backend].
const storageNamespace = "http.handlers.dash_stash.storage"

// A Backend is a guest module that says where data is kept.
type Backend interface {
	// Identity is what makes two configurations mean one store: its place, and none of its limits.
	Identity() string
	// Limits are what the store is to be bounded by. They are applied when the configuration runs.
	Limits() storage.Limits
	// Open opens the store without limits: that a configuration is checked, or refused, must not evict anything. It should
	// not wait for a server that may come up later.
	Open(logger *slog.Logger) (storage.Limiter, error)
}

// ttlKey is the context key of the handler's ttl, a time.Duration, for its storage.
type ttlKey struct{}

// provisionStorage loads the storage module and acquires its store.
func (h *Handler) provisionStorage(ctx caddy.Context) error {
	module, err := ctx.WithValue(ttlKey{}, time.Duration(h.TTL)).LoadModule(h, "StorageRaw")
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	backend, ok := module.(Backend)
	if !ok {
		return fmt.Errorf("storage: module %T is no storage for dash_stash", module)
	}
	h.backend = backend
	if h.store, err = acquireStore(backend, ctx.Slogger()); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return nil
}

// lease returns a reference to the store for one request, which must be released: a request may outlive its configuration. A
// request shows that the configuration runs: its limits apply.
func (h *Handler) lease() (*pooled[*storeValue], error) {
	store, err := acquireStore(h.backend, h.interceptor.Logger)
	if err != nil {
		return nil, err
	}
	if h.bounded.Swap(store.value) != store.value {
		store.value.SetLimits(h.backend.Limits())
	}
	return store, nil
}

// checkMaxSize checks the option max_size, which local storages have.
func checkMaxSize(size int64) error {
	if size < 1 {
		return fmt.Errorf("max_size: %d is not a size: use 1 byte or more", size)
	}
	return nil
}
