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

// isAbsent tells whether an error of lookAt or openPayload means that there is no payload, whatever else is in its place.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errForeign) || errors.Is(err, syscall.ENOTDIR)
}

// lookAt describes the file of a payload. See isAbsent for its errors.
func lookAt(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, errForeign)
	}
	return info, nil
}

// openPayload opens the file of a payload and describes it.
func openPayload(path string) (*os.File, fs.FileInfo, error) {
	if _, err := lookAt(path); err != nil { // first, since opening a pipe would hang
		return nil, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// removePayload removes the file of a payload, if it is there.
func removePayload(path string) error {
	_, err := lookAt(path)
	if err == nil {
		err = os.Remove(path)
	}
	if isAbsent(err) {
		return nil
	}
	return err
}
