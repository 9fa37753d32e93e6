package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dashstash/dashstash/storage"
)

const (
	tempDir    = "tmp"
	ownPrefix  = "store-"
	tempPrefix = "payload-"
	tempSuffix = ".tmp"
	// tempAge is how old a temporary file must be, where no lock tells, to be taken for one that a process left when it
	// died, and not for one that another process is still writing.
	tempAge = time.Hour
)

// errLocked tells that somebody else has locked a directory.
var errLocked = errors.New("directory is locked")

// temps is where a store has its temporary files: a directory of its own in tmp/, which it keeps locked. A lock ends with its
// process, so what is in a directory that can be locked was left by one that died.
type temps struct {
	root string // tmp/

	mu     sync.Mutex
	own    string   // empty if there is none
	lock   *os.File // nil if there is none, or if directories cannot be locked here
	closed bool
}

// create opens a new temporary file, which only this user may read. It brings back the directory if somebody has removed it
// under us.
func (t *temps) create() (*os.File, error) {
	dir, err := t.dirBut("")
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, tempPrefix+"*"+tempSuffix)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if dir, err = t.dirBut(dir); err != nil {
		return nil, err
	}
	return os.CreateTemp(dir, tempPrefix+"*"+tempSuffix)
}

// dirBut returns the store's own directory: another than the one that is gone.
func (t *temps) dirBut(gone string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return "", storage.ErrClosed
	}
	if t.own == gone {
		t.release()
		if err := t.claim(); err != nil {
			return "", err
		}
	}
	return t.own, nil
}

// claim makes the store's directory, and removes what was left in those of processes that died.
func (t *temps) claim() error {
	if err := os.MkdirAll(t.root, dirMode); err != nil {
		return err
	}
	// Whoever starts at the same time waits here, and does not take our directory for one left by the dead in the moment
	// before it is locked.
	lock, err := lockDir(t.root, true)
	if err == nil {
		defer lock.Close()
	} else if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := t.clear(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(t.root, ownPrefix+"*")
	if err != nil {
		return err
	}
	if lock, err = lockDir(dir, false); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		os.Remove(dir)
		return err
	}
	t.own, t.lock = dir, lock
	return nil
}

func (t *temps) release() {
	if t.lock != nil {
		t.lock.Close()
	}
	t.own, t.lock = "", nil
}

// close gives up the directory, and removes it unless a writer still has a file in it: then the next store does.
func (t *temps) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	os.Remove(t.own)
	t.release()
	t.closed = true
}

func (t *temps) clear() error {
	if err := removeTemps(t.root, tempAge); err != nil { // from before each store had a directory
		return err
	}
	dirs, err := os.ReadDir(t.root)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if !dir.IsDir() || !strings.HasPrefix(dir.Name(), ownPrefix) {
			continue
		}
		if err := clearDir(filepath.Join(t.root, dir.Name())); err != nil {
			return err
		}
	}
	return nil
}

// clearDir removes a directory unless its process lives. If something else is in it, that stays.
func clearDir(dir string) error {
	age := time.Duration(0)
	lock, err := lockDir(dir, false)
	switch {
	case err == nil:
		defer lock.Close()
	case errors.Is(err, errors.ErrUnsupported):
		age = tempAge
	case errors.Is(err, errLocked):
		return nil
	default:
		return ignoreNotExist(err)
	}
	if err := removeTemps(dir, age); err != nil {
		return err
	}
	os.Remove(dir)
	return nil
}

// removeTemps removes the temporary files in a directory that are at least that old.
func removeTemps(dir string, age time.Duration) error {
	return eachFile(dir, func(info fs.FileInfo) error {
		if !isTempName(info.Name()) || age > 0 && time.Since(info.ModTime()) < age {
			return nil
		}
		return ignoreNotExist(os.Remove(filepath.Join(dir, info.Name())))
	})
}

func isTempName(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}
