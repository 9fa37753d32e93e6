// Package spool holds bytes that are on their way, of which nobody knows yet how many will come.
package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

const (
	// InMemory is how many bytes a [Spool] holds in memory.
	InMemory = 1 << 20
	// maxAhead is for how many bytes there is room in memory before the first of them has come.
	maxAhead = 16 << 10
)

// A Spool holds bytes: the first of them in memory, and all of them in a temporary file once they are more than [InMemory]. The
// zero value is empty and ready for use. It belongs to one goroutine, but for ReadAt, which many may call while none writes.
//
// The file is in [os.TempDir]. It has lost its name by the time that it is written, where the system can do that, so that
// nothing is left of it when the process dies. What is in it is on the account [Disk] until Close.
type Spool struct {
	// Holder is for whom the bytes are held, to that account.
	Holder string

	size    int64
	head    []byte
	file    *os.File     // nil: all is in memory
	named   bool         // the file still has its name
	unmap   func() error // lets go of what Text has returned; nil: it is in memory
	account *Account     // nil: nothing was taken from it
	taken   int64
}

// Size is how many bytes there are.
func (s *Spool) Size() int64 { return s.size }

// Bytes are all of them, up to the next Write; nil if they are not in memory.
func (s *Spool) Bytes() []byte { return s.head }

// Grow makes room in memory for n bytes to come, and for ReadFrom to see that there are no more. If they are many, that is for the first
// of them: they may never come.
func (s *Spool) Grow(n int64) { s.head = slices.Grow(s.head, int(min(n, maxAhead))+1) }

// Write adds all of p or, with [ErrNoRoom] or an error of the file system, the part of it that it reports. What was added before
// can be read in any case.
func (s *Spool) Write(p []byte) (n int, err error) {
	if s.file == nil && s.size+int64(len(p)) <= InMemory {
		s.head = append(s.head, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	need := int64(len(p))
	if s.file == nil {
		need += s.size
	}
	if err := s.take(need); err != nil {
		return 0, err
	}
	if s.file == nil {
		if err := s.moveToFile(); err != nil {
			s.giveBack(need)
			return 0, err
		}
	}
	n, err = s.file.WriteAt(p, s.size)
	s.giveBack(int64(len(p) - n))
	s.size += int64(n)
	return n, err
}

func (s *Spool) take(n int64) error {
	if s.account == nil {
		s.account = Disk
	}
	if err := s.account.take(s.Holder, n); err != nil {
		return err
	}
	s.taken += n
	return nil
}

func (s *Spool) giveBack(n int64) {
	s.account.giveBack(s.Holder, n)
	s.taken -= n
}

func (s *Spool) moveToFile() error {
	file, err := os.CreateTemp("", "dash_stash-*")
	if err != nil {
		return err
	}
	named := os.Remove(file.Name()) != nil
	if _, err := file.WriteAt(s.head, 0); err != nil {
		return errors.Join(err, drop(file, named))
	}
	s.file, s.named, s.head = file, named, nil
	return nil
}

// ReadFrom is Write of all that r has, without a buffer of its own for what stays in memory.
func (s *Spool) ReadFrom(r io.Reader) (n int64, err error) {
	for s.file == nil && s.size < InMemory {
		if len(s.head) == cap(s.head) {
			s.head = slices.Grow(s.head, max(bytes.MinRead, len(s.head))) // twice what has come
		}
		read, err := r.Read(s.head[len(s.head):min(cap(s.head), InMemory)])
		s.head = s.head[:len(s.head)+read]
		s.size += int64(read)
		n += int64(read)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	rest, err := io.Copy(struct{ io.Writer }{s}, r)
	return n + rest, err
}

// ReadAt reads what was written.
func (s *Spool) ReadAt(p []byte, offset int64) (int, error) {
	if s.file == nil {
		return bytes.NewReader(s.head).ReadAt(p, offset)
	}
	return io.NewSectionReader(s.file, 0, s.size).ReadAt(p, offset) // a failed Write may have left more behind that
}

// Text returns all of the bytes, up to Close, to be read only: those in memory, or the file itself, where the system can do that,
// which is not in the heap. Nothing can be written from then on. It fails for more than [MaxText].
func (s *Spool) Text() ([]byte, error) {
	if s.file == nil {
		return s.head, nil
	}
	if s.size > MaxText {
		return nil, fmt.Errorf("%d bytes: %w", s.size, errors.ErrUnsupported)
	}
	text, unmap, err := mapped(s.file, int(s.size))
	s.unmap = unmap
	return text, err
}

// Close drops the bytes. Reading what was in the file fails from then on.
func (s *Spool) Close() error {
	if s.file == nil {
		return nil
	}
	defer func() { s.giveBack(s.taken) }()
	var err error
	if s.unmap != nil {
		err = s.unmap()
	}
	return errors.Join(err, drop(s.file, s.named))
}

func drop(file *os.File, named bool) error {
	err := file.Close()
	if named {
		err = os.Remove(file.Name())
	}
	return err
}
