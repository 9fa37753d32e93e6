package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// found is a payload that was there when the store was opened.
type found struct {
	key     storage.Key
	size    int64
	lastUse time.Time
}

// load prepares the directory and fills the index, which has no limits yet, from the names, sizes and times of the files in it.
func (s *Store) load() error {
	if err := s.probe(); err != nil {
		return err
	}
	payloads, err := s.list()
	if err != nil {
		return err
	}
	slices.SortStableFunc(payloads, func(a, b found) int { return a.lastUse.Compare(b.lastUse) })
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, p := range payloads {
		// A time in the future, from a clock that was set back, would keep an entry for ever. Reckoned from now, the time
		// has a monotonic reading, so that setting the clock later changes nothing.
		lastUse := now.Add(min(0, p.lastUse.Sub(now)))
		if err := s.index.Add(p.key, p.size, lastUse, &state{stamped: p.lastUse}); err != nil {
			return err
		}
	}
	return nil
}

// probe finds out whether the directory can be used, by using it.
func (s *Store) probe() error {
	if err := os.MkdirAll(s.dir, dirMode); err != nil {
		return err
	}
	f, err := s.temps.create()
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Remove(f.Name())
}

func (s *Store) list() ([]found, error) {
	dirs, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var payloads []found
	for _, dir := range dirs {
		if !dir.IsDir() || len(dir.Name()) != digitsOfDir {
			continue
		}
		err := eachFile(filepath.Join(s.dir, dir.Name()), func(info fs.FileInfo) error {
			if key, ok := parseFileName(dir.Name() + "/" + info.Name()); ok {
				payloads = append(payloads, found{key: key, size: payloadSize(info), lastUse: info.ModTime()})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return payloads, nil
}

// eachFile calls visit with each regular file in dir. Other processes may remove files, and dir itself, meanwhile.
func eachFile(dir string, visit func(fs.FileInfo) error) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return ignoreNotExist(err)
	}
	for _, file := range files {
		if !file.Type().IsRegular() {
			continue
		}
		info, err := file.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := visit(info); err != nil {
			return err
		}
	}
	return nil
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
