package storagetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var purgeTests = []test{
	{"All", testPurgeAll},
	{"Owner", testPurgeOwner},
	{"LastUse", testPurgeLastUse},
	{"InUse", testPurgeInUse},
	{"Beside", testPurgeBeside},
	{"Canceled", testPurgeCanceled},
	{"Closed", testPurgeClosed},
}

// purgePersistenceTests are for backends that are Persistent as well, purgeLimitTests for those that are Bounded.
var (
	purgePersistenceTests = []test{{"Others", testPurgeOthers}}
	purgeLimitTests       = []test{{"Age", testPurgeAge}, {"CountsAsNeither", testPurgeCountsAsNeither}}
)

func all(storage.Key, time.Time) bool { return true }

// ownedBy returns the payload as if it were an owner's.
func (s sample) ownedBy(owner byte) sample {
	clear(s.key[:storage.OwnerSize])
	s.key[0], s.key[storage.OwnerSize-1] = '*', owner
	return s
}

// isOwner tells of a match's key whether it is an owner's.
func isOwner(key storage.Key, owner byte) bool {
	want := sample{}.ownedBy(owner).key
	return [storage.OwnerSize]byte(key[:]) == [storage.OwnerSize]byte(want[:])
}

// purge purges and compares what is returned with what Stats says.
func purge(t *testing.T, store storage.Store, match func(storage.Key, time.Time) bool) storage.Stats {
	t.Helper()
	before := store.Stats()
	purged, err := storage.Purge(t.Context(), store, match)
	require.NoError(t, err)
	requireWent(t, store, before, purged)
	return purged
}

func requireWent(t *testing.T, store storage.Store, before, purged storage.Stats) {
	t.Helper()
	want := before
	want.Entries -= purged.Entries
	want.Bytes -= purged.Bytes
	require.Equal(t, want, store.Stats())
	require.Equal(t, held(purged), purged)
}

// purgeSamples are payloads of all sizes, half of them one owner's, half another's.
func purgeSamples() (one, two []sample) {
	for i, size := range sizes {
		one = append(one, newSample(uint64(i), size).ownedBy(1))
		two = append(two, newSample(uint64(i), size).ownedBy(2))
	}
	return one, two
}

func testPurgeAll(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{})
	require.Zero(t, purge(t, store, all))
	one, two := purgeSamples()
	put(t, store, one...)
	put(t, store, two...)
	require.EqualValues(t, len(one)+len(two), purge(t, store, all).Entries)
	requireStats(t, store, 0, 0)
	requireLacks(t, store, one...)
	requireLacks(t, store, two...)
	if b.remote() {
		require.Empty(t, b.load(t, place, append(one, two...)...), "nothing is left on the server")
	}
	put(t, store, one...)
	requireHas(t, store, one...)
}

// Of many payloads, so that they are listed in several turns, one owner's go.
func testPurgeOwner(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	one, two := purgeSamples()
	for i, s := range newSamples(1500, 10) {
		put(t, store, s.ownedBy(byte(1+i%2)))
	}
	put(t, store, one...)
	put(t, store, two...)
	require.Zero(t, purge(t, store, func(key storage.Key, _ time.Time) bool { return isOwner(key, 3) }))
	purged := purge(t, store, func(key storage.Key, _ time.Time) bool { return isOwner(key, 1) })
	require.EqualValues(t, 750+len(one), purged.Entries)
	if b.Bounded {
		bytes := 7500
		for _, s := range one {
			bytes += len(s.data)
		}
		require.EqualValues(t, bytes, purged.Bytes)
	}
	requireLacks(t, store, one...)
	requireHas(t, store, two...)
	require.EqualValues(t, 750+len(two), purge(t, store, all).Entries)
}

// What match is told of the last use is either nothing or right.
func testPurgeLastUse(t *testing.T, b Backend) {
	for _, ttl := range []time.Duration{0, time.Hour} {
		store := b.open(t, storage.Limits{TTL: ttl})
		put(t, store, newSamples(20, 100)...)
		looked := 0
		purge(t, store, func(_ storage.Key, lastUse time.Time) bool {
			looked++
			if b.Bounded || ttl > 0 || !lastUse.IsZero() {
				require.WithinDuration(t, time.Now(), lastUse, time.Minute)
				require.False(t, lastUse.After(time.Now()))
			}
			return true
		})
		require.GreaterOrEqual(t, looked, 20)
	}
}

func testPurgeAge(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{TTL: 3 * time.Hour}, func(t *testing.T, store storage.Limiter) {
		s := newSamples(4, 1000)
		put(t, store, s...)
		time.Sleep(time.Hour)
		requireHas(t, store, s[1])
		put(t, store, s[2])
		old := func(_ storage.Key, lastUse time.Time) bool { return time.Since(lastUse) >= 2*time.Hour }
		require.Zero(t, purge(t, store, old))
		time.Sleep(time.Hour)
		require.Equal(t, storage.Stats{Entries: 2, Bytes: 2000}, purge(t, store, old))
		requireLacks(t, store, s[0], s[3])
		requireHas(t, store, s[1], s[2])
	})
}

// What has expired by then is not purged, and what is purged has neither been evicted nor expired.
func testPurgeCountsAsNeither(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{TTL: time.Hour, MaxEntries: 2}, func(t *testing.T, store storage.Limiter) {
		s := newSamples(3, 1000)
		put(t, store, s...)
		requireDropped(t, store, 1, 0)
		time.Sleep(30 * time.Minute)
		requireHas(t, store, s[2])
		time.Sleep(30 * time.Minute)
		purged, err := storage.Purge(t.Context(), store, all)
		require.NoError(t, err)
		require.Equal(t, storage.Stats{Entries: 1, Bytes: 1000}, purged)
		requireStats(t, store, 0, 0)
		requireDropped(t, store, 1, 1)
	})
}

// Whoever reads goes on, and so does whoever writes. What a server still has to send of a large payload goes.
func testPurgeInUse(t *testing.T, b Backend) {
	size := 1 << 20
	if b.remote() {
		size = 1000
	}
	store := b.open(t, storage.Limits{MaxEntries: 2, Protect: time.Hour})
	read, written := newSample(1, size), newSample(2, size)
	put(t, store, read)
	r := openReader(t, store, read)
	w := write(t, store, written.data)
	require.EqualValues(t, 1, purge(t, store, all).Entries)
	requireLacks(t, store, read)
	requireBytes(t, read.data, r, r.Size())
	require.NoError(t, w.Commit(written.key))
	requireHas(t, store, written)
	put(t, store, read)
	requireHas(t, store, read)
	requireBytes(t, read.data, r, r.Size())
	require.NoError(t, r.Close())
}

// testPurgeBeside has many goroutines put and read the payloads of two owners while one owner's are purged again and again: the
// other's never go, and nobody reads anything wrong.
func testPurgeBeside(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	var one, two []sample
	for _, s := range newSamples(20, 5000) {
		one, two = append(one, s.ownedBy(1)), append(two, s.ownedBy(2))
	}
	put(t, store, two...)
	var workers, purger sync.WaitGroup
	for worker := range uint64(4) {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(6, worker))
			for range 100 {
				mine := random.IntN(2) == 0
				s := two[random.IntN(len(two))]
				if mine {
					s = one[random.IntN(len(one))]
				}
				if random.IntN(2) == 0 {
					if err := (Payload{s.key, s.data}).Put(t, store); err != nil {
						t.Error(err)
					}
				}
				err := Payload{s.key, s.data}.Get(t, store)
				if gone := errors.Is(err, storage.ErrNotFound); err != nil && (!gone || !mine) {
					t.Error(err)
				}
			}
		})
	}
	first := func(key storage.Key, _ time.Time) bool { return isOwner(key, 1) }
	done := make(chan struct{})
	purger.Go(func() {
		for {
			if _, err := storage.Purge(t.Context(), store, first); err != nil {
				t.Error(err)
			}
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	workers.Wait()
	close(done)
	purger.Wait()
	_, err := storage.Purge(t.Context(), store, first)
	require.NoError(t, err)
	requireHas(t, store, two...)
	requireLacks(t, store, one...)
	if b.Bounded {
		requireStats(t, store, len(two), len(two)*5000)
	}
}

func testPurgeCanceled(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s := newSamples(20, 100)
	put(t, store, s...)
	ctx, cancel := context.WithCancel(t.Context())
	before := store.Stats()
	purged, err := storage.Purge(ctx, store, func(storage.Key, time.Time) bool {
		cancel()
		return true
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, purged.Entries, int64(len(s)))
	requireWent(t, store, before, purged)

	before = store.Stats()
	purged, err = storage.Purge(ctx, store, all)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, purged)
	requireWent(t, store, before, purged)
	purge(t, store, all)
	requireLacks(t, store, s...)
}

func testPurgeClosed(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{})
	s := newSamples(20, 100)
	put(t, store, s...)
	require.NoError(t, store.Close())
	purged, err := storage.Purge(t.Context(), store, all)
	require.ErrorIs(t, err, storage.ErrClosed)
	require.Zero(t, purged)
	if b.Persistent {
		requireHas(t, b.openAt(t, place, storage.Limits{}), s...)
	}
}

// What others stored at the same place is purged, too, and they find it gone.
func testPurgeOthers(t *testing.T, b Backend) {
	place := t.TempDir()
	one, two := b.openAt(t, place, storage.Limits{}), b.openAt(t, place, storage.Limits{})
	s := newSamples(4, 1000)
	s[3] = s[3].ownedBy(1)
	put(t, one, s[0], s[1])
	put(t, two, s[1], s[2], s[3])
	purged, err := storage.Purge(t.Context(), one, func(key storage.Key, lastUse time.Time) bool {
		require.True(t, lastUse.IsZero() || time.Since(lastUse).Abs() < time.Minute)
		return !isOwner(key, 1)
	})
	require.NoError(t, err)
	require.EqualValues(t, 3, purged.Entries)
	for _, store := range []storage.Store{one, two} {
		requireLacks(t, store, s[:3]...)
		requireHas(t, store, s[3])
	}
	put(t, one, s[0])
	requireHas(t, two, s[0])
	put(t, two, s[1]) // which it may have thought to have
	requireHas(t, one, s[1])
}
