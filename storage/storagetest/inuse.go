package storagetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// inUseTests look at what may not have to go for a new payload: what is being read, and what Limits.Protect covers.
var inUseTests = []test{
	{"BeingRead", testBeingRead},
	{"EachReaderCounts", testEachReaderCounts},
	{"ReadAcrossDelete", testReadAcrossDelete},
	{"MissHoldsNothing", testMissHoldsNothing},
	{"LimitsTakeWhatIsRead", testLimitsTakeWhatIsRead},
	{"ExpiresWhileRead", testExpiresWhileRead},
	{"Protect", testProtect},
	{"ProtectIsAllOrNothing", testProtectIsAllOrNothing},
	{"ProtectSlides", testProtectSlides},
	{"LimitsTakeWhatIsProtected", testLimitsTakeWhatIsProtected},
}

func openReader(t *testing.T, store storage.Store, s sample) storage.Reader {
	t.Helper()
	r, err := store.Open(t.Context(), s.key)
	require.NoError(t, err)
	return r
}

// requireFull checks that there is no room for a payload, and returns the writer, which still has the bytes.
func requireFull(t *testing.T, store storage.Store, s sample) storage.Writer {
	t.Helper()
	before := store.Stats()
	w := write(t, store, s.data)
	for range 2 {
		require.ErrorIs(t, w.Commit(s.key), storage.ErrFull)
		requireReadBack(t, s.data, w)
	}
	requireLacks(t, store, s)
	require.Equal(t, before, store.Stats(), "nothing went for it")
	return w
}

func testBeingRead(t *testing.T, b Backend) {
	for _, limits := range []storage.Limits{{MaxSize: 2000}, {MaxEntries: 2}} {
		store := b.open(t, limits)
		s := newSamples(5, 1000)
		put(t, store, s[0], s[1])
		first := openReader(t, store, s[0])
		put(t, store, s[2], s[3]) // what is being read is passed over, though it was used longest ago
		requireLacks(t, store, s[1], s[2])
		second := openReader(t, store, s[3])

		w := requireFull(t, store, s[4])
		requireHas(t, store, s[3], s[0])
		put(t, store, s[0], s[3]) // what is there needs no room
		requireStats(t, store, 2, 2000)
		requireBytes(t, s[0].data, first, first.Size())
		require.NoError(t, second.Close())
		require.NoError(t, w.Commit(s[4].key), "there is room again")
		requireHas(t, store, s[0], s[4])
		requireLacks(t, store, s[3])
		require.NoError(t, first.Close())
		put(t, store, s[1], s[2])
		requireLacks(t, store, s[0], s[4])
	}
}

func testEachReaderCounts(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{MaxSize: 1000})
	s := newSamples(2, 1000)
	put(t, store, s[0])
	first, second := openReader(t, store, s[0]), openReader(t, store, s[0])
	require.NoError(t, first.Close())
	require.Error(t, first.Close(), "a second time, which gives nothing back")
	w := requireFull(t, store, s[1])
	require.NoError(t, second.Close())
	require.NoError(t, w.Commit(s[1].key))
	requireHas(t, store, s[1])
}

// A payload that was deleted and stored anew is the same: who read it then still reads it.
func testReadAcrossDelete(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{MaxSize: 1000})
	s := newSamples(2, 1000)
	put(t, store, s[0])
	r := openReader(t, store, s[0])
	require.NoError(t, store.Delete(t.Context(), s[0].key))
	put(t, store, s[1], s[0]) // the reader's own bytes do not count
	w := requireFull(t, store, s[1])
	requireBytes(t, s[0].data, r, r.Size())
	require.NoError(t, r.Close())
	require.NoError(t, w.Commit(s[1].key))
}

func testMissHoldsNothing(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{MaxSize: 1000})
	s := newSamples(2, 1000)
	requireLacks(t, store, s...)
	put(t, store, s...)
	requireLacks(t, store, s[0])
}

func testLimitsTakeWhatIsRead(t *testing.T, b Backend) {
	for _, limits := range []storage.Limits{{MaxSize: 2999}, {MaxSize: 999}, {MaxEntries: 2}} {
		store := b.openLimiter(t, storage.Limits{})
		s := newSamples(3, 1000)
		put(t, store, s...)
		r := openReader(t, store, s[0])
		requireHas(t, store, s[1], s[2])
		store.SetLimits(limits)
		requireLacks(t, store, s[0])
		requireBytes(t, s[0].data, r, r.Size())
		require.NoError(t, r.Close())
	}
}

func testExpiresWhileRead(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{TTL: time.Hour, Protect: 2 * time.Hour}, func(t *testing.T, store storage.Limiter) {
		s := newSample(1, 1000)
		put(t, store, s)
		r := openReader(t, store, s)
		time.Sleep(time.Hour)
		requireLacks(t, store, s)
		requireStats(t, store, 0, 0)
		requireBytes(t, s.data, r, r.Size())
		require.NoError(t, r.Close())
	})
}

func testProtect(t *testing.T, b Backend) {
	for _, limits := range []storage.Limits{{MaxSize: 2000}, {MaxEntries: 2}} {
		limits.Protect = time.Minute
		b.inBubble(t, limits, func(t *testing.T, store storage.Limiter) {
			s := newSamples(5, 1000)
			put(t, store, s[0])
			time.Sleep(30 * time.Second)
			put(t, store, s[1])
			time.Sleep(30*time.Second - time.Nanosecond)
			w := requireFull(t, store, s[2])
			time.Sleep(time.Nanosecond)
			require.NoError(t, w.Commit(s[2].key), "time makes room")
			requireFull(t, store, s[3]).Abort()
			store.SetLimits(storage.Limits{MaxSize: 2000, Protect: time.Second})
			time.Sleep(time.Second)
			put(t, store, s[3], s[3])
			store.SetLimits(storage.Limits{MaxSize: 2000})
			put(t, store, s[4]) // without protection, as ever
			requireHas(t, store, s[3], s[4])
			requireLacks(t, store, s[0], s[1], s[2])
		})
	}
}

// When some of what would have to go is in use, all of it stays.
func testProtectIsAllOrNothing(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{MaxSize: 4000, Protect: time.Minute}, func(t *testing.T, store storage.Limiter) {
		s := newSamples(4, 1000)
		put(t, store, s[0], s[1])
		time.Sleep(time.Minute)
		put(t, store, s[2], s[3])
		w := requireFull(t, store, newSample(10, 2001))
		require.Equal(t, storage.Stats{Entries: 4, Bytes: 4000}, store.Stats())
		w.Abort()
		put(t, store, newSample(11, 2000))
		requireHas(t, store, s[2], s[3])
	})
}

func testProtectSlides(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{MaxSize: 2000, Protect: time.Minute}, func(t *testing.T, store storage.Limiter) {
		s := newSamples(4, 1000)
		put(t, store, s[0], s[1])
		time.Sleep(time.Minute)
		requireHas(t, store, s[0])
		put(t, store, s[1])
		requireFull(t, store, s[2]).Abort()
		time.Sleep(time.Minute)
		put(t, store, s[0])
		put(t, store, s[2])
		requireHas(t, store, s[0], s[2])
		requireFull(t, store, s[3]).Abort()
	})
}

func testLimitsTakeWhatIsProtected(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{Protect: time.Hour}, func(t *testing.T, store storage.Limiter) {
		s := newSamples(4, 1000)
		put(t, store, s...)
		store.SetLimits(storage.Limits{MaxEntries: 3, Protect: time.Hour})
		requireLacks(t, store, s[0])
		store.SetLimits(storage.Limits{MaxSize: 1000, Protect: time.Hour})
		requireLacks(t, store, s[1], s[2])
		require.NoError(t, store.Delete(t.Context(), s[3].key))
		requireLacks(t, store, s[3])
		put(t, store, s[0])
		time.Sleep(time.Minute)
		store.SetLimits(storage.Limits{TTL: time.Minute, Protect: time.Hour})
		synctest.Wait()
		requireStats(t, store, 0, 0)
	})
}
