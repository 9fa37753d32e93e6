package lru

import (
	"strings"
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

func (o *owner) add(name string, size int64) {
	if err := o.Add(key(name), size, time.Now(), name); err != nil {
		panic(err)
	}
}

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
	require.Equal(t, storage.Stats{Entries: 1, Bytes: 30, Evicted: 4}, o.Stats())
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

func TestRoom(t *testing.T) {
	t.Parallel()
	const protect = time.Hour
	tests := []struct {
		name    string
		limits  storage.Limits
		pinned  string // keys, of one letter each
		young   string // used less than protect ago
		add     string
		size    int64
		evicted []string
		err     error
	}{
		{"no limits", storage.Limits{}, "", "", "e", 1000, nil, nil},
		{"room left", storage.Limits{MaxSize: 41}, "", "", "e", 1, nil, nil},
		{"by size", storage.Limits{MaxSize: 41}, "", "", "e", 12, []string{"a", "b"}, nil},
		{"by number", storage.Limits{MaxEntries: 4}, "", "", "e", 0, []string{"a"}, nil},
		{"by both", storage.Limits{MaxSize: 40, MaxEntries: 4}, "", "", "e", 20, []string{"a", "b"}, nil},
		{"too large", storage.Limits{MaxSize: 40}, "", "", "e", 41, nil, storage.ErrTooLarge},
		{"pinned ones are passed over", storage.Limits{MaxSize: 40}, "ac", "", "e", 20, []string{"b", "d"}, nil},
		{"all but one pinned", storage.Limits{MaxEntries: 4}, "abd", "", "e", 1, []string{"c"}, nil},
		{"all pinned", storage.Limits{MaxEntries: 4}, "abcd", "", "e", 1, nil, storage.ErrFull},
		{"too many pinned", storage.Limits{MaxSize: 40}, "bc", "", "e", 21, nil, storage.ErrFull},
		{"a pinned key that is not there", storage.Limits{MaxSize: 40}, "xe", "", "e", 1, []string{"a"}, nil},
		{"old enough", storage.Limits{MaxSize: 40}, "", "cd", "e", 20, []string{"a", "b"}, nil},
		{"too young", storage.Limits{MaxSize: 40}, "", "cd", "e", 21, nil, storage.ErrFull},
		{"pinned and young", storage.Limits{MaxSize: 40}, "a", "cd", "e", 11, nil, storage.ErrFull},
		{"in place, of the same size", storage.Limits{MaxSize: 40, MaxEntries: 4}, "abcd", "abcd", "b", 10, nil, nil},
		{"in place, larger", storage.Limits{MaxSize: 40}, "", "", "a", 11, []string{"b"}, nil},
		{"in place, no room", storage.Limits{MaxSize: 40}, "bcd", "", "a", 11, nil, storage.ErrFull},
		{"in place, young", storage.Limits{MaxSize: 40}, "", "abcd", "d", 11, nil, storage.ErrFull},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOwner(storage.Limits{})
			for _, name := range []string{"a", "b", "c", "d"} {
				age := 2 * protect
				if strings.Contains(test.young, name) {
					age = protect / 2
				}
				require.NoError(t, o.Add(key(name), 10, time.Now().Add(-age), name))
			}
			for _, name := range test.pinned {
				o.Pin(key(string(name)))
			}
			test.limits.Protect = protect
			o.SetLimits(test.limits)
			before := o.Stats()
			require.ErrorIs(t, o.Room(key(test.add), test.size), test.err)
			require.Equal(t, before, o.Stats(), "to ask changes nothing")
			require.ErrorIs(t, o.Add(key(test.add), test.size, time.Now(), test.add), test.err)
			require.Equal(t, test.evicted, o.evicted())
			require.EqualValues(t, len(test.evicted), o.Stats().Evicted)
			if test.err != nil {
				require.Equal(t, before, o.Stats())
			} else {
				require.Equal(t, test.size, o.Get(key(test.add)).Size)
			}
		})
	}
}

// A store puts the new file in place before the entry: if the old entry expired only then, the new file would go with it.
func TestAddInPlaceOfExpired(t *testing.T) {
	t.Parallel()
	o := newOwner(storage.Limits{TTL: time.Hour})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add("a", 1)
	require.NoError(t, o.Room(key("a"), 1))
	o.Get(key("a")).LastUse = time.Now().Add(-time.Hour)
	o.add("a", 1)
	require.Empty(t, o.evicted())
	o.Close()
}

func TestPins(t *testing.T) {
	t.Parallel()
	o := newOwner(storage.Limits{MaxEntries: 1})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.Pin(key("a"))
	o.add("a", 1)
	o.Pin(key("a"))
	o.Remove(key("a"))
	o.add("a", 1)
	require.ErrorIs(t, o.Room(key("b"), 1), storage.ErrFull, "pins are the key's, whatever becomes of the entry")
	o.Unpin(key("a"))
	require.ErrorIs(t, o.Room(key("b"), 1), storage.ErrFull)
	o.Unpin(key("a"))
	require.NoError(t, o.Room(key("b"), 1))
	require.Empty(t, o.pins, "nothing is kept of what is not pinned")

	o.Pin(key("a"))
	o.SetLimits(storage.Limits{MaxSize: 1, MaxEntries: 1, Protect: time.Hour})
	require.Empty(t, o.evicted())
	o.Get(key("a")).LastUse = time.Now().Add(-time.Minute)
	o.SetLimits(storage.Limits{MaxSize: 1, TTL: time.Minute, Protect: time.Hour})
	require.Equal(t, []string{"a"}, o.evicted(), "an entry expires, pinned or not")
	o.Close()
	require.ErrorIs(t, o.Room(key("a"), 1), storage.ErrClosed)
	o.Unpin(key("a"))
	require.Empty(t, o.pins)
}

func TestSetLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		size    int64
		entries int64
		evicted []string
	}{
		{"none", 0, 0, nil},
		{"larger", 100, 10, nil},
		{"just fits", 60, 4, nil},
		{"the least recently used goes", 59, 0, []string{"a"}},
		{"one too large goes alone", 30, 0, []string{"large"}},
		{"one too large, then by last use", 15, 0, []string{"large", "a"}},
		{"nothing fits", 5, 0, []string{"large", "c", "b", "a"}},
		{"too many", 0, 2, []string{"a", "b"}},
		{"one too large, then too many", 30, 1, []string{"large", "a", "b"}},
		{"too large, then too many", 45, 3, []string{"a", "b"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOwner(storage.Limits{})
			o.add("a", 10)
			o.add("b", 6)
			o.add("c", 6)
			o.add("large", 38)
			for _, name := range []string{"a", "b", "c", "large"} {
				o.Pin(key(name))
			}
			o.SetLimits(storage.Limits{MaxSize: test.size, MaxEntries: test.entries, Protect: time.Hour})
			require.Equal(t, test.evicted, o.evicted())
			require.EqualValues(t, len(test.evicted), o.Stats().Evicted)
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
		require.Equal(t, storage.Stats{Expired: 4}, o.Stats(), "what it held it has not dropped")
	})
}

// An entry counts as absent from the moment it expires, also while the timer has not got the mutex yet.
func TestExpiredIsAbsentAtOnce(t *testing.T) {
	t.Parallel()
	o := newOwner(storage.Limits{TTL: time.Minute})
	o.mu.Lock()
	defer o.mu.Unlock()
	require.NoError(t, o.Add(key("old"), 1, time.Now().Add(-time.Hour), "old"))
	require.Equal(t, []string{"old"}, o.evicted())
	o.add("a", 1)
	o.Get(key("a")).LastUse = time.Now().Add(-time.Minute)
	require.Nil(t, o.Use(key("a")))
	require.Equal(t, storage.Stats{Expired: 2}, o.Stats())

	o.SetLimits(storage.Limits{MaxEntries: 1, TTL: time.Minute})
	o.Pin(key("b"))
	o.add("b", 1)
	o.Get(key("b")).LastUse = time.Now().Add(-time.Minute)
	require.NoError(t, o.Room(key("c"), 1), "what has expired takes no room, pinned or not")
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
