package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

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
	if err != nil {
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
	value := make([]byte, 0, s.PartSize+checksumSize)
	for part := range rec.parts() {
		begin, length := rec.span(part)
		if n, err := payload.ReadAt(value[:length], begin); int64(n) < length {
			return fmt.Errorf("reading back a payload: %w", err)
		}
		err := s.call(ctx, func() error {
			_, err := s.server.Set(ctx, s.partKey(key, part), seal(value[:length]), s.TTL())
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.putRecord(ctx, key, rec)
}

func (s *Store) putRecord(ctx context.Context, key storage.Key, rec record) error {
	return s.call(ctx, func() error {
		ttl := s.TTL()
		left, err := s.server.Set(ctx, s.recordKey(key), rec.value(), ttl)
		if err == nil {
			s.count(ctx, left, rec, -1)
			s.count(ctx, ttl, rec, 1)
		}
		return err
	})
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
