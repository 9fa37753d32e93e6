package storagetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var persistenceTests = []test{
	{"Reopen", testReopen},
	{"TwoAtOnePlace", testTwoAtOnePlace},
}

// usePersistenceTests are for backends that are bounded as well: they look at which entries the limits leave.
var usePersistenceTests = []test{
	{"OrderSurvives", testOrderSurvives},
	{"OrderSurvivesCrash", testOrderSurvivesCrash},
	{"ExpiryGoesOn", testExpiryGoesOn},
	{"ProtectGoesOn", testProtectGoesOn},
}

func testReopen(t *testing.T, b Backend) {
	place := t.TempDir()
	var samples []sample
	total := 0
	for i, size := range sizes {
		samples = append(samples, newSample(uint64(i), size))
		total += size
	}
	store := b.openAt(t, place, storage.Limits{})
	put(t, store, samples...)
	unfinished := write(t, store, newSample(100, 1000).data)
	require.NoError(t, store.Close())
	unfinished.Abort()

	for range 2 {
		store = b.openAt(t, place, storage.Limits{})
		if b.Bounded {
			requireStats(t, store, len(samples), total)
		}
		requireHas(t, store, samples...)
		requireLacks(t, store, newSample(100, 1000))
		require.NoError(t, store.Close())
	}

	store = b.openAt(t, place, storage.Limits{})
	require.NoError(t, store.Delete(t.Context(), samples[0].key))
	put(t, store, samples[1:]...)
	require.NoError(t, store.Close())
	store = b.openAt(t, place, storage.Limits{})
	requireLacks(t, store, samples[0])
	requireHas(t, store, samples[1:]...)
}

// Two processes at one place see what the other does.
func testTwoAtOnePlace(t *testing.T, b Backend) {
	place := t.TempDir()
	one, two := b.openAt(t, place, storage.Limits{}), b.openAt(t, place, storage.Limits{})
	s := newSamples(3, 10_000)
	put(t, one, s...)
	requireHas(t, two, s[0], s[1])
	if b.Bounded {
		requireStats(t, two, 2, 20_000)
	}
	put(t, two, s[0], s[2])
	requireHas(t, one, s...)
	require.NoError(t, two.Delete(t.Context(), s[0].key))
	requireLacks(t, one, s[0])
	require.NoError(t, two.Delete(t.Context(), s[1].key))
	put(t, one, s[1]) // one still thinks it has it
	requireHas(t, one, s[1])
	requireHas(t, two, s[1])
	require.NoError(t, one.Close())
	requireHas(t, two, s[1], s[2])
}

// putInTurn is put, in a bubble, of one after the other: what is stored at one time has no order that survives.
func putInTurn(t *testing.T, store storage.Store, samples ...sample) {
	t.Helper()
	for _, s := range samples {
		time.Sleep(time.Millisecond)
		put(t, store, s)
	}
}

func testOrderSurvives(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{})
	s := newSamples(4, 1000)
	put(t, store, s...)
	requireHas(t, store, s[1], s[0])
	require.NoError(t, store.Close())
	store = b.openAt(t, place, storage.Limits{MaxSize: 2000})
	requireStats(t, store, 2, 2000)
	requireDropped(t, store, 2, 0)
	requireLacks(t, store, s[2], s[3])
	put(t, store, newSample(10, 1000))
	requireDropped(t, store, 3, 0)
	requireLacks(t, store, s[1])
	requireHas(t, store, s[0])
}

// A process that dies loses no more than the last minute of uses.
func testOrderSurvivesCrash(t *testing.T, b Backend) {
	place := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newSamples(3, 1000)
		died := b.Open(t, place, storage.Limits{})
		putInTurn(t, died, s...)
		time.Sleep(time.Minute)
		requireHas(t, died, s[0])
		store := b.Open(t, place, storage.Limits{MaxSize: 2000})
		requireLacks(t, store, s[1])
		requireHas(t, store, s[0], s[2])
		require.NoError(t, store.Close())
		require.NoError(t, died.Close())
	})
}

func testExpiryGoesOn(t *testing.T, b Backend) {
	place := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		limits := storage.Limits{TTL: time.Hour}
		s := newSamples(2, 1000)
		store := b.Open(t, place, limits)
		put(t, store, s...)
		time.Sleep(30 * time.Minute)
		requireHas(t, store, s[0])
		require.NoError(t, store.Close())
		time.Sleep(30 * time.Minute)
		store = b.Open(t, place, limits)
		requireStats(t, store, 1, 1000)
		requireDropped(t, store, 0, 1)
		requireLacks(t, store, s[1])
		time.Sleep(30*time.Minute - time.Nanosecond)
		requireStats(t, store, 1, 1000)
		time.Sleep(time.Nanosecond)
		requireLacks(t, store, s[0])
		require.NoError(t, store.Close())
	})
}

// What is too much when the store is opened goes all the same; what is left is protected for the rest of its time.
func testProtectGoesOn(t *testing.T, b Backend) {
	place := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newSamples(5, 1000)
		store := b.Open(t, place, storage.Limits{})
		putInTurn(t, store, s[:4]...)
		time.Sleep(20 * time.Second)
		requireHas(t, store, s[1])
		require.NoError(t, store.Close())
		time.Sleep(20 * time.Second)
		store = b.Open(t, place, storage.Limits{MaxSize: 3000, MaxEntries: 2, Protect: time.Minute})
		requireStats(t, store, 2, 2000)
		requireLacks(t, store, s[0], s[2])
		w := requireFull(t, store, s[4])
		time.Sleep(20 * time.Second)
		require.NoError(t, w.Commit(s[4].key))
		requireLacks(t, store, s[3])
		requireFull(t, store, s[3]).Abort()
		require.NoError(t, store.Close())
	})
}
