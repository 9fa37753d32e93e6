package remote

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/spool"
)

// A payload that finds no room on this machine is refused as by a store that is full, can be read back, and leaves nothing behind.
func TestNoRoomHere(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before := spool.Disk
	t.Cleanup(func() { spool.Disk = before })
	spool.Disk = spool.NewAccount(6 << 20)

	w, err := New(nil, Options{}).Create(t.Context())
	require.NoError(t, err)
	piece := make([]byte, 2<<20)
	_, err = w.Write(piece)
	require.NoError(t, err)
	_, err = w.Write(piece)
	require.ErrorIs(t, err, storage.ErrFull)
	require.ErrorIs(t, err, spool.ErrNoRoom)
	require.ErrorIs(t, w.Commit(storage.Key{}), storage.ErrFull)
	n, err := w.ReadAt(piece, 0)
	require.NoError(t, err)
	require.Len(t, piece, n)
	require.EqualValues(t, len(piece), spool.Disk.Held())
	w.Abort()
	require.Zero(t, spool.Disk.Held())
}
