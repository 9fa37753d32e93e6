package caddymodule

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memcached"
)

func init() { caddy.RegisterModule(new(MemcachedStorage)) }

// MemcachedStorage keeps data on memcached servers, which several Caddys may share. They keep as much as their memory holds
// (option -m of memcached), and lose it when they restart.
type MemcachedStorage struct {
	// The addresses of the servers, host and port, or paths of Unix sockets. All Caddys must list them in the same order. May hold
	// global placeholders such as `{env.MEMCACHED}`. Default: `127.0.0.1:11211`.
	Addresses []string `json:"addresses,omitempty"`

	// What each key begins with, at most 100 bytes without white space. Default: `dash_stash:`.
	Prefix string `json:"prefix,omitempty"`

	// How long connecting, and a command, may take. Default: 1s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How large an item may be, in bytes: what the option -I of memcached says. Larger data is kept in parts. Default: 1048576
	// (1 MiB), as there.
	MaxItemSize int64 `json:"max_item_size,omitempty"`

	Near

	addresses []string
	identity  string
}

// CaddyModule returns the Caddy module information.
func (*MemcachedStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: storageNamespace + ".memcached", New: func() caddy.Module { return new(MemcachedStorage) }}
}

// Provision sets the storage up.
func (m *MemcachedStorage) Provision(ctx caddy.Context) (err error) {
	if m.Prefix == "" {
		m.Prefix = "dash_stash:"
	}
	if m.MaxItemSize == 0 {
		m.MaxItemSize = memcached.DefaultMaxItemSize
	}
	if m.Prefix, err = replaced("prefix", m.Prefix); err != nil {
		return err
	}
	if m.addresses, err = addressesOf(m.Addresses, "11211"); err != nil {
		return err
	}
	if err := m.provision(ctx, m); err != nil {
		return err
	}
	text, err := json.Marshal(m) // LoadModule has taken the near storage out of it
	m.identity = fmt.Sprintf("memcached:%s %v %s", text, m.addresses, m.Near.identity())
	return err
}

// Validate checks the options.
func (m *MemcachedStorage) Validate() error {
	switch {
	case len(m.Prefix) > memcached.MaxPrefix || strings.ContainsFunc(m.Prefix, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Errorf("prefix: %q is no prefix: use %d bytes or fewer, without white space", m.Prefix, memcached.MaxPrefix)
	case m.Timeout < 0:
		return fmt.Errorf("timeout: %v is too short: use 1ms or more", time.Duration(m.Timeout))
	case m.MaxItemSize < memcached.MinMaxItemSize || m.MaxItemSize > math.MaxInt32:
		return fmt.Errorf("max_item_size: %d is not a size of an item: use %d bytes or more, and what the option -I of memcached says",
			m.MaxItemSize, memcached.MinMaxItemSize)
	}
	return nil
}

// Place is the addresses.
func (m *MemcachedStorage) Place() string {
	if len(m.addresses) == 0 {
		return memcached.DefaultAddress
	}
	return strings.Join(m.addresses, " ")
}

// Identity is all that says which servers, and how they are used.
func (m *MemcachedStorage) Identity() string { return m.identity }

// Open opens the store; the servers need not be up.
func (m *MemcachedStorage) Open(logger *slog.Logger) (storage.Limiter, error) {
	return m.open(memcached.Open(memcached.Options{
		Addresses: m.addresses, Prefix: m.Prefix, Timeout: time.Duration(m.Timeout), MaxItemSize: int(m.MaxItemSize),
	}, logger), logger)
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	memcached [<address>...] {
//		prefix        <text>
//		timeout       <duration>
//		max_item_size <size>
//		near          off | memory | file ...
//	}
func (m *MemcachedStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) (err error) {
	m.Addresses, err = unmarshalStorage(d, math.MaxInt, storageOptions{
		"prefix":        textOption(&m.Prefix),
		"timeout":       durationOption(&m.Timeout),
		"max_item_size": sizeOption(&m.MaxItemSize),
		"near":          m.option,
	})
	return err
}

// Interface guards
var (
	_ Backend               = (*MemcachedStorage)(nil)
	_ caddy.Provisioner     = (*MemcachedStorage)(nil)
	_ caddy.Validator       = (*MemcachedStorage)(nil)
	_ caddyfile.Unmarshaler = (*MemcachedStorage)(nil)
)
