package storagetest

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// sample is a payload and its key.
type sample struct {
	key  storage.Key
	data []byte
}

// newSample returns size random bytes, the same for the same seed and size.
func newSample(seed uint64, size int) sample {
	var s [32]byte
	binary.BigEndian.PutUint64(s[:], seed)
	data := make([]byte, size)
	rand.NewChaCha8(s).Read(data)
	return sample{key: sha256.Sum256(data), data: data}
}

// newSamples returns n different payloads of one size.
func newSamples(n, size int) []sample {
	samples := make([]sample, n)
	for i := range samples {
		samples[i] = newSample(uint64(i), size)
	}
	return samples
}

// open opens a store at a place of its own.
func (b Backend) open(t *testing.T, limits storage.Limits) storage.Store {
	t.Helper()
	return b.openAt(t, t.TempDir(), limits)
}

// openAt opens a store and sees to it that it is closed, if the test does not do that itself.
func (b Backend) openAt(t *testing.T, place string, limits storage.Limits) storage.Store {
	t.Helper()
	store := b.Open(t, place, limits)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func (b Backend) openLimiter(t *testing.T, limits storage.Limits) storage.Limiter {
	t.Helper()
	store := b.open(t, limits)
	require.Implements(t, (*storage.Limiter)(nil), store)
	return store.(storage.Limiter)
}

func write(t testing.TB, store storage.Store, data []byte) storage.Writer {
	t.Helper()
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	n, err := w.Write(data)
	require.NoError(t, err)
	require.Equal(t, len(data), n)
	return w
}

func put(t testing.TB, store storage.Store, samples ...sample) {
	t.Helper()
	for _, s := range samples {
		w := write(t, store, s.data)
		require.NoError(t, w.Commit(s.key))
		w.Abort()
	}
}

// requireHas opens a payload, which counts as a use, and compares it.
func requireHas(t testing.TB, store storage.Store, samples ...sample) {
	t.Helper()
	for _, s := range samples {
		r, err := store.Open(t.Context(), s.key)
		require.NoError(t, err)
		requireBytes(t, s.data, r, r.Size())
		require.NoError(t, r.Close())
	}
}

func requireLacks(t testing.TB, store storage.Store, samples ...sample) {
	t.Helper()
	for _, s := range samples {
		r, err := store.Open(t.Context(), s.key)
		require.ErrorIs(t, err, storage.ErrNotFound)
		require.Nil(t, r)
	}
}

// requireStats checks what a store holds.
func requireStats(t testing.TB, store storage.Store, entries, bytes int) {
	t.Helper()
	require.Equal(t, storage.Stats{Entries: int64(entries), Bytes: int64(bytes)}, held(store.Stats()))
}

// held is the part of Stats that says what is there.
func held(stats storage.Stats) storage.Stats {
	return storage.Stats{Entries: stats.Entries, Bytes: stats.Bytes}
}

// requireDropped checks what a store has dropped by itself since it was opened.
func requireDropped(t testing.TB, store storage.Store, evicted, expired int) {
	t.Helper()
	stats := store.Stats()
	require.EqualValues(t, []int64{int64(evicted), int64(expired)}, []int64{stats.Evicted, stats.Expired}, "evicted and expired")
}

// requireBytes compares all of a payload. It does not print it.
func requireBytes(t testing.TB, want []byte, r io.ReaderAt, size int64) {
	t.Helper()
	require.EqualValues(t, len(want), size)
	got, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	require.NoError(t, err)
	require.True(t, string(want) == string(got), "the bytes differ from those written")
}

// requireReadBack compares what a writer accepted.
func requireReadBack(t testing.TB, want []byte, w storage.Writer) {
	t.Helper()
	requireBytes(t, want, w, int64(len(want)))
	n, err := w.ReadAt(make([]byte, 1), int64(len(want)))
	require.ErrorIs(t, err, io.EOF, "there is nothing beyond")
	require.Zero(t, n)
}
