package file_test

import (
	"bytes"
	"crypto/sha256"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
)

var (
	payload = bytes.Repeat([]byte("payload "), 1000)
	key     = storage.Key(sha256.Sum256(payload))
)

func pathOf(dir string, key storage.Key) string {
	return filepath.Join(dir, key.String()[62:], key.String()+".payload")
}

func open(t *testing.T, dir string, limits storage.Limits) (*file.Store, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	store, err := file.Open(dir, limits, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store, &log
}

func put(t *testing.T, store *file.Store) {
	t.Helper()
	require.NoError(t, start(t, store).Commit(key))
}

func requireHas(t *testing.T, store storage.Store) {
	t.Helper()
	r, err := store.Open(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

func TestUnusableDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	regular := filepath.Join(dir, "regular")
	require.NoError(t, os.WriteFile(regular, nil, 0o600))
	tempInTheWay := filepath.Join(dir, "blocked")
	require.NoError(t, os.Mkdir(tempInTheWay, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(tempInTheWay, "tmp"), nil, 0o600))

	tests := map[string]struct{ dir, reason string }{
		"a file":             {regular, "not a directory"},
		"under a file":       {filepath.Join(regular, "dir"), "not a directory"},
		"its tmp/ is a file": {tempInTheWay, "not a directory"},
		"too long a name":    {filepath.Join(dir, strings.Repeat("x", 300)), "file name too long"},
	}
	if runtime.GOOS == "linux" { // there, also for root, who may write anywhere else
		tests["not writable"] = struct{ dir, reason string }{"/proc/self", "no such file or directory"}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := file.Open(test.dir, storage.Limits{}, nil)
			require.Nil(t, store)
			require.ErrorContains(t, err, test.dir)
			require.ErrorContains(t, err, test.reason)
			require.ErrorContains(t, err, "change its owner or mode")
		})
	}
}

// Files whose names come close to ours, and things in our places that are no files, are neither touched nor counted.
func TestForeignNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := key.String()
	other := strings.Repeat("cd", 32)
	foreign := []string{
		name + ".payload", "ab/" + other + ".payload", "cd/" + other + ".payload.bak", "cd/" + other,
		"cd/" + strings.ToUpper(other) + ".payload", "tmp/" + name + ".payload", "tmp/payload-1", "tmp/1.tmp",
		"cd/sub/" + other + ".payload",
	}
	for _, name := range foreign {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, payload, 0o600))
		old := time.Now().Add(-24 * time.Hour)
		require.NoError(t, os.Chtimes(path, old, old))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "ef"), 0o700))
	directory, link := storage.Key{1, 31: 0xef}, storage.Key{2, 31: 0xef}
	require.NoError(t, os.Mkdir(pathOf(dir, directory), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "fe"), payload, 0o600)) // in the place of one of our directories
	underFile := storage.Key{31: 0xfe}

	store, log := open(t, dir, storage.Limits{MaxSize: int64(len(payload)), TTL: time.Hour})
	require.Equal(t, storage.Stats{}, store.Stats())
	put(t, store)
	require.NoError(t, os.Symlink(filepath.Join(dir, foreign[0]), pathOf(dir, link))) // at the start it would be an error
	for _, key := range []storage.Key{directory, link, underFile, storage.Key(bytes.Repeat([]byte{0xcd}, 32))} {
		_, err := store.Open(t.Context(), key)
		require.ErrorIs(t, err, storage.ErrNotFound)
		require.NoError(t, store.Delete(t.Context(), key))
	}
	for _, key := range []storage.Key{directory, link, underFile} {
		w := start(t, store)
		require.Error(t, w.Commit(key))
		requireReadBack(t, w)
		w.Abort()
	}
	requireHas(t, store)
	require.Equal(t, storage.Stats{Entries: 1, Bytes: int64(len(payload))}, store.Stats())
	purged, err := store.Purge(t.Context(), func(storage.Key, time.Time) bool { return true })
	require.NoError(t, err)
	require.Equal(t, storage.Stats{Entries: 1, Bytes: int64(len(payload))}, purged)
	require.Empty(t, log.String())

	for _, name := range append(foreign, "fe") {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(payload, data), name)
	}
	for _, key := range []storage.Key{directory, link} {
		_, err := os.Lstat(pathOf(dir, key))
		require.NoError(t, err)
	}
	require.Len(t, tempsIn(t, dir), 3, "ours are gone")
}

func TestDamageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, _ := open(t, dir, storage.Limits{})
	put(t, store)
	require.NoError(t, store.Close())
	data, err := os.ReadFile(pathOf(dir, key))
	require.NoError(t, err)
	data[17] ^= 1
	require.NoError(t, os.WriteFile(pathOf(dir, key), data, 0o600))

	store, log := open(t, dir, storage.Limits{})
	require.Equal(t, int64(1), store.Stats().Entries, "payloads are not read when the store is opened")
	for range 3 {
		_, err = store.Open(t.Context(), key)
		require.ErrorIs(t, err, storage.ErrNotFound)
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "wrong checksum")
	require.Contains(t, log.String(), key.String()[:8])
	require.NotContains(t, log.String(), key.String()[:9])
	require.NotContains(t, log.String(), "payload payload")
}

// A file too short to be one of ours is listed all the same, with no bytes to count.
func TestShortFileCountsNoBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Dir(pathOf(dir, key)), 0o700))
	require.NoError(t, os.WriteFile(pathOf(dir, key), []byte("dsp"), 0o600))
	store, log := open(t, dir, storage.Limits{})
	require.Equal(t, storage.Stats{Entries: 1}, store.Stats())
	_, err := store.Open(t.Context(), key)
	require.ErrorIs(t, err, storage.ErrNotFound)
	require.Contains(t, log.String(), "only 3 bytes long")
}

// A use is written down as the file's time at most once a minute, and at Close.
func TestUseIsStamped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store, _ := open(t, dir, storage.Limits{})
		start := time.Now()
		requireStamp := func(after time.Duration) {
			t.Helper()
			info, err := os.Stat(pathOf(dir, key))
			require.NoError(t, err)
			require.Equal(t, after, info.ModTime().Sub(start))
		}
		put(t, store)
		requireStamp(0)
		time.Sleep(59 * time.Second)
		requireHas(t, store)
		requireStamp(0)
		time.Sleep(time.Second)
		requireHas(t, store)
		requireStamp(time.Minute)
		time.Sleep(59 * time.Second)
		put(t, store)
		requireStamp(time.Minute)
		time.Sleep(time.Second)
		put(t, store)
		requireStamp(2 * time.Minute)
		time.Sleep(30 * time.Second)
		requireHas(t, store)
		time.Sleep(time.Hour)
		require.NoError(t, store.Close())
		requireStamp(2*time.Minute + 30*time.Second)
	})
}

// A clock that was set back has left times in the future: they count as now, and do not keep an entry for ever.
func TestTimeInTheFuture(t *testing.T) {
	t.Parallel()
	for name, used := range map[string]bool{"idle": false, "used": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				store, _ := open(t, dir, storage.Limits{})
				put(t, store)
				require.NoError(t, store.Close())
				require.NoError(t, os.Chtimes(pathOf(dir, key), time.Time{}, time.Now().Add(1000*time.Hour)))
				store, _ = open(t, dir, storage.Limits{TTL: time.Hour})
				if used {
					requireHas(t, store)
					info, err := os.Stat(pathOf(dir, key))
					require.NoError(t, err)
					require.Zero(t, time.Since(info.ModTime()), "corrected")
				}
				time.Sleep(time.Hour - 1)
				require.Equal(t, int64(1), store.Stats().Entries)
				time.Sleep(1)
				require.Equal(t, int64(0), store.Stats().Entries)
				require.NoFileExists(t, pathOf(dir, key))
			})
		})
	}
}

// What another process left, and nobody has used for the time to live, has expired for us too.
func TestAdoptsNothingExpired(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, _ := open(t, dir, storage.Limits{TTL: time.Hour})
	other, _ := open(t, dir, storage.Limits{})
	put(t, other)
	require.NoError(t, os.Chtimes(pathOf(dir, key), time.Time{}, time.Now().Add(-2*time.Hour)))
	_, err := store.Open(t.Context(), key)
	require.ErrorIs(t, err, storage.ErrNotFound)
	require.NoFileExists(t, pathOf(dir, key))
}

// A process that may keep less than another can read a payload that is too large for itself, without making it its own.
func TestAdoptsNothingTooLarge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, _ := open(t, dir, storage.Limits{MaxSize: 100})
	other, _ := open(t, dir, storage.Limits{})
	put(t, other)
	requireHas(t, store)
	require.Equal(t, storage.Stats{}, store.Stats())
	requireHas(t, other)
}
