package lru

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// owner is a store that holds nothing: it only notes what its index evicts.
type owner struct {
	*Index[string]
	mu   sync.Mutex
	gone []string
}

func newOwner(limits storage.Limits) *owner {
	o := &owner{}
	o.Index = New(&o.mu, limits, func(e *Entry[string]) { o.gone = append(o.gone, e.Value) })
	return o
}

func (o *owner) add(name string, size int64) { o.Add(key(name), size, time.Now(), name) }

// evicted returns what was evicted since the last call.
func (o *owner) evicted() []string {
	defer func() { o.gone = nil }()
	return o.gone
}

func key(name string) (k storage.Key) {
	copy(k[:], name)
	return k
}

func TestEvictsByLastUse(t *testing.T) {
	t.Parallel()
	o := newOwner(storage.Limits{MaxSize: 30})
	o.add("a", 10)
	o.add("b", 10)
	o.add("c", 10)
	require.Empty(t, o.evicted(), "exactly full is not too full")

	require.NotNil(t, o.Use(key("a")))
	require.NotNil(t, o.Get(key("b")), "to look is no use")
	o.add("d", 1)
	require.Equal(t, []string{"b"}, o.evicted())
	o.add("e", 30)
	require.Equal(t, []string{"c", "a", "d"}, o.evicted(), "all others go before the newest does")
	require.Equal(t, storage.Stats{Entries: 1, Bytes: 30}, o.Stats())
	require.True(t, o.Fits(30))
	require.False(t, o.Fits(31))
}

func TestAddReplaces(t *testing.T) {
	t.Parallel()
	o := newOwner(storage.Limits{MaxSize: 10})
	o.add("a", 7)
	o.add("a", 9)
	require.Empty(t, o.evicted(), "what is replaced was not evicted")
	require.Equal(t, storage.Stats{Entries: 1, Bytes: 9}, o.Stats())
	o.Remove(key("a"))
	o.Remove(key("a"))
	require.Empty(t, o.evicted())
	require.Equal(t, storage.Stats{}, o.Stats())
}

func TestSetLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		limit   int64
		evicted []string
	}{
		{"none", 0, nil},
		{"larger", 100, nil},
		{"just fits", 60, nil},
		{"the least recently used goes", 59, []string{"a"}},
		{"one too large goes alone", 30, []string{"large"}},
		{"one too large, then by last use", 15, []string{"large", "a"}},
		{"nothing fits", 5, []string{"large", "c", "b", "a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOwner(storage.Limits{})
			o.add("a", 10)
			o.add("b", 6)
			o.add("c", 6)
			o.add("large", 38)
			o.SetLimits(storage.Limits{MaxSize: test.limit})
			require.Equal(t, test.evicted, o.evicted())
		})
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOwner(storage.Limits{TTL: time.Minute})
		lock := func(f func()) { o.mu.Lock(); defer o.mu.Unlock(); f() }

		lock(func() { o.add("used", 1); o.add("idle", 1) })
		time.Sleep(30 * time.Second)
		lock(func() { require.NotNil(t, o.Use(key("used"))) })
		time.Sleep(30*time.Second - 1)
		lock(func() { require.Empty(t, o.evicted()) })
		time.Sleep(1)
		synctest.Wait()
		lock(func() { require.Equal(t, []string{"idle"}, o.evicted(), "the timer removes it, without any call") })
		time.Sleep(30 * time.Second)
		synctest.Wait()
		lock(func() { require.Equal(t, []string{"used"}, o.evicted()) })

		lock(func() { o.add("again", 1); o.SetLimits(storage.Limits{TTL: time.Second}) })
		time.Sleep(time.Second)
		synctest.Wait()
		lock(func() { require.Equal(t, []string{"again"}, o.evicted(), "a shorter TTL moves the timer") })

		lock(func() { o.add("old", 1) })
		time.Sleep(time.Second / 2)
		lock(func() { o.SetLimits(storage.Limits{TTL: time.Second / 4}) })
		lock(func() { require.Equal(t, []string{"old"}, o.evicted(), "a shorter TTL applies at once") })

		lock(func() { o.SetLimits(storage.Limits{}); o.add("kept", 1) })
		time.Sleep(time.Hour)
		lock(func() { require.NotNil(t, o.Get(key("kept")), "no TTL, no expiry") })

		lock(func() { o.SetLimits(storage.Limits{TTL: 2 * time.Hour}) })
		lock(func() { require.NotNil(t, o.Get(key("kept"))) })
		lock(o.Close)
		require.False(t, o.timer.Stop(), "Close has stopped the timer")
		time.Sleep(2 * time.Hour)
		lock(func() { require.Empty(t, o.evicted(), "a closed index has no timer") })
	})
}

// An entry counts as absent from the moment it expires, also while the timer has not got the mutex yet.
func TestExpiredIsAbsentAtOnce(t *testing.T) {
	t.Parallel()
	o := newOwner(storage.Limits{TTL: time.Minute})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.Add(key("old"), 1, time.Now().Add(-time.Hour), "old")
	require.Equal(t, []string{"old"}, o.evicted())
	o.Add(key("a"), 1, time.Now(), "a")
	o.Get(key("a")).LastUse = time.Now().Add(-time.Minute)
	require.Nil(t, o.Use(key("a")))
	require.Equal(t, storage.Stats{}, o.Stats())
	o.Close()
}

func TestAllIsInOrderOfUse(t *testing.T) {
	t.Parallel()
	o := newOwner(storage.Limits{})
	for _, name := range []string{"a", "b", "c"} {
		o.add(name, 1)
	}
	o.Use(key("a"))
	var names []string
	for e := range o.All() {
		names = append(names, e.Value)
	}
	require.Equal(t, []string{"a", "c", "b"}, names)
	for e := range o.All() {
		require.Equal(t, "a", e.Value)
		break
	}
}
