package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/dashstash/dashstash/storage"
)

// writer implements [storage.Writer]. It seals a chunk when there is more to come, and the last one at Commit.
type writer struct {
	inner  storage.Writer
	hash   hash.Hash // of what is sealed
	sealed chunks    // all but the last
	before []byte    // the salt of the last of them
	plain  []byte    // what is accepted behind them
	box    []byte    // the chunk that was sealed last
	ended  bool
	failed error        // the first error of writing: what came after it is missing, so there is nothing to commit
	end    *storage.Key // what the last chunk was sealed for; nil: it is not sealed yet
}

var (
	errEnded = fmt.Errorf("payload was committed or aborted: %w", fs.ErrClosed)
	errWhole = errors.New("payload was sealed by a Commit that failed: it can only be committed again, under the same key")
)

func newWriter(inner storage.Writer, k *key) *writer {
	return &writer{inner: inner, hash: k.newHash(), sealed: chunks{key: k, sealed: inner, damaged: func() {}}}
}

func (w *writer) Write(b []byte) (n int, err error) {
	if err := w.usable(); err != nil {
		return 0, err
	}
	if w.end != nil {
		return 0, errWhole
	}
	if err := w.pass(nil); err != nil { // what is wrong below is to be known now, not 64 KiB later
		return 0, err
	}
	for n < len(b) {
		if len(w.plain) == chunkSize {
			if err := w.seal(nil); err != nil {
				return n, err
			}
		}
		taken := min(chunkSize-len(w.plain), len(b)-n)
		w.plain = append(w.plain, b[n:n+taken]...)
		n += taken
	}
	return n, nil
}

// seal seals a chunk: the last one of a payload, if there is a storage key.
func (w *writer) seal(end *storage.Key) error {
	at := position{number: w.sealed.size / chunkSize, before: w.before, end: end}
	w.hash.Write(w.plain)
	if end != nil {
		w.hash.Write(end[:])
	}
	salt := w.hash.Sum(nil)
	w.box = w.sealed.key.seal(w.box[:0], w.plain, at, salt)
	if err := w.pass(w.box); err != nil {
		return err
	}
	if w.end = end; end == nil {
		w.sealed.size += chunkSize
		w.plain, w.before = w.plain[:0], salt
	}
	return nil
}

// pass passes on bytes to the writer below.
func (w *writer) pass(b []byte) error {
	_, w.failed = w.inner.Write(b)
	return w.failed
}

// ReadAt reads what was accepted: sealed chunks from below, and what is behind them from memory, where it stays to the end.
func (w *writer) ReadAt(b []byte, off int64) (n int, err error) {
	if w.ended {
		return 0, errEnded
	}
	if off < w.sealed.size {
		if n, err = w.sealed.ReadAt(b, off); err != io.EOF {
			return n, err
		}
	}
	rest, err := bytes.NewReader(w.plain).ReadAt(b[n:], off+int64(n)-w.sealed.size)
	return n + rest, err
}

func (w *writer) Commit(key storage.Key) error {
	if err := w.usable(); err != nil {
		return err
	}
	if w.end == nil {
		if err := w.seal(&key); err != nil {
			return err
		}
	}
	if *w.end != key {
		return errWhole
	}
	if err := w.inner.Commit(w.sealed.key.placeOf(key)); err != nil {
		return err
	}
	w.Abort()
	return nil
}

func (w *writer) Abort() {
	w.inner.Abort()
	w.sealed.close()
	w.plain, w.box, w.ended = nil, nil, true
}

func (w *writer) usable() error {
	if w.ended {
		return errEnded
	}
	return w.failed
}
