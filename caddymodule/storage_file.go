package caddymodule

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
)

func init() { caddy.RegisterModule(new(FileStorage)) }

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
	return file.Open(f.Path, storage.Limits{}, logger)
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	file [<directory>] {
//		max_size <size>
//	}
func (f *FileStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return unmarshalStorage(d, &f.Path, &f.MaxSize)
}

// Interface guards
var (
	_ Backend               = (*FileStorage)(nil)
	_ caddy.Provisioner     = (*FileStorage)(nil)
	_ caddy.Validator       = (*FileStorage)(nil)
	_ caddyfile.Unmarshaler = (*FileStorage)(nil)
)
