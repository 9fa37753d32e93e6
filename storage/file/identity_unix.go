//go:build unix

package file

import (
	"io/fs"
	"syscall"
)

// identity tells a file from others, as far as one can without reading it; the zero value is no file's. It stands for an
// [fs.FileInfo], which would take ten times as much of the memory for an entry.
type identity struct {
	device, inode uint64
	size          int64
}

func identify(info fs.FileInfo) identity {
	stat := info.Sys().(*syscall.Stat_t)
	return identity{widen(stat.Dev), widen(stat.Ino), info.Size()}
}

// is tells whether the file is the one that was identified.
func (i identity) is(info fs.FileInfo) bool { return i == identify(info) }

// widen takes numbers that have another type on each system.
func widen[T int32 | uint32 | int64 | uint64](n T) uint64 { return uint64(n) }
