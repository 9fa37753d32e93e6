package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/dashstash/dashstash/storage"
)

// reader implements [storage.Reader]. It holds one part at a time.
type reader struct {
	ctx    context.Context
	store  *Store
	key    storage.Key
	record record
	closed atomic.Bool

	mu   sync.Mutex
	held []byte // the part that was fetched last; nil: none yet
	part int    // its number
}

var errNegativeOffset = errors.New("negative offset")

func (r *reader) Size() int64 { return r.record.size }

func (r *reader) ReadAt(b []byte, off int64) (n int, err error) {
	switch {
	case r.closed.Load():
		return 0, fs.ErrClosed
	case off < 0:
		return 0, errNegativeOffset
	case r.record.parts() == 0:
		return bytes.NewReader(r.record.payload).ReadAt(b, off)
	}
	for n < len(b) && off < r.record.size {
		part := int(off / int64(r.record.partSize))
		content, err := r.fetch(part)
		if err != nil {
			return n, err
		}
		begin, _ := r.record.span(part)
		copied := copy(b[n:], content[off-begin:])
		n += copied
		off += int64(copied)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// fetch returns a part. One that is lost is the unexpected end of the payload.
func (r *reader) fetch(part int) (content []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held != nil && r.part == part {
		return r.held, nil
	}
	s := r.store
	key := s.partKey(r.key, part)
	err = s.call(r.ctx, key, func() error {
		content, _, err = s.server.Get(r.ctx, key, s.TTL())
		return err
	})
	if errors.Is(err, storage.ErrNotFound) {
		s.drop(r.ctx, r.key)
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	content, err = unseal(content)
	if _, size := r.record.span(part); err == nil && int64(len(content)) != size {
		err = fmt.Errorf("%w: a part of another size", errDamaged)
	}
	if err != nil {
		s.dropDamaged(r.ctx, r.key, err)
		return nil, io.ErrUnexpectedEOF
	}
	r.held, r.part = content, part
	return content, nil
}

func (r *reader) Close() error {
	if r.closed.Swap(true) {
		return fs.ErrClosed
	}
	return nil
}
