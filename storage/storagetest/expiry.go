package storagetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// Expiry is tested in synctest's bubble, where an hour takes no time. That also finds goroutines that outlive their store:
// the bubble does not end before they do.
var expiryTests = []test{
	{"SlidesWithUse", testSlidesWithUse},
	{"FreesRoom", testFreesRoom},
	{"CommitSlides", testCommitSlides},
	{"SetLimits", testSetTTL},
	{"CloseEndsIt", testCloseEndsIt},
}

func (b Backend) inBubble(t *testing.T, limits storage.Limits, run func(*testing.T, storage.Limiter)) {
	place := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store := b.Open(t, place, limits).(storage.Limiter)
		defer store.Close()
		run(t, store)
	})
}

func testSlidesWithUse(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{TTL: time.Hour}, func(t *testing.T, store storage.Limiter) {
		active, idle := newSample(1, 1000), newSample(2, 1000)
		put(t, store, active, idle)
		for range 3 { // an active session has no miss
			time.Sleep(time.Hour - time.Nanosecond)
			requireHas(t, store, active)
		}
		requireLacks(t, store, idle)
		requireStats(t, store, 1, 1000)
		time.Sleep(time.Hour)
		requireLacks(t, store, active)
		requireStats(t, store, 0, 0)
		requireDropped(t, store, 0, 2)
	})
}

func testFreesRoom(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{TTL: time.Hour, MaxSize: 2000}, func(t *testing.T, store storage.Limiter) {
		s := newSamples(4, 1000)
		put(t, store, s[0])
		time.Sleep(30 * time.Minute)
		put(t, store, s[1])
		time.Sleep(30 * time.Minute)
		requireStats(t, store, 1, 1000)
		put(t, store, s[2])
		requireHas(t, store, s[1], s[2])
		requireDropped(t, store, 0, 1)
		put(t, store, s[3])
		requireDropped(t, store, 1, 1)
	})
}

func testCommitSlides(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{TTL: time.Hour}, func(t *testing.T, store storage.Limiter) {
		s := newSample(1, 1000)
		put(t, store, s)
		time.Sleep(40 * time.Minute)
		put(t, store, s)
		time.Sleep(40 * time.Minute)
		requireHas(t, store, s)
		time.Sleep(time.Hour)
		put(t, store, s) // once it has expired, it is stored anew
		requireHas(t, store, s)
		requireStats(t, store, 1, 1000)
	})
}

func testSetTTL(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{}, func(t *testing.T, store storage.Limiter) {
		s := newSamples(2, 1000)
		put(t, store, s[0])
		time.Sleep(2 * time.Hour)
		put(t, store, s[1])
		requireStats(t, store, 2, 2000)
		store.SetLimits(storage.Limits{TTL: time.Hour})
		requireStats(t, store, 1, 1000)
		requireDropped(t, store, 0, 1)
		requireLacks(t, store, s[0])
		store.SetLimits(storage.Limits{TTL: 3 * time.Hour})
		time.Sleep(2 * time.Hour)
		requireHas(t, store, s[1])
	})
}

func testCloseEndsIt(t *testing.T, b Backend) {
	b.inBubble(t, storage.Limits{TTL: time.Hour}, func(t *testing.T, store storage.Limiter) {
		s := newSample(1, 1000)
		put(t, store, s)
		r, err := store.Open(t.Context(), s.key)
		require.NoError(t, err)
		require.NoError(t, store.Close())
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		requireBytes(t, s.data, r, r.Size())
		require.NoError(t, r.Close())
	})
}
