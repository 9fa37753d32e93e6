//go:build unix

package file

import (
	"io/fs"
	"os"
	"syscall"
)

// openFlags have a link or a pipe in the place of a payload neither followed nor waited for.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// othersMayWrite tells whether others than the owner may write to a directory.
func othersMayWrite(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }

// isOurs tells whether this process owns a file.
func isOurs(info fs.FileInfo) bool { return int(info.Sys().(*syscall.Stat_t).Uid) == os.Geteuid() }
