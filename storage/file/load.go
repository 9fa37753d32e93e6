package file

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// listers is how many directories are read at once. Of a cold disk, many can be waited for together.
const listers = 16

// found is a payload that is there, whoever has stored it.
type found struct {
	key     storage.Key
	size    int64
	lastUse int64 // as Time.UnixNano
}

// usedBy is when it was last used, as it seems now. A time in the future, from a clock that was set back, would keep an entry for
// ever. Reckoned from now, the time has a monotonic reading, so that setting the clock later changes nothing.
func (p found) usedBy(now time.Time) time.Time {
	return now.Add(min(0, time.Duration(p.lastUse-now.UnixNano())))
}

// load prepares the directory and fills the index, which has no limits yet, from the names, sizes and times of the files in it.
func (s *Store) load() error {
	if err := os.MkdirAll(s.dir, dirMode); err != nil {
		return err
	}
	if err := s.within(s.secure); err != nil {
		return err
	}
	if err := s.probe(); err != nil && !isFull(err) {
		return err
	}
	payloads, err := s.list()
	if err != nil {
		return err
	}
	slices.SortFunc(payloads, func(a, b found) int { return cmp.Compare(a.lastUse, b.lastUse) })
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, p := range payloads {
		if err := s.index.Add(p.key, p.size, p.usedBy(now), state{stamped: p.lastUse}); err != nil {
			return err
		}
	}
	return nil
}

// isFull tells whether a disk, or what the user may use of it, is full. That may pass, and what is stored can be read meanwhile.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// probe finds out whether the directory can be used, by using it.
func (s *Store) probe() error {
	f, err := s.temps.create()
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return s.temps.remove(f)
}

func (s *Store) list() ([]found, error) {
	dirs, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, ignoreNotExist(err)
	}
	var (
		payloads = make([][]found, len(dirs))
		errs     = make([]error, len(dirs))
		taken    atomic.Int64
		readers  sync.WaitGroup
	)
	for range listers {
		readers.Go(func() {
			for i := taken.Add(1) - 1; i < int64(len(dirs)); i = taken.Add(1) - 1 {
				payloads[i], errs[i] = s.listIn(dirs[i], s.refuseLink)
			}
		})
	}
	readers.Wait()
	return slices.Concat(payloads...), errors.Join(errs...)
}

// listIn lists the payloads in one of the store's directories. What is a link in the place of one goes to linked.
func (s *Store) listIn(dir fs.DirEntry, linked func(name string) error) (payloads []found, err error) {
	if !dir.IsDir() || len(dir.Name()) != digitsOfDir {
		return nil, nil
	}
	isPayload := func(name string) error {
		if _, ok := parseFileName(name); ok {
			return linked(name)
		}
		return nil
	}
	err = eachFile(os.DirFS(s.dir), dir.Name(), isPayload, func(info fs.FileInfo) error {
		if key, ok := parseFileName(dir.Name() + "/" + info.Name()); ok {
			payloads = append(payloads, found{key, payloadSize(info), info.ModTime().UnixNano()})
		}
		return nil
	})
	return payloads, err
}

// eachFile calls visit with each regular file in dir, and linked with the name of each link. Other processes may remove files, and dir
// itself, meanwhile.
func eachFile(in fs.FS, dir string, linked func(name string) error, visit func(fs.FileInfo) error) error {
	files, err := fs.ReadDir(in, dir)
	if err != nil {
		return ignoreNotExist(err)
	}
	for _, file := range files {
		if file.Type()&fs.ModeSymlink != 0 {
			if err := linked(path.Join(dir, file.Name())); err != nil {
				return err
			}
		}
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
