//go:build unix

package file

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// While somebody else is making a directory of his own, there may be one that is not locked yet.
func TestClaimWaits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fresh := filepath.Join(dir, tempDir, ownPrefix+"fresh")
	require.NoError(t, os.MkdirAll(fresh, dirMode))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	lock, err := lockDir(root, tempDir, true)
	require.NoError(t, err)
	defer lock.Close()
	opened := make(chan error)
	go func() {
		store, err := Open(dir, storage.Limits{}, nil)
		if err == nil {
			err = store.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatal("did not wait:", err)
	case <-time.After(50 * time.Millisecond):
	}
	require.DirExists(t, fresh)
	require.NoError(t, lock.Close())
	require.NoError(t, <-opened)
	require.NoDirExists(t, fresh)
}

func TestClaimTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var starters sync.WaitGroup
	for range 4 {
		starters.Go(func() {
			for range 100 {
				own := temps{dir: dir}
				f, err := own.create()
				if err != nil {
					t.Error(err)
					return
				}
				f.Close()
				if err := os.Remove(f.Name()); err != nil {
					t.Error(err)
				}
				own.close()
			}
		})
	}
	starters.Wait()
	left, err := os.ReadDir(filepath.Join(dir, tempDir))
	require.NoError(t, err)
	require.Empty(t, left)
}

// A Create that has found the store open, just before it was closed, must not bring back its directory.
func TestCreateWhileClosing(t *testing.T) {
	t.Parallel()
	own := temps{dir: t.TempDir()}
	f, err := own.create()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Remove(f.Name()))
	own.close()
	_, err = own.create()
	require.ErrorIs(t, err, storage.ErrClosed)
	left, err := os.ReadDir(filepath.Join(own.dir, tempDir))
	require.NoError(t, err)
	require.Empty(t, left)
}
