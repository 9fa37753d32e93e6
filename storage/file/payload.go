package file

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// writer implements [storage.Writer].
type writer struct {
	ctx    context.Context
	store  *Store
	file   *os.File // the temporary file; nil once the writer has ended
	size   int64    // bytes accepted; the file may hold a piece of a failed write or a trailer beyond
	crc    uint32
	failed error // the first error of Write: what came after it is missing, so there is nothing to commit
}

var errEnded = fmt.Errorf("payload was committed or aborted: %w", fs.ErrClosed)

func (w *writer) Write(b []byte) (int, error) {
	if err := w.usable(); err != nil {
		return 0, err
	}
	if err := w.store.check(w.size + int64(len(b))); err != nil {
		w.failed = err
		return 0, err
	}
	n, err := w.file.WriteAt(b, w.size) // not Write: a trailer whose Commit failed may lie there
	w.crc = crc32.Update(w.crc, castagnoli, b[:n])
	w.size += int64(n)
	if err != nil {
		w.failed = fmt.Errorf("writing payload: %w", err)
	}
	return n, w.failed
}

func (w *writer) ReadAt(b []byte, off int64) (int, error) {
	if w.file == nil {
		return 0, errEnded
	}
	return readPayload(w.file, w.size, b, off)
}

func (w *writer) Commit(key storage.Key) error {
	if err := w.usable(); err != nil {
		return err
	}
	if _, err := w.file.WriteAt(trailer(w.crc), w.size); err != nil {
		return fmt.Errorf("committing payload: %w", err)
	}
	fsync := w.store.fsync.Load()
	if fsync {
		if err := w.file.Sync(); err != nil {
			return fmt.Errorf("committing payload: %w", err)
		}
	}
	if err := w.store.commit(key, w); err != nil {
		return err
	}
	if fsync {
		if err := w.store.syncPlace(key); err != nil {
			// It is stored, but may not last. The file is not the writer's alone any more: nothing may be added.
			w.failed = fmt.Errorf("committing payload: %w", err)
			return w.failed
		}
	}
	// A file system that reports only now that it could not write (NFS) has left a damaged payload, which whoever opens
	// it finds out by its digest.
	w.file.Close()
	w.file = nil
	return nil
}

func (w *writer) Abort() {
	if w.file == nil {
		return
	}
	w.file.Close()
	_ = w.store.temps.remove(w.file) // if this fails, the next Open does it
	w.file = nil
}

func (w *writer) usable() error {
	switch {
	case w.file == nil:
		return errEnded
	case w.failed != nil:
		return w.failed
	}
	return w.ctx.Err()
}

// commit puts the writer's file in place under key, or drops it if the store has that payload.
func (s *Store) commit(key storage.Key, w *writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(w.size); err != nil {
		return err
	}
	// Only a file that is known to be whole makes the new bytes superfluous. Any other is replaced: its payload would be
	// the same, if it is whole.
	if e := s.index.Get(key); e != nil && s.inPlace(key, e.Value.checked) {
		s.index.Use(key)
		s.stampIfDue(e)
		_ = s.temps.remove(w.file) // as in Abort
		return nil
	}
	if err := s.index.Room(key, w.size); err != nil {
		return err
	}
	now := time.Now()
	info, err := s.place(key, w.file, now)
	if err != nil {
		return fmt.Errorf("committing payload: %w", err)
	}
	return s.index.Add(key, w.size, now, newState(identify(info), now))
}

// place moves a file to where the payload under key belongs, used now, and describes it.
func (s *Store) place(key storage.Key, f *os.File, now time.Time) (info fs.FileInfo, err error) {
	from, to := s.temps.nameOf(f), fileName(key)
	err = s.within(func(root *os.Root) error {
		if _, err := regular(root.Lstat(to)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// More exact than the time of the last write, which the kernel rounds to a few milliseconds.
		if err := root.Chtimes(from, time.Time{}, now); err != nil {
			return err
		}
		if info, err = f.Stat(); err != nil {
			return err
		}
		err := root.Rename(from, to)
		if errors.Is(err, fs.ErrNotExist) {
			if err = root.MkdirAll(path.Dir(to), dirMode); err == nil {
				err = root.Rename(from, to)
			}
		}
		return err
	})
	return info, err
}

// reader implements [storage.Reader]. The open file keeps the bytes when the entry and its name are gone.
type reader struct {
	store *Store
	key   storage.Key // pinned until the reader is closed
	file  *os.File
	size  int64
}

func (r *reader) Size() int64 { return r.size }

func (r *reader) ReadAt(b []byte, off int64) (int, error) { return readPayload(r.file, r.size, b, off) }

func (r *reader) Close() error {
	err := r.file.Close()
	if !errors.Is(err, fs.ErrClosed) { // the first Close
		r.store.unpin(r.key)
	}
	return err
}

// readPayload reads of the first size bytes of a file, which are the payload.
func readPayload(f *os.File, size int64, b []byte, off int64) (int, error) {
	n, err := io.NewSectionReader(f, 0, size).ReadAt(b, off)
	if err == io.EOF && n < len(b) && off+int64(n) < size {
		err = io.ErrUnexpectedEOF // somebody cut the file short: not to be taken for the payload's end
	}
	return n, err
}
