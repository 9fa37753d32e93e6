// Package spool holds bytes that are on their way, of which nobody knows yet how many will come.
package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// InMemory is how many bytes a [Spool] holds in memory.
const InMemory = 1 << 20

// A Spool holds bytes: the first of them in memory, and all of them in a temporary file once they are more than [InMemory]. The
// zero value is empty and ready for use. It belongs to one goroutine, but for ReadAt, which many may call while none writes.
//
// The file is in [os.TempDir]. It has lost its name by the time that it is written, where the system can do that, so that
// nothing is left of it when the process dies.
type Spool struct {
	size  int64
	head  bytes.Buffer
	file  *os.File // nil: all is in memory
	named bool     // the file still has its name
}

// Size is how many bytes there are.
func (s *Spool) Size() int64 { return s.size }

// Grow makes room in memory for n bytes to come.
func (s *Spool) Grow(n int64) { s.head.Grow(int(min(n, InMemory)) + bytes.MinRead) }

// Write adds all of p or, with an error of the file system, the part of it that it reports. What was added before can be read in
// any case.
func (s *Spool) Write(p []byte) (n int, err error) {
	if s.file == nil && s.size+int64(len(p)) > InMemory {
		if err := s.moveToFile(); err != nil {
			return 0, err
		}
	}
	if s.file != nil {
		n, err = s.file.WriteAt(p, s.size)
	} else {
		n, err = s.head.Write(p)
	}
	s.size += int64(n)
	return n, err
}

func (s *Spool) moveToFile() error {
	file, err := os.CreateTemp("", "dash_stash-*")
	if err != nil {
		return err
	}
	named := os.Remove(file.Name()) != nil
	if _, err := file.WriteAt(s.head.Bytes(), 0); err != nil {
		return errors.Join(err, drop(file, named))
	}
	s.file, s.named, s.head = file, named, bytes.Buffer{}
	return nil
}

// ReadFrom is Write of all that r has, without a buffer of its own for what stays in memory.
func (s *Spool) ReadFrom(r io.Reader) (n int64, err error) {
	if s.file == nil {
		n, err = s.head.ReadFrom(io.LimitReader(r, InMemory-s.size))
		s.size += n
		if err != nil || s.size < InMemory {
			return n, err
		}
	}
	rest, err := io.Copy(struct{ io.Writer }{s}, r)
	return n + rest, err
}

// ReadAt reads what was written.
func (s *Spool) ReadAt(p []byte, offset int64) (int, error) {
	if s.file == nil {
		return bytes.NewReader(s.head.Bytes()).ReadAt(p, offset)
	}
	return io.NewSectionReader(s.file, 0, s.size).ReadAt(p, offset) // a failed Write may have left more behind that
}

// Close drops the bytes. Reading what was in the file fails from then on.
func (s *Spool) Close() error {
	if s.file == nil {
		return nil
	}
	return drop(s.file, s.named)
}

func drop(file *os.File, named bool) error {
	err := file.Close()
	if named {
		err = os.Remove(file.Name())
	}
	return err
}
