package file

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dashstash/dashstash/storage"
)

const (
	extension   = ".payload"
	dirMode     = 0o700
	fileMode    = 0o600
	digitsOfDir = 2 // 256 directories keep each of them small; by the last digits, since the first are those of few owners
)

// fileName is where the payload under key is kept: a path in the store's directory, with slashes.
func fileName(key storage.Key) string {
	digits := key.String()
	return digits[len(digits)-digitsOfDir:] + "/" + digits + extension
}

// parseFileName is the reverse of [fileName]. It accepts what fileName returns and nothing else, so that no other file is
// ever taken for a payload.
func parseFileName(name string) (key storage.Key, ok bool) {
	digits, ok := strings.CutSuffix(name[min(len(name), digitsOfDir+len("/")):], extension)
	if !ok || len(digits) != hex.EncodedLen(storage.KeySize) {
		return storage.Key{}, false
	}
	if _, err := hex.Decode(key[:], []byte(digits)); err != nil || fileName(key) != name {
		return storage.Key{}, false
	}
	return key, true
}

func (s *Store) path(key storage.Key) string {
	return filepath.Join(s.dir, filepath.FromSlash(fileName(key)))
}

// errForeign is for what is in a payload's place and is no file: a directory, a link, a pipe. We neither open nor remove it.
var errForeign = errors.New("something that is not a regular file is in the place of a payload")

// isAbsent tells whether an error of regular or openPayload means that there is no payload, whatever else is in its place.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errForeign) || errors.Is(err, syscall.ENOTDIR)
}

// regular returns what was found in the place of a payload, if that is a file. See isAbsent for its errors.
func regular(info fs.FileInfo, err error) (fs.FileInfo, error) {
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", info.Name(), errForeign)
	}
	return info, err
}

// openPayload opens the file of a payload and describes it.
func openPayload(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		if _, reason := regular(os.Lstat(path)); reason != nil {
			err = reason
		}
		return nil, nil, err
	}
	info, err := regular(f.Stat())
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// within does something in the directory, by names in it, without following links that lead out of it: whoever may write there could
// put them there at any time.
func (s *Store) within(do func(*os.Root) error) error { return within(s.dir, do) }

func within(dir string, do func(*os.Root) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return do(root)
}

// removePayload removes the file of the payload under key, if it is there.
func (s *Store) removePayload(key storage.Key) error {
	err := s.within(func(root *os.Root) error {
		if _, err := regular(root.Lstat(fileName(key))); err != nil {
			return err
		}
		return root.Remove(fileName(key))
	})
	if isAbsent(err) {
		return nil
	}
	return err
}
