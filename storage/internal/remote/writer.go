package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/spool"
)

// writer implements [storage.Writer]. It holds all bytes on this machine: only there can they be had back if the server fails,
// and only when their key is known can the server tell that it has them already.
type writer struct {
	ctx    context.Context
	store  *Store
	spool  spool.Spool
	ended  bool
	failed error // the first error of Write: what came after it is missing, so there is nothing to commit
}

var errEnded = fmt.Errorf("payload was committed or aborted: %w", fs.ErrClosed)

func (w *writer) Write(b []byte) (int, error) {
	if err := w.usable(); err != nil {
		return 0, err
	}
	n, err := w.spool.Write(b)
	switch {
	case errors.Is(err, spool.ErrNoRoom):
		w.failed = fmt.Errorf("%w: %w", storage.ErrFull, err)
	case err != nil:
		w.failed = fmt.Errorf("holding a payload: %w", err)
	}
	return n, w.failed
}

func (w *writer) ReadAt(b []byte, off int64) (int, error) {
	if w.ended {
		return 0, errEnded
	}
	return w.spool.ReadAt(b, off)
}

func (w *writer) Commit(key storage.Key) error {
	if err := w.usable(); err != nil {
		return err
	}
	if err := w.store.put(w.ctx, key, &w.spool, w.spool.Size()); err != nil {
		return err
	}
	w.Abort()
	return nil
}

func (w *writer) Abort() {
	if !w.ended {
		w.ended = true
		_ = w.spool.Close() // at worst, a file without a name stays until this process ends
	}
}

func (w *writer) usable() error {
	switch {
	case w.ended:
		return errEnded
	case w.failed != nil:
		return w.failed
	}
	return w.store.usable(w.ctx)
}

// uploadTTL is how long parts are kept for which there is no record yet: it may never come.
const uploadTTL = 2 * time.Minute

// put stores a payload.
func (s *Store) put(ctx context.Context, key storage.Key, payload io.ReaderAt, size int64) error {
	rec := record{partSize: s.PartSize, size: size}
	if rec.parts() == 0 {
		rec.payload = make([]byte, size)
		if n, err := payload.ReadAt(rec.payload, 0); int64(n) < size {
			return fmt.Errorf("reading back a payload: %w", err)
		}
		return s.putRecord(ctx, key, rec)
	}
	there, err := s.has(ctx, key, rec)
	if err != nil || there {
		return err
	}
	if err := s.putParts(ctx, key, rec, payload); err != nil {
		s.dropParts(ctx, key, rec)
		return err
	}
	return s.putRecord(ctx, key, rec)
}

func (s *Store) putParts(ctx context.Context, key storage.Key, rec record, payload io.ReaderAt) error {
	ttl := uploadTTL
	if s.TTL() > 0 {
		ttl = min(ttl, s.TTL())
	}
	value := make([]byte, rec.partSize+checksumSize)
	for part := range rec.parts() {
		begin, size := rec.span(part)
		if n, err := payload.ReadAt(value[:size], begin); int64(n) < size {
			return fmt.Errorf("reading back a payload: %w", err)
		}
		name := s.partKey(key, part)
		err := s.call(ctx, name, func() error {
			_, err := s.server.Set(ctx, name, seal(value[:size]), ttl)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// putRecord makes a payload readable. A server that drops what was not used of late may have dropped parts of it by then, where it
// is larger than all that the server keeps; that is noticed now, not when the payload is wanted.
func (s *Store) putRecord(ctx context.Context, key storage.Key, rec record) error {
	var before time.Duration
	err := s.call(ctx, s.recordKey(key), func() (err error) {
		before, err = s.server.Set(ctx, s.recordKey(key), rec.value(), s.TTL())
		return err
	})
	if err != nil {
		return err
	}
	if rec.parts() > 0 {
		there, err := s.keep(ctx, s.keys(key, rec))
		switch {
		case err != nil:
			return err
		case !there:
			return fmt.Errorf("%w: the server has dropped a part of the payload by the time that the last one was there", storage.ErrFull)
		}
	}
	s.count(ctx, before, rec, -1)
	s.count(ctx, s.TTL(), rec, 1)
	return nil
}

// dropParts makes room again where not all of a payload could be stored: unless another has stored it meanwhile.
func (s *Store) dropParts(ctx context.Context, key storage.Key, rec record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statsTimeout)
	defer cancel()
	if _, _, err := s.record(ctx, key); errors.Is(err, storage.ErrNotFound) {
		_ = s.delete(ctx, s.keys(key, rec)) // else they expire
	}
}

// has tells whether a payload is there already, in all its parts. If so, that is a use of it.
func (s *Store) has(ctx context.Context, key storage.Key, want record) (bool, error) {
	rec, left, err := s.record(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil || rec.size != want.size {
		return false, err
	}
	return s.use(ctx, key, rec, left)
}
