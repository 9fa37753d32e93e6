package file

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// While one goroutine reads a file through, another deletes or replaces it: what is found out about the old file must not
// be taken for the new one.
func TestAdmitWhileReplaced(t *testing.T) {
	t.Parallel()
	for name, damaged := range map[string]bool{"whole": false, "damaged": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			store, err := Open(dir, storage.Limits{}, nil)
			require.NoError(t, err)
			defer store.Close()
			put := func() {
				w, err := store.Create(t.Context())
				require.NoError(t, err)
				_, err = w.Write(bytes.Repeat([]byte("x"), 1000))
				require.NoError(t, err)
				require.NoError(t, w.Commit(testKey))
			}
			put()
			if damaged {
				require.NoError(t, os.Truncate(store.path(testKey), 500))
			}
			f, info, err := openPayload(store.path(testKey))
			require.NoError(t, err)
			defer f.Close()
			admit := func() {
				err := store.admit(t.Context(), testKey, f, info)
				if damaged {
					require.ErrorIs(t, err, storage.ErrNotFound)
				} else {
					require.NoError(t, err)
				}
			}
			require.NoError(t, store.Delete(t.Context(), testKey))
			admit()
			require.Equal(t, storage.Stats{}, store.Stats(), "it has been deleted")

			put()
			admit()
			require.Equal(t, storage.Stats{Entries: 1, Bytes: 1000}, store.Stats(), "there is a new one")
			require.FileExists(t, store.path(testKey))
		})
	}
}
