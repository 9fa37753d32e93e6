package storagetest

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var fileTests = []test{
	{"OneFileEach", testOneFileEach},
	{"NothingLeft", testNothingLeft},
	{"ForeignFiles", testForeignFiles},
	{"FilesRemoved", testFilesRemoved},
	{"Private", testPrivate},
}

// filesIn returns the paths of all files in place, at any depth.
func filesIn(t *testing.T, place string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(place, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

// requireNoneOpen checks that this process has no file open in place, where the system tells. A store may hold directories.
func requireNoneOpen(t *testing.T, place string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	const open = "/proc/self/fd"
	fds, err := os.ReadDir(open)
	require.NoError(t, err)
	for _, fd := range fds {
		link := filepath.Join(open, fd.Name())
		path, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(path, place+"/") {
			continue // one that another test has closed meanwhile is not ours
		}
		info, err := os.Stat(link)
		require.True(t, err == nil && info.IsDir(), "%s is still open", path)
	}
}

func testOneFileEach(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{MaxSize: 3000})
	put(t, store, newSamples(10, 1000)...)
	requireStats(t, store, 3, 3000)
	require.Len(t, filesIn(t, place), 3)
	require.NoError(t, store.Close())
	require.Len(t, filesIn(t, place), 3, "a closed store leaves its files")
}

func testNothingLeft(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{MaxSize: 1000})
	s := newSample(1, 1000)
	put(t, store, s, s) // the second is dropped
	r, err := store.Open(t.Context(), s.key)
	require.NoError(t, err)

	write(t, store, s.data).Abort()
	tooLarge := write(t, store, s.data)
	_, err = tooLarge.Write([]byte("more"))
	require.ErrorIs(t, err, storage.ErrTooLarge)
	tooLarge.Abort()
	full := write(t, store, newSample(2, 1000).data)
	require.ErrorIs(t, full.Commit(storage.Key{1}), storage.ErrFull, "the only entry is being read")
	full.Abort()
	late := write(t, store, s.data)
	require.Len(t, filesIn(t, place), 2)

	require.NoError(t, store.Delete(t.Context(), s.key))
	require.NoError(t, store.Close())
	require.ErrorIs(t, late.Commit(s.key), storage.ErrClosed)
	late.Abort()
	require.NoError(t, r.Close())
	require.Empty(t, filesIn(t, place))
	requireNoneOpen(t, place)
}

func testForeignFiles(t *testing.T, b Backend) {
	place := t.TempDir()
	foreign := []string{"README", "ab/notes.txt", "ab/00", "tmp/work.txt", "tmp/x.tmp", "deep/er/still", ".hidden"}
	for _, name := range foreign {
		path := filepath.Join(place, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(name), 0o600))
		old := time.Now().Add(-1000 * time.Hour)
		require.NoError(t, os.Chtimes(path, old, old))
	}
	limits := storage.Limits{MaxSize: 3000, TTL: time.Hour}
	s := newSamples(10, 1000)
	for range 2 {
		store := b.openAt(t, place, limits)
		put(t, store, s...)
		requireStats(t, store, 3, 3000)
		require.NoError(t, store.Delete(t.Context(), s[9].key))
		requireStats(t, store, 2, 2000)
		require.NoError(t, store.Close())
	}
	for _, name := range foreign {
		data, err := os.ReadFile(filepath.Join(place, name))
		require.NoError(t, err)
		require.Equal(t, name, string(data))
	}
	require.Len(t, filesIn(t, place), 2+len(foreign))
}

// Somebody empties the directory under a running store: each payload is a plain miss, and new ones can be stored.
func testFilesRemoved(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{})
	s := newSamples(3, 1000)
	put(t, store, s...)
	entries, err := os.ReadDir(place)
	require.NoError(t, err)
	for _, entry := range entries {
		require.NoError(t, os.RemoveAll(filepath.Join(place, entry.Name())))
	}
	put(t, store, s[0]) // not yet known to be gone: must not be taken for a payload that is there
	requireHas(t, store, s[0])
	requireLacks(t, store, s[1])
	require.NoError(t, store.Delete(t.Context(), s[2].key))
	requireStats(t, store, 1, 1000)
	put(t, store, s...)
	requireHas(t, store, s...)
}

func testPrivate(t *testing.T, b Backend) {
	place := filepath.Join(t.TempDir(), "made", "by", "us")
	store := b.openAt(t, place, storage.Limits{})
	put(t, store, newSample(1, 1000))
	write(t, store, []byte("unfinished"))
	require.NoError(t, filepath.WalkDir(place, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := entry.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s can be read by others", path)
		return nil
	}))
}
