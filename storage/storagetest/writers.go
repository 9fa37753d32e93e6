package storagetest

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var writerTests = []test{
	{"NothingBeforeCommit", testNothingBeforeCommit},
	{"CommitOfKnownKey", testCommitOfKnownKey},
	{"Abort", testAbort},
	{"EndsOnce", testEndsOnce},
	{"CancelledContext", testCancelledContext},
}

func testNothingBeforeCommit(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s := newSample(1, 100_000)
	w := write(t, store, s.data)
	requireLacks(t, store, s)
	if b.Bounded {
		requireStats(t, store, 0, 0)
	}
	requireReadBack(t, s.data, w)
	require.NoError(t, w.Commit(s.key))
	requireHas(t, store, s)
}

func testCommitOfKnownKey(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s := newSample(1, 100_000)
	first, second := write(t, store, s.data), write(t, store, s.data)
	require.NoError(t, first.Commit(s.key))
	r, err := store.Open(t.Context(), s.key)
	require.NoError(t, err)
	require.NoError(t, second.Commit(s.key))
	requireBytes(t, s.data, r, r.Size())
	require.NoError(t, r.Close())
	requireHas(t, store, s)
	if b.Bounded {
		requireStats(t, store, 1, len(s.data))
	}
}

func testAbort(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s := newSample(1, 100_000)
	w := write(t, store, s.data)
	w.Abort()
	requireLacks(t, store, s)
	requireEnded(t, w, s)
	if b.Bounded {
		requireStats(t, store, 0, 0)
	}
	w.Abort()
	unused, err := store.Create(t.Context())
	require.NoError(t, err)
	unused.Abort()
}

func testEndsOnce(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s, other := newSample(1, 100_000), newSample(2, 10)
	w := write(t, store, s.data)
	require.NoError(t, w.Commit(s.key))
	requireEnded(t, w, other)
	w.Abort()
	requireHas(t, store, s)
	requireLacks(t, store, other)
}

// requireEnded checks that a writer neither takes nor gives bytes, and that the lack of them cannot be taken for the end
// of a payload.
func requireEnded(t *testing.T, w storage.Writer, s sample) {
	t.Helper()
	_, err := w.Write([]byte("more"))
	require.Error(t, err)
	_, err = w.ReadAt(make([]byte, 1), 0)
	require.Error(t, err)
	require.NotErrorIs(t, err, io.EOF)
	require.Error(t, w.Commit(s.key))
}

func testCancelledContext(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s, kept := newSample(1, 100_000), newSample(2, 10)
	put(t, store, kept)

	ctx, cancel := context.WithCancel(t.Context())
	w, err := store.Create(ctx)
	require.NoError(t, err)
	_, err = w.Write(s.data)
	require.NoError(t, err)
	cancel()
	_, err = w.Write([]byte("more"))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, w.Commit(s.key), context.Canceled)
	requireReadBack(t, s.data, w)
	w.Abort()
	requireLacks(t, store, s)

	_, err = store.Create(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, err = store.Open(ctx, kept.key)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, store.Delete(ctx, kept.key), context.Canceled)
	requireHas(t, store, kept)
}
