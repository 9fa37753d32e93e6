package caddymodule

import (
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
)

func init() { caddy.RegisterModule(new(MemoryStorage)) }

// MemoryStorage keeps data in Caddy's own memory, where a restart loses it.
type MemoryStorage struct {
	// Handlers with the same name share a store. Default: empty.
	Name string `json:"name,omitempty"`

	// The size in bytes up to which data is kept; what was not used for the longest time goes first. Default: 268435456
	// (256 MiB).
	MaxSize int64 `json:"max_size,omitempty"`

	// How many entries are kept; what was not used for the longest time goes first. The data of a Store is one entry, and so is
	// what is known of an app. Default: 0, as many as there are.
	MaxEntries int64 `json:"max_entries,omitempty"`

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
func (m *MemoryStorage) Validate() error { return checkBounds(m.MaxSize, m.MaxEntries) }

// Identity is the name.
func (m *MemoryStorage) Identity() string { return "memory:" + m.Name }

// Open returns an empty store.
func (m *MemoryStorage) Open(*slog.Logger) (storage.Limiter, error) {
	return memory.New(storage.Limits{}), nil
}

// Shared is false: the store is on one machine.
func (*MemoryStorage) Shared() bool { return false }

// Place is the name.
func (m *MemoryStorage) Place() string { return m.Name }

// Limits are the options, and the handler's ttl.
func (m *MemoryStorage) Limits() storage.Limits { return localLimits(m.MaxSize, m.MaxEntries, m.ttl) }

// Apply sets the limits.
func (m *MemoryStorage) Apply(store storage.Limiter) { store.SetLimits(m.Limits()) }

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	memory [<name>] {
//		max_size    <size>
//		max_entries <n>
//	}
func (m *MemoryStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	values, err := unmarshalStorage(d, 1, storageOptions{
		"max_size":    sizeOption(&m.MaxSize),
		"max_entries": countOption(&m.MaxEntries, 1),
	})
	if len(values) > 0 {
		m.Name = values[0]
	}
	return err
}

// Interface guards
var (
	_ Backend               = (*MemoryStorage)(nil)
	_ caddy.Provisioner     = (*MemoryStorage)(nil)
	_ caddy.Validator       = (*MemoryStorage)(nil)
	_ caddyfile.Unmarshaler = (*MemoryStorage)(nil)
)
