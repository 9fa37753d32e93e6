//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package spool

import (
	"math"
	"os"
	"syscall"
)

// MaxText is how many bytes [Spool.Text] can return.
const MaxText = math.MaxInt

// mapped returns the first bytes of a file, which stay in the file: they take no memory that could not be had back at any time.
func mapped(file *os.File, size int) (text []byte, unmap func() error, err error) {
	text, err = syscall.Mmap(int(file.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	return text, func() error { return syscall.Munmap(text) }, nil
}
