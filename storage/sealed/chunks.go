package sealed

import (
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/dashstash/dashstash/storage"
)

var errNegativeOffset = errors.New("negative offset")

// chunks are the chunks of a payload, or those of it that are sealed already. ReadAt reads what they hold. It may be called from
// many goroutines; it is quick for who reads on where the last one stopped.
type chunks struct {
	key     *key
	sealed  io.ReaderAt
	size    int64        // bytes that they hold
	end     *storage.Key // for which the payload was sealed; nil: the last chunk is not among them
	damaged func()       // is called when they are not as they were sealed

	mu     sync.Mutex
	closed bool
	buffer []byte // for a chunk and the salt before it
	opened []byte // what the chunk holds that was opened last, in the buffer; nil: none
	number int64  // of that chunk
}

// ReadAt implements [io.ReaderAt]. Where the chunks are not as they were sealed it fails with [io.ErrUnexpectedEOF].
func (c *chunks) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errNegativeOffset
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, fs.ErrClosed
	}
	for n < len(b) && off < c.size {
		number := off / chunkSize
		plain, err := c.open(number)
		if err != nil {
			return n, err
		}
		copied := copy(b[n:], plain[off-number*chunkSize:])
		n += copied
		off += int64(copied)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// open returns what a chunk holds. The caller holds the mutex, or is alone.
func (c *chunks) open(number int64) ([]byte, error) {
	if c.opened != nil && c.number == number {
		return c.opened, nil
	}
	c.opened = nil
	begin, size := number*stride, min(chunkSize, c.size-number*chunkSize)+overhead
	at := position{number: number}
	if number > 0 {
		begin, size = begin-saltSize, size+saltSize
	}
	if c.buffer == nil {
		c.buffer = make([]byte, saltSize+min(chunkSize, c.size)+overhead)
	}
	chunk := c.buffer[:size]
	n, err := c.sealed.ReadAt(chunk, begin)
	if n < len(chunk) && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	if number > 0 {
		at.before, chunk = chunk[:saltSize], chunk[saltSize:]
	}
	if (number+1)*chunkSize >= c.size {
		at.end = c.end
	}
	plain, ok := c.key.open(chunk, at) // of which the end may be missing
	if !ok {
		c.damaged()
		return nil, io.ErrUnexpectedEOF
	}
	c.opened, c.number = plain, number
	return plain, nil
}

func (c *chunks) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed, c.opened, c.buffer = true, nil, nil
}
