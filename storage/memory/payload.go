package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"
	"sync/atomic"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/lru"
)

// Each chunk is as long as all before it together, between these bounds: a small payload wastes little, a large one needs
// few chunks, and no byte is ever moved to a larger buffer.
const (
	minChunk = 4 << 10
	maxChunk = 256 << 10
)

var errNegativeOffset = errors.New("negative offset")

// payload is a list of chunks, never changed once it is committed.
type payload struct {
	chunks [][]byte
	ends   []int64 // ends[i] is the offset in the payload at which chunks[i] ends
	size   int64
}

func (p *payload) append(b []byte) {
	for len(b) > 0 {
		last := len(p.chunks) - 1
		if last < 0 || len(p.chunks[last]) == cap(p.chunks[last]) {
			p.chunks = append(p.chunks, make([]byte, 0, min(max(p.size, minChunk), maxChunk)))
			p.ends = append(p.ends, p.size)
			last++
		}
		chunk := p.chunks[last]
		n := min(cap(chunk)-len(chunk), len(b))
		p.chunks[last] = append(chunk, b[:n]...)
		p.ends[last] += int64(n)
		p.size += int64(n)
		b = b[n:]
	}
}

// trim gives back what the last chunk does not use.
func (p *payload) trim() {
	if last := len(p.chunks) - 1; last >= 0 && len(p.chunks[last]) < cap(p.chunks[last]) {
		p.chunks[last] = bytes.Clone(p.chunks[last])
	}
}

// ReadAt implements [io.ReaderAt].
func (p *payload) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errNegativeOffset
	}
	i := sort.Search(len(p.ends), func(i int) bool { return p.ends[i] > off })
	for ; i < len(p.chunks) && n < len(b); i++ {
		chunk := p.chunks[i]
		n += copy(b[n:], chunk[int64(len(chunk))-(p.ends[i]-off):])
		off = p.ends[i] // where the next chunk starts
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// writer implements [storage.Writer].
type writer struct {
	ctx     context.Context
	store   *Store
	payload *payload // nil once the writer has ended
	failed  error    // the first error of Write: what came after it is missing, so there is nothing to commit
}

var errEnded = fmt.Errorf("payload was committed or aborted: %w", fs.ErrClosed)

func (w *writer) Write(b []byte) (int, error) {
	if err := w.usable(); err != nil {
		return 0, err
	}
	if err := w.store.check(w.payload.size + int64(len(b))); err != nil {
		w.failed = err
		return 0, err
	}
	w.payload.append(b)
	return len(b), nil
}

func (w *writer) ReadAt(b []byte, off int64) (int, error) {
	if w.payload == nil {
		return 0, errEnded
	}
	return w.payload.ReadAt(b, off)
}

func (w *writer) Commit(key storage.Key) error {
	if err := w.usable(); err != nil {
		return err
	}
	if err := w.store.commit(key, w.payload); err != nil {
		return err
	}
	w.payload = nil
	return nil
}

func (w *writer) Abort() { w.payload = nil }

func (w *writer) usable() error {
	switch {
	case w.payload == nil:
		return errEnded
	case w.failed != nil:
		return w.failed
	}
	return w.ctx.Err()
}

// reader implements [storage.Reader].
type reader struct {
	store   *Store
	key     storage.Key             // pinned until the reader is closed
	payload atomic.Pointer[payload] // nil once closed, so that a reader that is kept does not keep the bytes
	size    int64
}

// newReader pins the entry. The store's mutex is held.
func newReader(s *Store, e *lru.Entry[*payload]) *reader {
	r := &reader{store: s, key: e.Key, size: e.Size}
	r.payload.Store(e.Value)
	s.index.Pin(e.Key)
	return r
}

func (r *reader) Size() int64 { return r.size }

func (r *reader) ReadAt(b []byte, off int64) (int, error) {
	if p := r.payload.Load(); p != nil {
		return p.ReadAt(b, off)
	}
	return 0, fs.ErrClosed
}

func (r *reader) Close() error {
	if r.payload.Swap(nil) == nil {
		return fs.ErrClosed
	}
	r.store.unpin(r.key)
	return nil
}
