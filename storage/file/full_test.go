//go:build unix

package file_test

import (
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// A full disk is played by a limit on the size of files. It holds for a whole process, so this test runs in one of its own.
func TestFullDisk(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	setRoom := func(t *testing.T, room uint64) {
		t.Helper()
		limit := before
		limit.Cur = room
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	}
	for name, room := range map[string]int{
		"nothing fits":         0,
		"part of it fits":      len(payload) / 2,
		"all but a byte fits":  len(payload) - 1,
		"no room for trailer":  len(payload),
		"part of trailer fits": len(payload) + 7,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store, _ := open(t, dir, storage.Limits{})
			setRoom(t, uint64(room))
			t.Cleanup(func() { setRoom(t, before.Cur) })
			w, err := store.Create(t.Context())
			require.NoError(t, err)
			accepted := 0
			for err == nil && accepted < len(payload) {
				var n int
				n, err = w.Write(payload[accepted : accepted+1000])
				accepted += n
			}
			if room < len(payload) {
				require.ErrorIs(t, err, syscall.EFBIG)
				require.GreaterOrEqual(t, accepted, room/1000*1000, "at least the pieces that fit were accepted")
				require.LessOrEqual(t, accepted, room)
			} else {
				require.NoError(t, err)
			}
			require.ErrorIs(t, w.Commit(key), syscall.EFBIG)
			got := make([]byte, accepted)
			_, err = w.ReadAt(got, 0)
			require.True(t, accepted == 0 || err == nil, "reading back: %v", err)
			require.Equal(t, payload[:accepted], got)
			w.Abort()
			_, err = store.Open(t.Context(), key)
			require.ErrorIs(t, err, storage.ErrNotFound)
			require.Empty(t, tempsIn(t, dir))

			setRoom(t, before.Cur)
			put(t, store)
			requireHas(t, store)
		})
	}
}
