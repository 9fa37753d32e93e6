// Package file keeps payloads in a directory, one plain file each, so that they outlive the process.
//
// A payload is at <last two hex digits of the key>/<key in hex>.payload: its bytes, then a trailer of 8 bytes (see
// trailer). It is written in tmp/ and renamed into place, so that no file is ever half a payload while the machine is up.
// Unless asked to (see [Store.SetFsync]), nothing is synced to the disk: what a power failure tears is found by its trailer.
// A file's modification time is the payload's last use. Whatever else is in the directory is left alone.
//
// Several processes may use a directory. Each finds what the others stored, but counts only what was there when it started
// and what it has stored or opened since; and what one of them evicts or lets expire is gone for all, also while another
// reads it or has just used it: the readers keep the bytes. Each writes in a directory of its own in tmp/ (see temps). What
// a process that died left there goes when the next one starts; what a live one writes stays.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/lru"
)

// stampInterval is how often a use of a payload is written down as its file's modification time. A process that ends
// without Close forgets no use that is older.
const stampInterval = time.Minute

// Store is a [storage.Store] in a directory. Limits.MaxSize counts the bytes of the payloads it holds. Not counted:
// payloads still being written, those that a reader holds open when they are deleted, expire or go because of smaller limits,
// 8 bytes for each entry, and what the file system takes for its blocks and directories.
type Store struct {
	dir    string
	logger *slog.Logger
	temps  temps
	fsync  atomic.Bool

	// mu guards the index and every change to the files that the index stands for, so that both agree.
	mu    sync.Mutex
	index *lru.Index[state]
}

// state is what the store knows of an entry's file.
type state struct {
	checked identity // the file that is known to be whole; none if it has not been read through yet
	stamped int64    // the last use that the file's modification time tells, as Time.UnixNano
}

func newState(checked identity, stamped time.Time) state { return state{checked, stamped.UnixNano()} }

// Open returns the store in dir, which is created, for this user only, if it is missing. Payloads that are there already
// are part of it; they are only listed now, and read through when they are first opened. An error tells what is wrong with
// the directory, and what to do; a full disk is no error. The logger gets a warning for each payload that is lost, and where others
// may write to a directory; nil logs nothing.
func Open(dir string, limits storage.Limits, logger *slog.Logger) (*Store, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{dir: dir, logger: logger, temps: temps{dir: dir}}
	s.index = lru.New(&s.mu, storage.Limits{}, s.evicted)
	if err := s.load(); err != nil {
		s.temps.close()
		if errors.Is(err, errLink) {
			return nil, fmt.Errorf("cannot keep payloads in %s: %w", dir, err)
		}
		return nil, fmt.Errorf("cannot keep payloads in %s: %w (it must be a directory that this process may read and "+
			"write: change its owner or mode, or configure another)", dir, err)
	}
	s.SetLimits(limits)
	return s, nil
}

// Create starts a payload. Its bytes go to a temporary file as they are written.
func (s *Store) Create(ctx context.Context) (storage.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.check(0); err != nil {
		return nil, err
	}
	f, err := s.temps.create()
	if err != nil {
		return nil, fmt.Errorf("starting a payload: %w", err)
	}
	return &writer{ctx: ctx, store: s, file: f}, nil
}

// Open returns the payload under key. The first time that this process sees the file, it is read through; if it is damaged,
// it is removed, with a warning in the log, and the error is [storage.ErrNotFound].
func (s *Store) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	checked, err := s.use(key)
	if err != nil {
		return nil, err
	}
	f, info, err := s.openWhole(ctx, key, checked)
	if err != nil {
		s.unpin(key)
		return nil, err
	}
	return &reader{store: s, key: key, file: f, size: payloadSize(info)}, nil
}

// openWhole opens the file of a payload and makes sure that it is whole, unless it is the one that was checked.
func (s *Store) openWhole(ctx context.Context, key storage.Key, checked identity) (*os.File, fs.FileInfo, error) {
	f, info, err := openPayload(s.path(key))
	if isAbsent(err) {
		s.forget(key)
		return nil, nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, nil, fmt.Errorf("opening payload: %w", err)
	}
	if !checked.is(info) {
		if err := s.admit(ctx, key, f, info); err != nil {
			f.Close()
			return nil, nil, err
		}
	}
	return f, info, nil
}

// Delete removes the payload under key, also one that another process has put there.
func (s *Store) Delete(ctx context.Context, key storage.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(0); err != nil {
		return err
	}
	if err := s.removePayload(key); err != nil {
		return fmt.Errorf("deleting payload: %w", err)
	}
	s.index.Remove(key)
	return nil
}

// Stats returns what the store holds now, nothing once it is closed, and what it has dropped. What it does not count, see the
// package, it has not dropped either.
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

// Close writes down when each payload was last used. The files stay, for the next Open.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(0); err != nil {
		return err
	}
	for e := range s.index.All() {
		if e.Value.stamped != e.LastUse.UnixNano() {
			s.stamp(e)
		}
	}
	s.index.Close()
	s.temps.close()
	return nil
}

// check tells why a payload of size bytes cannot be kept.
func (s *Store) check(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.Check(size)
}

// use counts a use of key, if the index has it, and returns the file that is known to be whole, or none. Without an error, it
// has pinned the key.
func (s *Store) use(key storage.Key) (checked identity, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(0); err != nil {
		return checked, err
	}
	s.index.Pin(key)
	if e := s.index.Use(key); e != nil {
		s.stampIfDue(e)
		checked = e.Value.checked
	}
	return checked, nil
}

func (s *Store) unpin(key storage.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.Unpin(key)
}

// evicted removes an entry's file; the index calls it, with mu held.
func (s *Store) evicted(e *lru.Entry[state]) {
	if err := s.removePayload(e.Key); err != nil {
		s.logger.Warn("cannot remove a payload that was evicted", "key", shorten(e.Key), "error", err)
	}
}

func (s *Store) stampIfDue(e *lru.Entry[state]) {
	// A stamp may lie in the future, from a clock that was set back: that is to be corrected, too.
	if time.Duration(e.LastUse.UnixNano()-e.Value.stamped).Abs() >= stampInterval {
		s.stamp(e)
	}
}

// stamp notes an entry's last use in its file. If that fails, the payload is only taken for older than it is after a
// restart, so there is nothing to tell anyone.
func (s *Store) stamp(e *lru.Entry[state]) {
	_ = s.within(func(root *os.Root) error { return root.Chtimes(fileName(e.Key), time.Time{}, e.LastUse) })
	e.Value.stamped = e.LastUse.UnixNano()
}

// shorten makes a key fit for a log: enough to find the file, not enough to make anything of.
func shorten(key storage.Key) string { return key.String()[:8] }

// Interface guards
var (
	_ storage.Limiter = (*Store)(nil)
	_ storage.Purger  = (*Store)(nil)
)
