package file_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// When a payload of another process was last used, its file tells: never later than now.
func TestPurgeByAgeOfFile(t *testing.T) {
	t.Parallel()
	for name, age := range map[string]time.Duration{"new": 0, "old": 3 * time.Hour, "of the future": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			store, _ := open(t, dir, storage.Limits{})
			other, _ := open(t, dir, storage.Limits{})
			put(t, other)
			require.NoError(t, os.Chtimes(pathOf(dir, key), time.Time{}, time.Now().Add(-age)))
			purged, err := store.Purge(t.Context(), func(_ storage.Key, lastUse time.Time) bool {
				require.WithinDuration(t, time.Now().Add(-max(0, age)), lastUse, time.Minute)
				require.False(t, lastUse.After(time.Now()))
				return time.Since(lastUse) > 2*time.Hour
			})
			require.NoError(t, err)
			if age > 2*time.Hour {
				require.Equal(t, storage.Stats{Entries: 1, Bytes: int64(len(payload))}, purged)
				require.NoFileExists(t, pathOf(dir, key))
				return
			}
			require.Zero(t, purged)
			requireHas(t, other)
		})
	}
}

// A use that is not written down yet counts all the same.
func TestPurgeKnowsLaterUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store, _ := open(t, dir, storage.Limits{})
		put(t, store)
		time.Sleep(30 * time.Second)
		requireHas(t, store)
		time.Sleep(10 * time.Second)
		purged, err := store.Purge(t.Context(), func(_ storage.Key, lastUse time.Time) bool {
			return time.Since(lastUse) > 20*time.Second
		})
		require.NoError(t, err)
		require.Zero(t, purged)
		requireHas(t, store)
	})
}
