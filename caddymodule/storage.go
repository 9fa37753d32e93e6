package caddymodule

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/sealed"
)

// storageNamespace is the namespace of the modules that are a [Backend].
const storageNamespace = "http.handlers.dash_stash.storage"

// A Backend is a guest module that says where data is kept.
type Backend interface {
	caddy.Module
	// Identity is what makes two configurations mean one store: its place, and none of what Apply sets.
	Identity() string
	// Open opens the store without limits: that a configuration is checked, or refused, must not evict anything. It should
	// not wait for a server that may come up later.
	Open(logger *slog.Logger) (storage.Limiter, error)
	// Shared tells whether Caddys on several machines use the store together.
	Shared() bool
	// Place tells a person where the data is: a directory, addresses. It holds no password.
	Place() string
	// Limits are those of the store. Where a server has its own, they are zero but for the TTL.
	Limits() storage.Limits
	// Apply sets the limits of the store, and what else can be changed while it is in use, when the configuration runs.
	Apply(store storage.Limiter)
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
	if h.store, err = acquireStore(storeKey{backend.Identity()}, backend, ctx.Slogger()); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return nil
}

// lease returns a reference to the store for one request, which must be released: a request may outlive its configuration. A
// request shows that the configuration runs: its limits apply.
func (h *Handler) lease() (*pooled[*storeValue], error) {
	store, err := acquireStore(h.store.key, h.backend, h.interceptor.Logger)
	if err != nil {
		return nil, err
	}
	if used := h.used.Load(); used == nil || used.value != store.value {
		store.value.apply(h.backend)
		h.used.Store(&usedStore{store.value, h.using(store.value.Limiter), h.using(store.value.facts())})
	}
	return store, nil
}

// A usedStore is a store to which a handler's configuration was applied, as the handler uses it.
type usedStore struct {
	value        *storeValue
	store, facts storage.Store
}

// using is a store as the handler uses it: what it does is measured, and with encrypt it sees nothing but what is sealed.
func (h *Handler) using(store storage.Store) storage.Store {
	store = meteredStore{store, kindOf(h.backend)}
	if h.sealKeys == nil {
		return store
	}
	return sealed.New(store, h.sealKeys)
}

// protect is how long local data is safe after its last use from having to go for other data, which stays inline instead: whoever
// uses a page now does not lose it. It is less than what a user takes to read a page at leisure, and enough for a busy site
// to find room in a storage that holds what it writes in a minute.
const protect = time.Minute

// localLimits are those of a storage on this machine.
func localLimits(maxSize, maxEntries int64, ttl time.Duration) storage.Limits {
	return storage.Limits{MaxSize: maxSize, MaxEntries: maxEntries, TTL: ttl, Protect: protect}
}

// checkBounds checks the options max_size and max_entries, which local storages have.
func checkBounds(maxSize, maxEntries int64) error {
	if maxSize < 1 {
		return fmt.Errorf("max_size: %d is not a size: use 1 byte or more", maxSize)
	}
	if maxEntries < 0 {
		return fmt.Errorf("max_entries: %d is no number of entries: use 1 or more, or 0 for as many as there are", maxEntries)
	}
	return nil
}

// replaced is the value of an option with its placeholders, such as {env.REDIS_URL}, replaced. None of them may be empty.
func replaced(option, value string) (string, error) {
	value, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	return value, nil
}
