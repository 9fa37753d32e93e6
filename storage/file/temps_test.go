package file_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
)

// tempsIn returns the paths, below tmp/, of all temporary files.
func tempsIn(t *testing.T, dir string) []string {
	t.Helper()
	temps := []string{}
	root := filepath.Join(dir, "tmp")
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			temps = append(temps, strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(root)+"/"))
		}
		return err
	}))
	return temps
}

// start begins a payload and writes all of it.
func start(t *testing.T, store *file.Store) storage.Writer {
	t.Helper()
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	_, err = w.Write(payload)
	require.NoError(t, err)
	return w
}

func requireReadBack(t *testing.T, w storage.Writer) {
	t.Helper()
	got := make([]byte, len(payload))
	_, err := w.ReadAt(got, 0)
	require.NoError(t, err)
	require.True(t, bytes.Equal(payload, got), "the bytes read back differ")
}

// leave puts files of the ages given into tmp/, as other processes may have left them.
func leave(t *testing.T, dir string, files map[string]time.Duration) {
	t.Helper()
	for name, age := range files {
		path := filepath.Join(dir, "tmp", filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, payload, 0o600))
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-age)))
	}
}

// What processes that died left in their directories is removed at once, by a store that starts. Earlier versions wrote in
// tmp/ itself: there, age tells.
func TestLeftoverTemps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	leave(t, dir, map[string]time.Duration{
		"payload-1.tmp":         61 * time.Minute,
		"payload-2.tmp":         50 * time.Minute,
		"store-1/payload-1.tmp": 0,
		"store-1/payload-2.tmp": 50 * time.Minute,
		"store-2/payload-3.tmp": -time.Hour, // the clock was set back
		"store-2/work.txt":      24 * time.Hour,
		"other/payload-4.tmp":   24 * time.Hour,
	})
	require.NoError(t, os.Mkdir(filepath.Join(dir, "tmp", "store-3"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tmp", "store-4"), nil, 0o600))
	store, _ := open(t, dir, storage.Limits{})
	require.Equal(t, storage.Stats{}, store.Stats())
	require.ElementsMatch(t, []string{"payload-2.tmp", "store-2/work.txt", "other/payload-4.tmp", "store-4"}, tempsIn(t, dir))
	require.NoDirExists(t, filepath.Join(dir, "tmp", "store-1"))
	require.NoDirExists(t, filepath.Join(dir, "tmp", "store-3"))

	require.NoError(t, store.Close())
	dirs, err := filepath.Glob(filepath.Join(dir, "tmp", "store-*"))
	require.NoError(t, err)
	require.Len(t, dirs, 2, "Close has removed the store's own")
}

// What a store that lives is writing is never taken for a leftover, and what a closed one did not end is.
func TestTempsOfTheLiving(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, _ := open(t, dir, storage.Limits{})
	w := start(t, one)
	for range 3 {
		other, _ := open(t, dir, storage.Limits{})
		require.Len(t, tempsIn(t, dir), 1)
		start(t, other).Abort()
		require.NoError(t, other.Close())
	}
	require.NoError(t, w.Commit(key))
	requireHas(t, one)

	w = start(t, one)
	require.NoError(t, one.Close())
	other, _ := open(t, dir, storage.Limits{})
	require.Empty(t, tempsIn(t, dir))
	requireReadBack(t, w)
	w.Abort()
	requireHas(t, other)
}

// Somebody removes tmp/, or puts something else there, while a store is in use.
func TestTempsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	temps := filepath.Join(dir, "tmp")
	store, _ := open(t, dir, storage.Limits{})
	lost := start(t, store)
	require.NoError(t, os.RemoveAll(temps))
	w := start(t, store)
	require.ErrorIs(t, lost.Commit(key), fs.ErrNotExist)
	requireReadBack(t, lost)
	lost.Abort()
	other, _ := open(t, dir, storage.Limits{})
	require.Len(t, tempsIn(t, dir), 1, "the new directory is locked like the first")

	require.NoError(t, os.Rename(temps, temps+".away"))
	require.NoError(t, os.WriteFile(temps, nil, 0o600))
	_, err := store.Create(t.Context())
	require.ErrorContains(t, err, "not a directory")
	require.ErrorContains(t, w.Commit(key), "not a directory")
	requireReadBack(t, w)
	require.Equal(t, storage.Stats{}, store.Stats())
	require.NoError(t, os.Remove(temps))
	require.NoError(t, os.Rename(temps+".away", temps))
	require.NoError(t, w.Commit(key))
	put(t, store)
	requireHas(t, other)
	require.Empty(t, tempsIn(t, dir))

	// The store that is closed meanwhile does not bring anything back.
	require.NoError(t, os.RemoveAll(temps))
	require.NoError(t, store.Close())
	_, err = store.Create(t.Context())
	require.ErrorIs(t, err, storage.ErrClosed)
	require.NoDirExists(t, temps)
}
