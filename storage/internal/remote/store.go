// Package remote keeps payloads on a server of keys and values, such as Redis or memcached: in parts, since a server bounds its
// values and so that none has to be in memory as a whole; and behind a circuit breaker, so that a server that is down costs
// nobody more than a moment.
//
// Under a payload's key is its record (see record). A small payload is in it. A large one is in parts, each under a key of its
// own, which a cluster places as it likes; the record is written last and removed first. Since a key names the bytes, two
// writers of one payload write the same, and nobody has to wait for anybody.
//
// Who keeps within which bounds, and what goes first, is the server's business. A payload of which it has dropped any part is
// gone.
package remote

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// Server is a server of keys and values. Its methods may be called at the same time. They fail with [storage.ErrNotFound] if a
// key is not there, with [storage.ErrFull] if the server has no room; any other error means that it cannot be reached.
type Server interface {
	// Node is the name of where a key is, of what may fail on its own.
	Node(ctx context.Context, key string) string
	// Get returns the value under key, and how long it will be kept from now: [Forever], or ttl if it extends that itself.
	Get(ctx context.Context, key string, ttl time.Duration) (value []byte, left time.Duration, err error)
	// Set puts a value under key for ttl, for ever if that is 0. It returns how long the one that was there before would have
	// been kept, or [Absent]. It keeps no reference to value.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) (left time.Duration, err error)
	// Keep sees to it that keys of one node are kept for about ttl from now, at least for nine tenths of it, for ever if that is 0.
	// It reports whether all of them are there.
	Keep(ctx context.Context, keys []string, ttl time.Duration) (bool, error)
	// Delete removes keys of one node. One that is not there is no error.
	Delete(ctx context.Context, keys []string) error
	// Close ends all connections.
	Close() error
}

// What a [Server] says of how long a value is kept, beside durations.
const (
	Forever time.Duration = -1
	Absent  time.Duration = -2
)

// Counter is a [Server] that counts what it holds.
type Counter interface {
	Server
	// Count adds to what is kept until expiry; the zero time stands for ever. It need not be done before the next Counts.
	Count(ctx context.Context, expiry time.Time, change storage.Stats)
	// Counts returns the sum of what has not expired.
	Counts(ctx context.Context) (storage.Stats, error)
}

// Options are what a [Store] needs beside a server. All are required.
type Options struct {
	// Prefix begins each key on the server.
	Prefix string
	// PartSize is how many bytes of a payload go into one value, which is up to 20 bytes longer.
	PartSize int
	// Logger gets one line when a node cannot be reached any more, and one when it can be again.
	Logger *slog.Logger
}

// Store is a [storage.Store] on a server. Of its limits it knows the TTL; the server sees to that, counted from the last use but
// for a tenth of it.
type Store struct {
	Options
	server Server
	ttl    atomic.Int64 // a time.Duration
	closed atomic.Bool

	mu       sync.Mutex
	circuits map[string]*circuit // by node, of those that were called
}

// New returns the store on a server, which it will close. It does not call the server.
func New(server Server, options Options) *Store {
	return &Store{Options: options, server: server, circuits: make(map[string]*circuit)}
}

// Create starts a payload. Its bytes are held on this machine until they are committed, and so is what could not be.
func (s *Store) Create(ctx context.Context) (storage.Writer, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	if s.away() { // before any byte is held for nothing
		return nil, storage.ErrUnavailable
	}
	return &writer{ctx: ctx, store: s}, nil
}

// Open returns the payload under key. A large one is fetched as it is read.
func (s *Store) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	rec, left, err := s.record(ctx, key)
	if err != nil {
		return nil, err
	}
	there, err := s.use(ctx, key, rec, left)
	if err != nil {
		return nil, err
	}
	if !there {
		s.count(ctx, left, rec, -1)
		s.drop(ctx, key)
		return nil, storage.ErrNotFound
	}
	return &reader{ctx: ctx, store: s, key: key, record: rec}, nil
}

// Delete removes the payload under key.
func (s *Store) Delete(ctx context.Context, key storage.Key) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	rec, left, err := s.record(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	s.count(ctx, left, rec, -1)
	return s.delete(ctx, s.keys(key, rec))
}

// statsTimeout bounds how long Stats waits for the server.
const statsTimeout = time.Second

// Counts tells whether the server counts.
func (s *Store) Counts() bool {
	_, ok := s.server.(Counter)
	return ok
}

// Stats returns what the server has counted; nothing, where it does not count, or cannot be reached.
func (s *Store) Stats() (stats storage.Stats) {
	counter, ok := s.server.(Counter)
	if !ok || s.closed.Load() {
		return storage.Stats{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	err := s.call(ctx, "", func() (err error) {
		stats, err = counter.Counts(ctx)
		return err
	})
	if err != nil {
		return storage.Stats{}
	}
	return stats
}

// SetLimits sets the TTL for what is stored or used from now on.
func (s *Store) SetLimits(limits storage.Limits) { s.ttl.Store(int64(limits.TTL)) }

// TTL is how long a payload is kept after its last use; 0 stands for ever.
func (s *Store) TTL() time.Duration { return time.Duration(s.ttl.Load()) }

// Close ends the connection to the server. What it holds stays.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return storage.ErrClosed
	}
	return s.server.Close()
}

func (s *Store) usable(ctx context.Context) error {
	if s.closed.Load() {
		return storage.ErrClosed
	}
	return ctx.Err()
}

// record fetches the record under key. What is there and is none is removed, and not found.
func (s *Store) record(ctx context.Context, key storage.Key) (rec record, left time.Duration, err error) {
	var value []byte
	err = s.call(ctx, s.recordKey(key), func() (err error) {
		value, left, err = s.server.Get(ctx, s.recordKey(key), s.TTL())
		return err
	})
	if err != nil {
		return record{}, 0, err
	}
	rec, err = parseRecord(value)
	if err != nil {
		s.dropDamaged(ctx, key, err)
		return record{}, 0, storage.ErrNotFound
	}
	return rec, left, nil
}

// use counts a use of a payload that is kept so long from now, and reports whether all of it is there.
func (s *Store) use(ctx context.Context, key storage.Key, rec record, left time.Duration) (there bool, err error) {
	due := s.due(left)
	if rec.parts() == 0 && !due {
		return true, nil
	}
	there, err = s.keep(ctx, s.keys(key, rec))
	if there && due {
		s.count(ctx, left, rec, -1)
		s.count(ctx, s.TTL(), rec, 1)
	}
	return there, err
}

// due tells whether a payload that is kept so long from now is to be kept longer.
func (s *Store) due(left time.Duration) bool {
	ttl := s.TTL()
	return left >= 0 && left < ttl-ttl/10
}

// count counts a payload that is kept so long from now, times factor.
func (s *Store) count(ctx context.Context, left time.Duration, rec record, factor int64) {
	counter, ok := s.server.(Counter)
	if !ok || left == Absent {
		return
	}
	var expiry time.Time
	if left > 0 {
		expiry = time.Now().Add(left)
	}
	counter.Count(ctx, expiry, storage.Stats{Entries: factor, Bytes: factor * rec.size})
}

// dropDamaged is drop of what is not as it was stored.
func (s *Store) dropDamaged(ctx context.Context, key storage.Key, reason error) {
	s.Logger.Warn("a stored payload was damaged and is removed", "key", key.String()[:8], "error", reason)
	s.drop(ctx, key)
}

// drop removes the record of a payload that is not, or no longer, whole, so that the next to store it stores it anew.
func (s *Store) drop(ctx context.Context, key storage.Key) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statsTimeout)
	defer cancel()
	// If this fails, whoever opens it next finds the same.
	_ = s.delete(ctx, []string{s.recordKey(key)})
}

func (s *Store) recordKey(key storage.Key) string { return s.Prefix + key.String() }

func (s *Store) partKey(key storage.Key, part int) string {
	return s.Prefix + key.String() + ":" + strconv.Itoa(part)
}

// keys are the keys of a payload's record and parts, in this order.
func (s *Store) keys(key storage.Key, rec record) []string {
	keys := make([]string, 1, 1+rec.parts())
	keys[0] = s.recordKey(key)
	for part := range rec.parts() {
		keys = append(keys, s.partKey(key, part))
	}
	return keys
}

// Interface guards
var (
	_ storage.Limiter      = (*Store)(nil)
	_ storage.Purger       = (*Store)(nil)
	_ storage.Availability = (*Store)(nil)
	_ storage.Countable    = (*Store)(nil)
)
