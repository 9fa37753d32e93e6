// Package nearcache puts a local store, the near one, in front of one on a server, the far one: a payload that was made or read on
// this machine need not be fetched again. Since a key names the bytes, what is near is always right.
//
// What is kept is what is far; near is a copy, which may go at any time. While the far store cannot be reached, what is near can
// still be read.
package nearcache

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// maxTouched is how many payloads are known to have been used in the far store of late.
const maxTouched = 10_000

// Store is a [storage.Store] of two.
type Store struct {
	near, far storage.Limiter
	limits    storage.Limits // of near

	mu       sync.Mutex
	ttl      time.Duration
	touched  map[storage.Key]time.Time     // when a payload that is near was last used far
	fetching map[storage.Key]chan struct{} // closed when the payload has been fetched, or could not be
}

// New returns the store that reads from near what is there, and keeps all in far. It will close both. The limits are those of
// near, but for the TTL.
func New(near, far storage.Limiter, limits storage.Limits) *Store {
	near.SetLimits(limits)
	return &Store{
		near: near, far: far, limits: limits,
		touched: make(map[storage.Key]time.Time), fetching: make(map[storage.Key]chan struct{}),
	}
}

// Far is the store that keeps all.
func (s *Store) Far() storage.Limiter { return s.far }

// Create starts a payload in both stores.
func (s *Store) Create(ctx context.Context) (storage.Writer, error) {
	far, err := s.far.Create(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{Writer: far, store: s}
	if w.near, err = s.near.Create(ctx); err != nil {
		w.near = nil // as ever where near fails, far is enough
	}
	return w, nil
}

// Open returns the payload from near, where it is put first if it is only far and fits.
func (s *Store) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	for {
		r, err := s.near.Open(ctx, key)
		if err == nil {
			s.touch(ctx, key)
			return r, nil
		}
		if ctx.Err() != nil || errors.Is(err, storage.ErrClosed) {
			return nil, err
		}
		s.mu.Lock()
		fetched, underWay := s.fetching[key]
		if !underWay {
			fetched = make(chan struct{})
			s.fetching[key] = fetched
		}
		s.mu.Unlock()
		if !underWay {
			return s.fetch(ctx, key, fetched)
		}
		select {
		case <-fetched:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fetch opens a payload in the far store, and copies it to near. Whoever waits is told by closing fetched.
func (s *Store) fetch(ctx context.Context, key storage.Key, fetched chan struct{}) (storage.Reader, error) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.fetching, key)
		close(fetched)
	}()
	// Another may have fetched it between this caller's look at near and now.
	if near, err := s.near.Open(ctx, key); err == nil {
		return near, nil
	}
	far, err := s.far.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	if s.limits.MaxSize > 0 && far.Size() > s.limits.MaxSize {
		return far, nil
	}
	near, err := s.copy(ctx, key, far)
	_ = far.Close()
	if err == nil {
		return near, nil
	}
	return s.far.Open(ctx, key) // which knows by now what is wrong with the payload, if it was not near that failed
}

// copy copies a payload to near, and opens it there.
func (s *Store) copy(ctx context.Context, key storage.Key, far storage.Reader) (storage.Reader, error) {
	w, err := s.near.Create(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	if _, err := io.Copy(w, io.NewSectionReader(far, 0, far.Size())); err != nil {
		return nil, err
	}
	if err := w.Commit(key); err != nil {
		return nil, err
	}
	s.noteTouched(key)
	return s.near.Open(ctx, key)
}

// touch makes a use of a payload that is near a use in the far store, too, so that it does not expire there: once in each tenth
// of the time to live. If that fails, near has it all the same.
func (s *Store) touch(ctx context.Context, key storage.Key) {
	s.mu.Lock()
	due := s.ttl > 0 && time.Since(s.touched[key]) >= s.ttl/10
	s.mu.Unlock()
	if !due {
		return
	}
	s.noteTouched(key)
	if r, err := s.far.Open(ctx, key); err == nil {
		_ = r.Close()
	}
}

func (s *Store) noteTouched(key storage.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.touched) >= maxTouched {
		clear(s.touched) // who was in it is used in the far store once more than need be
	}
	s.touched[key] = time.Now()
}

// Delete removes the payload from both stores. Other machines may still have it near.
func (s *Store) Delete(ctx context.Context, key storage.Key) error {
	return errors.Join(s.near.Delete(ctx, key), s.far.Delete(ctx, key))
}

// Purge deletes the payloads of which match says so from both stores, and returns what went from the far one. Of a payload, near may
// know a later use: it is asked about both. Other machines may still have what was purged near.
func (s *Store) Purge(ctx context.Context, match func(key storage.Key, lastUse time.Time) bool) (storage.Stats, error) {
	purged, err := storage.Purge(ctx, s.far, match)
	if err != nil {
		return purged, err
	}
	// What is being fetched now may have been opened before it was purged: it is to be near first.
	for _, fetched := range s.underWay() {
		select {
		case <-fetched:
		case <-ctx.Done():
			return purged, ctx.Err()
		}
	}
	_, err = storage.Purge(ctx, s.near, match)
	return purged, err
}

func (s *Store) underWay() []chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.fetching))
}

// Available tells whether the far store can be reached.
func (s *Store) Available() bool {
	far, ok := s.far.(storage.Availability)
	return !ok || far.Available()
}

// Counts tells whether the far store can tell what it holds.
func (s *Store) Counts() bool {
	far, ok := s.far.(storage.Countable)
	return !ok || far.Counts()
}

// Stats returns what the far store holds.
func (s *Store) Stats() storage.Stats { return s.far.Stats() }

// SetLimits sets the limits of the far store, and the time to live of near.
func (s *Store) SetLimits(limits storage.Limits) {
	s.mu.Lock()
	s.ttl = limits.TTL
	s.mu.Unlock()
	near := s.limits
	near.TTL = limits.TTL
	s.near.SetLimits(near)
	s.far.SetLimits(limits)
}

// Close closes both stores.
func (s *Store) Close() error { return errors.Join(s.near.Close(), s.far.Close()) }

// writer writes to the far store, and to near as long as that goes.
type writer struct {
	storage.Writer
	store *Store
	near  storage.Writer // nil: no longer
}

func (w *writer) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if w.near != nil {
		if _, nearErr := w.near.Write(b[:n]); nearErr != nil {
			w.dropNear()
		}
	}
	return n, err
}

func (w *writer) Commit(key storage.Key) error {
	if err := w.Writer.Commit(key); err != nil {
		return err
	}
	if w.near != nil && w.near.Commit(key) == nil {
		w.store.noteTouched(key)
	}
	w.dropNear()
	return nil
}

func (w *writer) Abort() {
	w.dropNear()
	w.Writer.Abort()
}

func (w *writer) dropNear() {
	if w.near != nil {
		w.near.Abort()
		w.near = nil
	}
}

// Interface guards
var (
	_ storage.Limiter      = (*Store)(nil)
	_ storage.Purger       = (*Store)(nil)
	_ storage.Availability = (*Store)(nil)
	_ storage.Countable    = (*Store)(nil)
)
