//go:build !unix

package file

import "io/fs"

const openFlags = 0

// othersMayWrite is false where modes do not tell.
func othersMayWrite(fs.FileInfo) bool { return false }

func isOurs(fs.FileInfo) bool { return false }
