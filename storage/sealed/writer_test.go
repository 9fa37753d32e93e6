package sealed_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/sealed"
)

// Where the store below fails in the middle of a chunk, all that was accepted can be had back.
func TestWritingFails(t *testing.T) {
	t.Parallel()
	p := newPayload(1, 300_000)
	for _, room := range []int{0, 1, 1000, sealed.Stride - 1, sealed.Stride, sealed.Stride + 1, 4*sealed.Stride + 5, 300_000} {
		w, err := sealed.New(&failing{memory.New(storage.Limits{}), room}, keys).Create(t.Context())
		require.NoError(t, err)
		accepted := 0
		for accepted < len(p.Bytes) && err == nil {
			var n int
			n, err = w.Write(p.Bytes[accepted:min(accepted+10_000, len(p.Bytes))])
			accepted += n
		}
		if err == nil {
			err = w.Commit(p.Key)
		}
		require.ErrorIs(t, err, errDisk)
		_, err = w.Write([]byte("more"))
		require.ErrorIs(t, err, errDisk)
		require.ErrorIs(t, w.Commit(p.Key), errDisk)
		got, err := io.ReadAll(io.NewSectionReader(w, 0, int64(accepted)))
		require.NoError(t, err)
		require.True(t, string(p.Bytes[:accepted]) == string(got))
		w.Abort()
	}
}

// There is no room, then there is: the payload, which is sealed by then, can be committed again, but not otherwise.
func TestCommitAgain(t *testing.T) {
	t.Parallel()
	inner := memory.New(storage.Limits{MaxEntries: 1})
	store := sealed.New(inner, keys)
	first, p := newPayload(1, 10), newPayload(2, 100_000)
	require.NoError(t, first.Put(t, store))
	reader, err := store.Open(t.Context(), first.Key)
	require.NoError(t, err)
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	_, err = w.Write(p.Bytes)
	require.NoError(t, err)
	require.ErrorIs(t, w.Commit(p.Key), storage.ErrFull)
	_, err = w.Write([]byte("more"))
	require.ErrorContains(t, err, "under the same key")
	require.ErrorContains(t, w.Commit(first.Key), "under the same key")
	got, err := io.ReadAll(io.NewSectionReader(w, 0, int64(len(p.Bytes))))
	require.NoError(t, err)
	require.True(t, string(p.Bytes) == string(got))
	require.NoError(t, reader.Close())
	require.NoError(t, w.Commit(p.Key))
	require.NoError(t, p.Get(t, store))
}

// The store below must not be asked to keep what it can no longer keep: it says so at once, not when a chunk is full.
func TestTooLargeIsNoticed(t *testing.T) {
	t.Parallel()
	w, err := sealed.New(memory.New(storage.Limits{MaxSize: 100_000}), keys).Create(t.Context())
	require.NoError(t, err)
	defer w.Abort()
	_, err = w.Write(make([]byte, 200_000))
	require.ErrorIs(t, err, storage.ErrTooLarge)
}
