package interceptor

import (
	"bytes"
	"errors"
	"hash"
	"io"

	"github.com/dashstash/dashstash/storage"
)

// A Body is a run of bytes in pieces, some held in memory and some read from the storage when their turn comes: it never is
// one large block. Its size is known beforehand.
type Body struct {
	pieces  []piece
	size    int64
	closers []io.Closer
}

// A piece is a part of a Body.
type piece struct {
	bytes   []byte      // it, if it is held in memory
	source  io.ReaderAt // else where it is
	offset  int64
	size    int64
	foreign bool          // a token of another namespace
	check   *payloadCheck // what it must hash to; nil: it needs no check
}

// A payloadCheck is how a payload that was read back is checked.
type payloadCheck struct {
	key       storage.Key
	newHash   newHash
	onDamaged func()
}

func (b *Body) add(p piece) {
	if p.size > 0 {
		b.pieces = append(b.pieces, p)
		b.size += p.size
	}
}

func (b *Body) addBytes(p []byte) {
	b.add(piece{bytes: p, size: int64(len(p))})
}

// Size is the body's length in bytes.
func (b *Body) Size() int64 { return b.size }

// HasForeign reports whether the body holds tokens of another namespace.
func (b *Body) HasForeign() bool {
	for _, p := range b.pieces {
		if p.foreign {
			return true
		}
	}
	return false
}

// isPayload reports whether the body is one payload and nothing else.
func (b *Body) isPayload() bool { return len(b.pieces) == 1 && b.pieces[0].check != nil }

// Reader returns a reader from the body's start; there may be several at a time, up to Close. With maskForeign, tokens of
// another namespace are read as null, followed by white space so that the size stays the same. It fails with [ErrDamaged]
// before the end of a payload that is not what was stored.
func (b *Body) Reader(maskForeign bool) io.Reader {
	readers := make([]io.Reader, len(b.pieces))
	for i, p := range b.pieces {
		readers[i] = p.reader(maskForeign)
	}
	return io.MultiReader(readers...)
}

func (p piece) reader(maskForeign bool) io.Reader {
	if p.bytes != nil {
		return bytes.NewReader(p.bytes)
	}
	if p.foreign && maskForeign {
		masked := bytes.Repeat([]byte(" "), int(p.size))
		copy(masked, "null")
		return bytes.NewReader(masked)
	}
	section := io.NewSectionReader(p.source, p.offset, p.size)
	if p.check != nil {
		return &checkedReader{payloadCheck: p.check, r: section, rest: p.size, hash: p.check.newHash()}
	}
	return section
}

// WriteTo writes the body to w, as Reader would give it.
func (b *Body) WriteTo(w io.Writer) (n int64, err error) {
	for _, p := range b.pieces {
		written, err := p.writeTo(w)
		if n += written; err != nil {
			return n, err
		}
	}
	return n, nil
}

func (p piece) writeTo(w io.Writer) (int64, error) {
	if p.bytes != nil {
		n, err := w.Write(p.bytes)
		return int64(n), err
	}
	return io.Copy(w, p.reader(false))
}

// Close lets go of the payloads. Reading fails from then on.
func (b *Body) Close() error {
	var err error
	for _, c := range b.closers {
		err = errors.Join(err, c.Close())
	}
	b.closers = nil
	return err
}

// A checkedReader gives out the last bytes of a payload only if all of them are what was stored.
type checkedReader struct {
	*payloadCheck
	r    io.Reader
	rest int64
	hash hash.Hash
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.hash.Write(p[:n])
	c.rest -= int64(n)
	different := c.rest == 0 && n > 0 && !isOf(c.hash, c.key)
	short := c.rest > 0 && (err == io.EOF || err == io.ErrUnexpectedEOF)
	if different || short {
		c.onDamaged()
		return 0, ErrDamaged
	}
	return n, err
}
