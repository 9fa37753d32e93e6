package caddymodule

import (
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

	// How many entries are kept; what was not used for the longest time goes first. The data of a Store is one entry, and so is
	// what is known of an app. Default: 0, as many as there are.
	MaxEntries int64 `json:"max_entries,omitempty"`

	// Whether data is on the disk before the browser gets a token for it, so that a power failure loses nothing; that takes
	// milliseconds each time. Default: false.
	Fsync bool `json:"fsync,omitempty"`

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
	path, err := replaced("path", f.Path)
	if err != nil {
		return err
	}
	f.Path, err = filepath.Abs(path)
	return err
}

// Validate checks the options.
func (f *FileStorage) Validate() error { return checkBounds(f.MaxSize, f.MaxEntries) }

// Identity is the directory.
func (f *FileStorage) Identity() string { return "file:" + f.Path }

// Open opens the directory; it fails if that cannot be written to.
func (f *FileStorage) Open(logger *slog.Logger) (storage.Limiter, error) {
	return file.Open(f.Path, storage.Limits{}, logger)
}

// Shared is false: the store is on one machine.
func (*FileStorage) Shared() bool { return false }

// Place is the directory.
func (f *FileStorage) Place() string { return f.Path }

// Limits are the options, and the handler's ttl.
func (f *FileStorage) Limits() storage.Limits { return localLimits(f.MaxSize, f.MaxEntries, f.ttl) }

// Apply sets the limits, and whether to sync.
func (f *FileStorage) Apply(store storage.Limiter) {
	store.SetLimits(f.Limits())
	store.(*file.Store).SetFsync(f.Fsync)
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	file [<directory>] {
//		max_size    <size>
//		max_entries <n>
//		fsync
//	}
func (f *FileStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	values, err := unmarshalStorage(d, 1, storageOptions{
		"max_size":    sizeOption(&f.MaxSize),
		"max_entries": countOption(&f.MaxEntries, 1),
		"fsync":       flagOption(&f.Fsync),
	})
	if len(values) > 0 {
		f.Path = values[0]
	}
	return err
}

// Interface guards
var (
	_ Backend               = (*FileStorage)(nil)
	_ caddy.Provisioner     = (*FileStorage)(nil)
	_ caddy.Validator       = (*FileStorage)(nil)
	_ caddyfile.Unmarshaler = (*FileStorage)(nil)
)
