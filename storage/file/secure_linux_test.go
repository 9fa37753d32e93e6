package file_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
)

const (
	nobody       = 65534
	closedLine   = "level=INFO msg=\"others could write to a directory of the storage, which is closed to them now\""
	openLine     = "level=WARN msg=\"others can write to a directory of the storage, and so remove what is stored or fill the disk\""
	foreignPlace = "DASHSTASH_TEST_FOREIGN"
)

// A directory that others may write to is closed to them if it is ours, else there is a warning that says what to do.
func TestWhoMayWrite(t *testing.T) {
	for name, test := range map[string]struct {
		dir  string
		mode fs.FileMode
		line string
		then fs.FileMode
	}{
		"closed":           {"", 0o700, "", 0o700},
		"readable":         {"", 0o755, "", 0o755},
		"for all":          {"", 0o777, closedLine, 0o700},
		"for a group":      {"", 0o770, closedLine, 0o700},
		"for a set group":  {"", 0o775 | fs.ModeSetgid, closedLine, 0o700},
		"like /tmp":        {"", 0o777 | fs.ModeSticky, openLine, 0o777 | fs.ModeSticky},
		"below it":         {"ab", 0o777, closedLine, 0o700},
		"temporary":        {"tmp", 0o777, closedLine, 0o700},
		"one's temporary":  {"tmp/store-1", 0o722, closedLine, 0o700},
		"somebody else's":  {"other", 0o777, "", 0o777},
		"with a long name": {"abc", 0o777, "", 0o777},
		"in capitals":      {"AB", 0o777, "", 0o777},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, filepath.FromSlash(test.dir))
			require.NoError(t, os.MkdirAll(path, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(path, "somebody's.txt"), nil, 0o600))
			require.NoError(t, os.Chmod(path, test.mode))
			_, log := open(t, dir, storage.Limits{})
			if test.line == "" {
				require.Empty(t, log.String())
			} else {
				require.Contains(t, log.String(), test.line)
				require.Equal(t, 1, strings.Count(log.String(), "\n"), log)
				require.Contains(t, log.String(), "directory="+path)
			}
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, test.then, info.Mode()&^fs.ModeDir&^fs.ModeSetgid)
		})
	}
	t.Run("another's", func(t *testing.T) {
		dir := os.Getenv(foreignPlace)
		if dir == "" && os.Geteuid() == 0 {
			dir = t.TempDir()
			require.NoError(t, os.Chmod(dir, 0o777))
			require.NoError(t, os.Chown(dir, nobody, nobody))
		}
		if dir == "" {
			return // there is none
		}
		store, log := open(t, dir, storage.Limits{})
		require.Contains(t, log.String(), openLine)
		require.Contains(t, log.String(), fmt.Sprintf("chown %d '%s' && chmod 700 '%s'", os.Geteuid(), dir, dir))
		put(t, store)
		requireHas(t, store)
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o777), info.Mode().Perm())
	})
}

// The same for a user who is not root, in a directory that root has opened to all.
func TestWhoMayWriteAsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // TestWhoMayWrite was that
	}
	place, err := os.MkdirTemp("/tmp", "dashstash-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(place)) })
	require.NoError(t, os.Chmod(place, 0o755))
	for _, name := range []string{"temporary", "foreign"} {
		require.NoError(t, os.Mkdir(filepath.Join(place, name), 0o700))
		require.NoError(t, os.Chmod(filepath.Join(place, name), 0o777))
	}
	child := exec.Command("/proc/self/exe", "-test.run=^TestWhoMayWrite$", "-test.v")
	child.Dir = place
	child.Env = append(os.Environ(), "TMPDIR="+filepath.Join(place, "temporary"), foreignPlace+"="+filepath.Join(place, "foreign"))
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	output, err := child.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "--- PASS: TestWhoMayWrite/another's")
}

// The directory may be a link. Nothing of ours in it may be one: that is an error at the start, which names it.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "tmp", "tmp/store-1", "ab", "ab/" + strings.Repeat("ab", 32) + ".payload", "other", "ab/other"} {
		t.Run("at "+name, func(t *testing.T) {
			t.Parallel()
			dir, elsewhere := filepath.Join(t.TempDir(), "dir"), t.TempDir()
			path := filepath.Join(dir, filepath.FromSlash(name))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.Symlink(elsewhere, path))
			store, err := file.Open(dir, storage.Limits{}, nil)
			if name == "" || strings.HasSuffix(name, "other") {
				require.NoError(t, err)
				put(t, store)
				requireHas(t, store)
				require.NoError(t, store.Close())
				return
			}
			require.ErrorContains(t, err, path+" is a symbolic link")
			require.ErrorContains(t, err, "remove it")
			require.NotContains(t, err.Error(), "change its owner")
			left, err := os.ReadDir(elsewhere)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// A directory of ours is replaced by a link while the store is open: nothing is written, removed or changed where that leads.
func TestLinksLater(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tmp", "tmp/own", filepath.Base(filepath.Dir(pathOf("", key)))} {
		t.Run("at "+name, func(t *testing.T) {
			t.Parallel()
			dir, elsewhere := t.TempDir(), t.TempDir()
			store, _ := open(t, dir, storage.Limits{})
			put(t, store)
			begun := start(t, store)
			own, err := filepath.Glob(filepath.Join(dir, "tmp", "store-*"))
			require.NoError(t, err)
			path := filepath.Join(dir, name)
			if name == "tmp/own" {
				path = own[0]
			}
			require.NoError(t, os.CopyFS(elsewhere, os.DirFS(path)))
			old := time.Now().Add(-time.Hour)
			before := described(t, elsewhere, &old)
			require.NoError(t, os.Rename(path, path+".away"))
			require.NoError(t, os.Symlink(elsewhere, path))

			_ = begun.Commit(storage.Key{1, 31: key[31]})
			begun.Abort()
			if w, err := store.Create(t.Context()); err == nil {
				_, _ = w.Write(payload)
				_ = w.Commit(storage.Key{2, 31: key[31]})
				w.Abort()
			}
			if r, err := store.Open(t.Context(), key); err == nil {
				require.NoError(t, r.Close())
			}
			_ = store.Delete(t.Context(), key)
			store.SetLimits(storage.Limits{MaxSize: 1})
			_, _ = store.Purge(t.Context(), func(storage.Key, time.Time) bool { return true })
			_ = store.Close()
			require.Equal(t, before, described(t, elsewhere, nil))
		})
	}
}

// described is what is in a directory, as far as it can be seen; all has been there since a time, if one is given.
func described(t *testing.T, dir string, since *time.Time) map[string]string {
	t.Helper()
	found := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		if since != nil && !entry.IsDir() {
			require.NoError(t, os.Chtimes(path, *since, *since))
		}
		info, err := os.Lstat(path)
		if err == nil {
			found[path] = fmt.Sprint(info.Mode(), info.Size())
			if !entry.IsDir() {
				found[path] += info.ModTime().String()
			}
		}
		return err
	}))
	return found
}
