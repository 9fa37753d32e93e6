package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// errLink is for a link in the place of one of our directories or files.
var errLink = errors.New("is a symbolic link, and what is stored would be where it leads: remove it (only the directory itself may be a link)")

func (s *Store) refuseLink(name string) error {
	return fmt.Errorf("%s %w", filepath.Join(s.dir, filepath.FromSlash(name)), errLink)
}

func leaveLink(string) error { return nil }

// secure sees to it that nobody else can put anything into the directory and those in it, as far as this process can. A link in the
// place of one of these is an error.
func (s *Store) secure(root *os.Root) error {
	for _, dir := range []string{".", tempDir} {
		if err := s.closeToOthers(root, dir); err != nil {
			return err
		}
		entries, err := fs.ReadDir(root.FS(), dir)
		if ignoreNotExist(err) != nil {
			return err
		}
		for _, entry := range entries {
			if name := path.Join(dir, entry.Name()); isOwnDir(name) {
				if err := s.closeToOthers(root, name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// isOwnDir tells whether a name in the store's directory is that of a directory of ours, beside tmp/.
func isOwnDir(name string) bool {
	return len(name) == digitsOfDir && strings.Trim(name, "0123456789abcdef") == "" || strings.HasPrefix(name, tempDir+"/"+ownPrefix)
}

// closeToOthers takes away from others the right to write to a directory, where that is ours to do. One in which all may write but remove only
// what is theirs, such as /tmp, is meant to be so.
func (s *Store) closeToOthers(root *os.Root, dir string) error {
	info, err := root.Lstat(dir)
	if err != nil {
		return ignoreNotExist(err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return s.refuseLink(dir)
	}
	if !info.IsDir() || !othersMayWrite(info) {
		return nil
	}
	name := filepath.Join(s.dir, filepath.FromSlash(dir))
	fix := fmt.Sprintf("chown %d '%s' && chmod 700 '%s', or use another directory", os.Geteuid(), name, name)
	switch {
	case info.Mode()&fs.ModeSticky != 0:
		fix = "use a directory in it"
	case isOurs(info) && root.Chmod(dir, dirMode) == nil:
		s.logger.Info("others could write to a directory of the storage, which is closed to them now",
			"directory", name, "mode", info.Mode().String())
		return nil
	}
	s.logger.Warn("others can write to a directory of the storage, and so remove what is stored or fill the disk",
		"directory", name, "mode", info.Mode().String(), "fix", fix)
	return nil
}
