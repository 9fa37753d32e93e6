// Package memory keeps payloads in this process. They are gone when it ends.
package memory

import (
	"context"
	"sync"
	"time"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/lru"
)

// Store is a [storage.Store] in memory. Limits.MaxSize counts the bytes of the payloads it holds. Not counted, and to be
// reckoned with: payloads still being written, those that a reader holds open when they are deleted, expire or go because of
// smaller limits, and about 300 bytes for each entry.
type Store struct {
	mu    sync.Mutex
	index *lru.Index[*payload]
}

// New returns an empty store.
func New(limits storage.Limits) *Store {
	s := &Store{}
	// Nothing to do for what is evicted: the garbage collector takes it, once no reader holds it.
	s.index = lru.New(&s.mu, limits, func(*lru.Entry[*payload]) {})
	return s
}

// Create starts a payload. Its bytes are kept in memory as they are written.
func (s *Store) Create(ctx context.Context) (storage.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.check(0); err != nil {
		return nil, err
	}
	return &writer{ctx: ctx, store: s, payload: &payload{}}, nil
}

// Open returns the payload under key. The reader keeps its bytes in memory until it is closed.
func (s *Store) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(0); err != nil {
		return nil, err
	}
	e := s.index.Use(key)
	if e == nil {
		return nil, storage.ErrNotFound
	}
	return newReader(s, e), nil
}

// Delete removes the payload under key.
func (s *Store) Delete(ctx context.Context, key storage.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(0); err != nil {
		return err
	}
	s.index.Remove(key)
	return nil
}

// Purge deletes the payloads of which match says so.
func (s *Store) Purge(ctx context.Context, match func(key storage.Key, lastUse time.Time) bool) (storage.Stats, error) {
	if err := ctx.Err(); err != nil {
		return storage.Stats{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// As with what is evicted, there is nothing more to do.
	return s.index.Purge(ctx, match, func(*lru.Entry[*payload]) error { return nil })
}

// Stats returns what the store holds now, nothing once it is closed, and what it has dropped.
func (s *Store) Stats() storage.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.Stats()
}

// SetLimits applies at once: what no longer fits is evicted. On a closed store it does nothing.
func (s *Store) SetLimits(limits storage.Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.SetLimits(limits)
}

// Close drops all payloads.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(0); err != nil {
		return err
	}
	s.index.Close()
	return nil
}

// check tells why a payload of size bytes cannot be kept.
func (s *Store) check(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.Check(size)
}

func (s *Store) commit(key storage.Key, p *payload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(p.size); err != nil {
		return err
	}
	if s.index.Use(key) != nil {
		return nil
	}
	if err := s.index.Add(key, p.size, time.Now(), p); err != nil {
		return err
	}
	p.trim()
	return nil
}

func (s *Store) unpin(key storage.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.Unpin(key)
}

// Interface guards
var (
	_ storage.Limiter = (*Store)(nil)
	_ storage.Purger  = (*Store)(nil)
)
