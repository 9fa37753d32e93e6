package caddymodule

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
	"github.com/dashstash/dashstash/storage/memory"
)

func init() {
	caddy.RegisterModule(new(FileStorage))
	caddy.RegisterModule(new(MemoryStorage))
}

// storageNamespace is the namespace of the modules that are a [Backend].
const storageNamespace = "http.handlers.dash_stash.storage"

// A Backend is a guest module that says where data is kept.
type Backend interface {
	// Identity is what makes two configurations mean one store: its place, and none of its limits.
	Identity() string
	// Limits are what the store is bounded by. They are applied to the running store, which keeps its data.
	Limits() storage.Limits
	// Open opens the store. It should not wait for a server that may come up later.
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

// lease returns a reference to the store for one request, which must be released: a request may outlive its configuration.
func (h *Handler) lease() (*pooled[*storeValue], error) {
	store, err := acquireStore(h.backend, h.interceptor.Logger)
	if err != nil {
		return nil, err
	}
	h.adopt.Do(func() { store.value.SetLimits(h.backend.Limits()) })
	return store, nil
}

// FileStorage keeps data in plain files, so that a restart loses nothing. It belongs on a local disk of one machine.
type FileStorage struct {
	// The directory; it is created if missing. Default: `dash_stash` in Caddy's data directory.
	Path string `json:"path,omitempty"`

	// The size in bytes up to which data is kept; what was not used for the longest time goes first. Default: 1073741824
	// (1 GiB).
	MaxSize int64 `json:"max_size,omitempty"`

	ttl time.Duration
}

// CaddyModule returns the Caddy module information.
func (*FileStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: storageNamespace + ".file", New: func() caddy.Module { return new(FileStorage) }}
}

// Provision sets the storage up.
func (f *FileStorage) Provision(ctx caddy.Context) error {
	f.ttl, _ = ctx.Value(ttlKey{}).(time.Duration)
	if f.MaxSize == 0 {
		f.MaxSize = 1 << 30
	}
	if f.Path == "" {
		f.Path = filepath.Join(caddy.AppDataDir(), "dash_stash")
	}
	path, err := caddy.NewReplacer().ReplaceOrErr(f.Path, true, true)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	f.Path, err = filepath.Abs(path)
	return err
}

// Validate checks the options.
func (f *FileStorage) Validate() error { return checkMaxSize(f.MaxSize) }

// Identity is the directory.
func (f *FileStorage) Identity() string { return "file:" + f.Path }

// Limits are the size and the handler's ttl.
func (f *FileStorage) Limits() storage.Limits { return storage.Limits{MaxSize: f.MaxSize, TTL: f.ttl} }

// Open opens the directory; it fails if that cannot be written to.
func (f *FileStorage) Open(logger *slog.Logger) (storage.Limiter, error) {
	return file.Open(f.Path, f.Limits(), logger)
}

// MemoryStorage keeps data in Caddy's own memory, where a restart loses it.
type MemoryStorage struct {
	// Handlers with the same name share a store. Default: empty.
	Name string `json:"name,omitempty"`

	// The size in bytes up to which data is kept; what was not used for the longest time goes first. Default: 268435456
	// (256 MiB).
	MaxSize int64 `json:"max_size,omitempty"`

	ttl time.Duration
}

// CaddyModule returns the Caddy module information.
func (*MemoryStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: storageNamespace + ".memory", New: func() caddy.Module { return new(MemoryStorage) }}
}

// Provision sets the storage up.
func (m *MemoryStorage) Provision(ctx caddy.Context) error {
	m.ttl, _ = ctx.Value(ttlKey{}).(time.Duration)
	if m.MaxSize == 0 {
		m.MaxSize = 256 << 20
	}
	return nil
}

// Validate checks the options.
func (m *MemoryStorage) Validate() error { return checkMaxSize(m.MaxSize) }

// Identity is the name.
func (m *MemoryStorage) Identity() string { return "memory:" + m.Name }

// Limits are the size and the handler's ttl.
func (m *MemoryStorage) Limits() storage.Limits {
	return storage.Limits{MaxSize: m.MaxSize, TTL: m.ttl}
}

// Open returns an empty store.
func (m *MemoryStorage) Open(*slog.Logger) (storage.Limiter, error) {
	return memory.New(m.Limits()), nil
}

func checkMaxSize(size int64) error {
	if size < 1 {
		return fmt.Errorf("max_size: %d is not a size: use 1 byte or more", size)
	}
	return nil
}

// Interface guards
var (
	_ Backend           = (*FileStorage)(nil)
	_ Backend           = (*MemoryStorage)(nil)
	_ caddy.Provisioner = (*FileStorage)(nil)
	_ caddy.Provisioner = (*MemoryStorage)(nil)
	_ caddy.Validator   = (*FileStorage)(nil)
	_ caddy.Validator   = (*MemoryStorage)(nil)
)
