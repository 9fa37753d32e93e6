//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package file

import (
	"errors"
	"os"
)

// lockDir cannot lock directories here.
func lockDir(*os.Root, string, bool) (*os.File, error) { return nil, errors.ErrUnsupported }
