package storagetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var limitTests = []test{
	{"EvictsByLastUse", testEvictsByLastUse},
	{"CommitIsUse", testCommitIsUse},
	{"ExactFit", testExactFit},
	{"RoomForOne", testRoomForOne},
	{"ManyRefreshes", testManyRefreshes},
	{"MaxEntries", testMaxEntries},
	{"BothLimits", testBothLimits},
	{"RandomOperations", testRandomOperations},
	{"TooLarge", testTooLarge},
	{"SetLimits", testSetLimits},
	{"LimitsChangeWhileWriting", testLimitsChangeWhileWriting},
}

func testEvictsByLastUse(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{MaxSize: 3000})
	s := newSamples(5, 1000)
	put(t, store, s[0], s[1], s[2])
	requireHas(t, store, s[0]) // now the oldest, but used
	put(t, store, s[3])
	requireLacks(t, store, s[1])
	requireStats(t, store, 3, 3000)
	put(t, store, s[4])
	requireLacks(t, store, s[2])
	requireHas(t, store, s[0], s[3], s[4])
	requireStats(t, store, 3, 3000)
	requireDropped(t, store, 2, 0)
	require.NoError(t, store.Delete(t.Context(), s[0].key))
	require.NoError(t, store.Close())
	requireDropped(t, store, 2, 0) // no more: neither what was deleted nor what is there
}

func testCommitIsUse(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{MaxSize: 2000})
	s := newSamples(3, 1000)
	put(t, store, s[0], s[1], s[0], s[2])
	requireLacks(t, store, s[1])
	requireHas(t, store, s[0], s[2])
}

// A working set that is exactly as large as the limit never misses, however often it is stored and used anew.
func testExactFit(t *testing.T, b Backend) {
	s := newSamples(60, 500)
	store := b.open(t, storage.Limits{MaxSize: 60 * 500})
	for range 3 {
		put(t, store, s...)
		requireHas(t, store, s...)
		requireStats(t, store, 60, 60*500)
	}
	put(t, store, newSample(100, 1)) // one byte too many: one entry goes, not two
	requireStats(t, store, 60, 59*500+1)
	requireLacks(t, store, s[0])
}

// With room for one payload, the newest is the one that is there.
func testRoomForOne(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{MaxSize: 1000})
	for _, s := range newSamples(100, 1000) {
		put(t, store, s)
		requireHas(t, store, s)
		requireStats(t, store, 1, 1000)
	}
}

func testManyRefreshes(t *testing.T, b Backend) {
	const maxSize = 50_000
	store := b.open(t, storage.Limits{MaxSize: maxSize})
	for i := range 1000 {
		s := newSample(uint64(i), 1+i*7919%5000)
		put(t, store, s)
		requireHas(t, store, s)
		require.LessOrEqual(t, store.Stats().Bytes, int64(maxSize))
	}
	require.Greater(t, store.Stats().Bytes, int64(maxSize-5000), "nothing is evicted without need")
}

func testMaxEntries(t *testing.T, b Backend) {
	store := b.openLimiter(t, storage.Limits{MaxEntries: 3})
	s := []sample{newSample(0, 0), newSample(1, 10), newSample(2, 1000), newSample(3, 5), newSample(4, 1<<20)}
	put(t, store, s[0], s[1], s[2])
	put(t, store, s[0], s[1]) // what is there needs no room
	requireStats(t, store, 3, 1010)
	put(t, store, s[3])
	requireLacks(t, store, s[2])
	requireHas(t, store, s[0])
	put(t, store, s[4])
	requireLacks(t, store, s[1])
	requireStats(t, store, 3, 5+1<<20)
	store.SetLimits(storage.Limits{MaxEntries: 1})
	requireLacks(t, store, s[0], s[3])
	requireHas(t, store, s[4])
	store.SetLimits(storage.Limits{MaxEntries: 2})
	put(t, store, s[0], s[1])
	requireLacks(t, store, s[4])
	requireStats(t, store, 2, 10)
}

// Whichever limit is reached first counts.
func testBothLimits(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{MaxSize: 3000, MaxEntries: 3})
	small, large := newSamples(5, 10), newSample(10, 2981)
	put(t, store, small...)
	requireStats(t, store, 3, 30)
	put(t, store, large)
	requireHas(t, store, small[4], large)
	requireStats(t, store, 2, 2991)
}

func testTooLarge(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{MaxSize: 1000})
	kept, s := newSample(1, 400), newSample(2, 1001)
	put(t, store, kept)

	w := write(t, store, s.data[:1000]) // fits, to the byte
	n, err := w.Write(s.data[1000:])
	require.ErrorIs(t, err, storage.ErrTooLarge)
	require.Zero(t, n)
	requireReadBack(t, s.data[:1000], w)
	require.Error(t, w.Commit(s.key), "part of a payload")
	requireReadBack(t, s.data[:1000], w)
	w.Abort()
	requireLacks(t, store, s)
	requireHas(t, store, kept)

	w, err = store.Create(t.Context())
	require.NoError(t, err)
	n, err = w.Write(s.data) // in one piece: what was accepted, if any of it, can be read back
	require.ErrorIs(t, err, storage.ErrTooLarge)
	requireReadBack(t, s.data[:n], w)
	w.Abort()
	requireStats(t, store, 1, 400)
}

func testSetLimits(t *testing.T, b Backend) {
	store := b.openLimiter(t, storage.Limits{})
	s := newSamples(4, 1000)
	put(t, store, s...)
	requireHas(t, store, s[0])
	store.SetLimits(storage.Limits{MaxSize: 2000})
	requireStats(t, store, 2, 2000)
	requireLacks(t, store, s[1], s[2])
	requireHas(t, store, s[3], s[0])

	store.SetLimits(storage.Limits{MaxSize: 4000})
	put(t, store, s[1], s[2])
	requireStats(t, store, 4, 4000)
	large := newSample(10, 5000)
	store.SetLimits(storage.Limits{})
	put(t, store, large)
	store.SetLimits(storage.Limits{MaxSize: 4999})
	requireLacks(t, store, large)
	requireHas(t, store, s...)
	store.SetLimits(storage.Limits{MaxSize: 1})
	requireStats(t, store, 0, 0)
	requireDropped(t, store, 2+1+4, 0)
}

func testLimitsChangeWhileWriting(t *testing.T, b Backend) {
	store := b.openLimiter(t, storage.Limits{})
	kept, s := newSample(1, 10), newSample(2, 1000)
	put(t, store, kept)
	w := write(t, store, s.data)
	store.SetLimits(storage.Limits{MaxSize: 999})
	require.ErrorIs(t, w.Commit(s.key), storage.ErrTooLarge)
	requireReadBack(t, s.data, w)
	requireHas(t, store, kept)
	store.SetLimits(storage.Limits{MaxSize: 1000})
	require.NoError(t, w.Commit(s.key), "there is room again")
	requireHas(t, store, s)
	requireStats(t, store, 1, 1000)
}
