package caddymodule

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// maxInMemory is how many bytes a spool holds in memory.
const maxInMemory = 1 << 20

// A spool holds bytes: the first of them in memory, and all of them in a temporary file once they are more than maxInMemory.
type spool struct {
	size int64
	head bytes.Buffer
	file *os.File // nil: all is in memory
}

func (s *spool) Write(p []byte) (n int, err error) {
	if s.file == nil && s.size+int64(len(p)) > maxInMemory {
		if s.file, err = os.CreateTemp("", "dash_stash-request-*"); err != nil {
			return 0, err
		}
		if _, err = s.file.Write(s.head.Bytes()); err != nil {
			return 0, err
		}
		s.head = bytes.Buffer{}
	}
	if s.file != nil {
		n, err = s.file.Write(p)
	} else {
		n, err = s.head.Write(p)
	}
	s.size += int64(n)
	return n, err
}

// ReadFrom is Write of all that r has, without a buffer of its own for what stays in memory.
func (s *spool) ReadFrom(r io.Reader) (n int64, err error) {
	if s.file == nil {
		n, err = s.head.ReadFrom(io.LimitReader(r, maxInMemory-s.size))
		s.size += n
		if err != nil || s.size < maxInMemory {
			return n, err
		}
	}
	rest, err := io.Copy(struct{ io.Writer }{s}, r)
	return n + rest, err
}

func (s *spool) ReadAt(p []byte, offset int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(p, offset)
	}
	return bytes.NewReader(s.head.Bytes()).ReadAt(p, offset)
}

// Close drops the bytes.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
