//go:build !unix

package file

import (
	"io/fs"
	"os"
)

// identity tells a file from others, as far as one can without reading it; the zero value is no file's.
type identity struct{ info fs.FileInfo }

func identify(info fs.FileInfo) identity { return identity{info} }

// is tells whether the file is the one that was identified.
func (i identity) is(info fs.FileInfo) bool {
	return i.info != nil && os.SameFile(i.info, info) && i.info.Size() == info.Size()
}
