package file

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
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
	dir string // of the store

	mu     sync.Mutex
	own    string   // its name in dir; empty if there is none
	lock   *os.File // nil if there is none, or if directories cannot be locked here
	closed bool
}

// create opens a new temporary file, which only this user may read. It brings back the directory if somebody has removed it
// under us.
func (t *temps) create() (*os.File, error) {
	own, err := t.dirBut("")
	if err != nil {
		return nil, err
	}
	f, err := t.createIn(own)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if own, err = t.dirBut(own); err != nil {
		return nil, err
	}
	return t.createIn(own)
}

func (t *temps) createIn(own string) (f *os.File, err error) {
	err = within(t.dir, func(root *os.Root) error {
		f, err = root.OpenFile(path.Join(own, tempPrefix+rand.Text()+tempSuffix), os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
		return err
	})
	return f, err
}

func (t *temps) remove(f *os.File) error {
	return within(t.dir, func(root *os.Root) error { return root.Remove(t.nameOf(f)) })
}

// nameOf is the name of a temporary file in the store's directory.
func (t *temps) nameOf(f *os.File) string {
	name, _ := filepath.Rel(t.dir, f.Name())
	return filepath.ToSlash(name)
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
	if err := os.MkdirAll(t.dir, dirMode); err != nil {
		return err
	}
	return within(t.dir, t.claimIn)
}

func (t *temps) claimIn(root *os.Root) error {
	if err := root.MkdirAll(tempDir, dirMode); err != nil {
		return err
	}
	// Whoever starts at the same time waits here, and does not take our directory for one left by the dead in the moment
	// before it is locked.
	lock, err := lockDir(root, tempDir, true)
	if err == nil {
		defer lock.Close()
	} else if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := t.clear(root); err != nil {
		return err
	}
	own := path.Join(tempDir, ownPrefix+rand.Text())
	if err := root.Mkdir(own, dirMode); err != nil {
		return err
	}
	if lock, err = lockDir(root, own, false); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		_ = root.Remove(own)
		return err
	}
	t.own, t.lock = own, lock
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
	if t.own != "" {
		_ = within(t.dir, func(root *os.Root) error { return root.Remove(t.own) })
	}
	t.release()
	t.closed = true
}

func (t *temps) clear(root *os.Root) error {
	if err := removeTemps(root, tempDir, tempAge); err != nil { // from before each store had a directory
		return err
	}
	dirs, err := fs.ReadDir(root.FS(), tempDir)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if !dir.IsDir() || !strings.HasPrefix(dir.Name(), ownPrefix) {
			continue
		}
		if err := clearDir(root, path.Join(tempDir, dir.Name())); err != nil {
			return err
		}
	}
	return nil
}

// clearDir removes a directory unless its process lives. If something else is in it, that stays.
func clearDir(root *os.Root, dir string) error {
	age := time.Duration(0)
	lock, err := lockDir(root, dir, false)
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
	if err := removeTemps(root, dir, age); err != nil {
		return err
	}
	_ = root.Remove(dir)
	return nil
}

// removeTemps removes the temporary files in a directory that are at least that old.
func removeTemps(root *os.Root, dir string, age time.Duration) error {
	return eachFile(root.FS(), dir, leaveLink, func(info fs.FileInfo) error {
		if !isTempName(info.Name()) || age > 0 && time.Since(info.ModTime()) < age {
			return nil
		}
		return ignoreNotExist(root.Remove(path.Join(dir, info.Name())))
	})
}

func isTempName(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}
