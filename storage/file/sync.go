package file

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/dashstash/dashstash/storage"
)

// SetFsync says whether a Commit returns only when the payload is on the disk, so that a power failure loses nothing that was
// committed. It is off at first, and holds for what is committed from then on. Each Commit then waits for the disk.
func (s *Store) SetFsync(on bool) {
	s.fsync.Store(on)
	if !on {
		return
	}
	// Open may just have made some of the directories above; those that this process may not open are older.
	for dir := s.dir; ; dir = filepath.Dir(dir) {
		_ = syncDir(dir)
		if dir == filepath.Dir(dir) {
			return
		}
	}
}

// syncPlace makes a rename to where the payload under key belongs last. The directory of the key may be new as well.
func (s *Store) syncPlace(key storage.Key) error {
	if err := syncDir(filepath.Dir(s.path(key))); err != nil {
		return err
	}
	return syncDir(s.dir)
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // which knows no such thing
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("syncing: %w", err)
	}
	return nil
}
