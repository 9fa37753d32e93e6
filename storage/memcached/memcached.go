// Package memcached keeps payloads on one memcached server or several, between which their parts are spread. Several processes,
// on several machines, may share them.
//
// A memcached drops what was not used for the longest time when its memory is full (option -m, 64 MB by default), and all of it
// when it is restarted; with one server of several down, what has a part on it cannot be read. See package remote for how a
// payload is kept. How many payloads there are, it cannot tell: Stats is always zero.
package memcached

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math"
	"net"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/remote"
)

// Defaults and bounds of [Options].
const (
	DefaultAddress     = "127.0.0.1:11211"
	DefaultTimeout     = time.Second
	DefaultMaxItemSize = 1 << 20
	MinMaxItemSize     = 4 << 10
	MaxPrefix          = 100 // bytes, of the 250 that a key may have
)

// overhead is how much of an item's size is not for the value, at most: memcached counts the key and a header in.
const overhead = 512

// maxIdle is how many connections to each server are kept.
const maxIdle = 16

// Options say which servers to use, and how.
type Options struct {
	// Addresses are host:port of the servers, or paths of Unix sockets. All processes must list the same ones in the same order. Default:
	// [DefaultAddress].
	Addresses []string
	// Prefix begins each key: [MaxPrefix] bytes at most, without white space. Default: empty.
	Prefix string
	// Timeout bounds connecting, and each command. Default: [DefaultTimeout].
	Timeout time.Duration
	// MaxItemSize is how large an item may be, in bytes: what the option -I of memcached says, [MinMaxItemSize] at least.
	// Default: [DefaultMaxItemSize], as there.
	MaxItemSize int
}

// Open returns the store on the servers. It does not call them: one that is not up yet is found when it is. The logger gets one
// line when they cannot be reached any more, and one when they can be again; nil logs nothing.
func Open(options Options, logger *slog.Logger) storage.Limiter {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if len(options.Addresses) == 0 {
		options.Addresses = []string{DefaultAddress}
	}
	if options.MaxItemSize == 0 {
		options.MaxItemSize = DefaultMaxItemSize
	}
	if options.Timeout == 0 {
		options.Timeout = DefaultTimeout
	}
	client := memcache.NewFromSelector(addresses(options.Addresses))
	client.Timeout, client.MaxIdleConns = options.Timeout, maxIdle
	return store{remote.New(&server{client, options.Addresses}, remote.Options{
		Prefix: options.Prefix, PartSize: options.MaxItemSize - overhead, Logger: logger,
	})}
}

// store is a store that says why it cannot be purged.
type store struct{ *remote.Store }

// Purge fails with [errors.ErrUnsupported].
func (s store) Purge(ctx context.Context, match func(key storage.Key, lastUse time.Time) bool) (storage.Stats, error) {
	purged, err := s.Store.Purge(ctx, match)
	if errors.Is(err, errors.ErrUnsupported) {
		err = fmt.Errorf("memcached cannot list what it keeps, so nothing can be picked from it: to have all of it gone, also of "+
			"others who use it, restart memcached or send it flush_all; else wait until the ttl is over (%w)", err)
	}
	return purged, err
}

// addresses chooses the server for a key as memcache.ServerList does, but leaves it to each dial to resolve a name: a server may
// come up later, or move.
type addresses []string

func (a addresses) PickServer(key string) (net.Addr, error) {
	return address(a.Node(context.Background(), key)), nil
}

// Node is the server where a key is.
func (a addresses) Node(_ context.Context, key string) string {
	return a[crc32.ChecksumIEEE([]byte(key))%uint32(len(a))]
}

func (a addresses) Each(visit func(net.Addr) error) error {
	for _, text := range a {
		if err := visit(address(text)); err != nil {
			return err
		}
	}
	return nil
}

type address string

func (a address) Network() string {
	if strings.HasPrefix(string(a), "/") {
		return "unix"
	}
	return "tcp"
}

func (a address) String() string { return string(a) }

// server implements [remote.Server].
type server struct {
	client *memcache.Client
	addresses
}

func (s *server) Get(ctx context.Context, key string, ttl time.Duration) (value []byte, left time.Duration, err error) {
	err = s.do(ctx, func() error {
		item, err := s.client.GetAndTouch(key, expiration(ttl))
		if err != nil {
			return err //nolint:wrapcheck // do makes it readable
		}
		value = item.Value
		return nil
	})
	if ttl == 0 {
		return value, remote.Forever, err
	}
	return value, ttl, err
}

func (s *server) Set(ctx context.Context, key string, value []byte, ttl time.Duration) (time.Duration, error) {
	return remote.Absent, s.do(ctx, func() error {
		return s.client.Set(&memcache.Item{Key: key, Value: value, Expiration: expiration(ttl)})
	})
}

func (s *server) Keep(ctx context.Context, keys []string, ttl time.Duration) (bool, error) {
	for _, key := range keys {
		err := s.do(ctx, func() error { return s.client.Touch(key, expiration(ttl)) })
		if err != nil {
			return false, ignoreNotFound(err)
		}
	}
	return true, nil
}

func (s *server) Delete(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := ignoreNotFound(s.do(ctx, func() error { return s.client.Delete(key) })); err != nil {
			return err
		}
	}
	return nil
}

func ignoreNotFound(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

func (s *server) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("closing the connections to memcached: %w", err)
	}
	return nil
}

// do runs a command, a second time if the first may have met a connection that the server has closed, as it does when it is
// restarted. Every command may be repeated.
func (s *server) do(ctx context.Context, command func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := command()
	if err != nil && !isAnswer(err) && !isTimeout(err) {
		_ = s.client.Close() // the other connections, which would fail likewise; the client goes on
		err = command()
	}
	return readable(err)
}

// isAnswer tells whether an error is what a server has said.
func isAnswer(err error) bool {
	return errors.Is(err, memcache.ErrCacheMiss) || errors.Is(err, memcache.ErrNotStored) || strings.Contains(err.Error(), "_ERROR ")
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// readable says what to do about an error of memcached, where that is known.
func readable(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, memcache.ErrCacheMiss):
		return storage.ErrNotFound
	case strings.Contains(err.Error(), "object too large"):
		return fmt.Errorf("%w: memcached takes no values of that size: set the option max_item_size to what its option -I says (%w)",
			storage.ErrFull, err)
	case strings.Contains(err.Error(), "out of memory"):
		return fmt.Errorf("%w: memcached has no memory left for values of that size: raise its option -m (%w)", storage.ErrFull, err)
	}
	return err
}

// maxRelative is the longest time to live that memcached does not take for a date.
const maxRelative = 30 * 24 * time.Hour

// expiration is a time to live as memcached wants it: in whole seconds, and beyond thirty days as a Unix time. Its clock ticks
// once a second, so that of a second only the end may be left.
func expiration(ttl time.Duration) int32 {
	switch {
	case ttl <= 0:
		return 0
	case ttl+time.Second >= maxRelative:
		return int32(min(time.Now().Add(ttl).Unix()+1, math.MaxInt32))
	}
	return int32((ttl+time.Second-1)/time.Second) + 1
}

// Interface guard
var _ remote.Server = (*server)(nil)
