//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package file

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockDir locks a directory until the file that it returns is closed, or the process ends. If somebody else holds the lock,
// it waits or fails with errLocked. Where there are no such locks, as on NFS, it fails with [errors.ErrUnsupported].
func lockDir(root *os.Root, dir string, wait bool) (*os.File, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	err = syscall.EINTR
	for err == syscall.EINTR {
		err = syscall.Flock(int(f.Fd()), how)
	}
	switch err {
	case nil:
		return f, nil
	case syscall.EWOULDBLOCK:
		err = errLocked
	default:
		err = fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	f.Close()
	return nil, err
}
