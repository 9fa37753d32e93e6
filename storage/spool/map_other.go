//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package spool

import "os"

// MaxText is how many bytes [Spool.Text] can return.
const MaxText = 32 << 20

// mapped returns the first bytes of a file, in memory.
func mapped(file *os.File, size int) (text []byte, unmap func() error, err error) {
	text = make([]byte, size)
	_, err = file.ReadAt(text, 0)
	return text, func() error { return nil }, err
}
