package redis_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/servertest"
	"github.com/dashstash/dashstash/storage/redis"
	"github.com/dashstash/dashstash/storage/storagetest"
)

func all(storage.Key, time.Time) bool { return true }

// Prefixes that Redis would take for patterns, of which each alone may match the payloads of its own.
func TestPurgeKeepsToPrefix(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	payload := storagetest.NewPayload(1, 1000)
	prefixes := []string{"", "a:", "a:b:", "*", "?:", "[a]:", "[^a]:", `\`, `\a:`, `a\*`, "a-[z]^:"}
	stores := make([]storage.Limiter, len(prefixes))
	for i, prefix := range prefixes {
		stores[i], _ = open(t, redis.Options{Addresses: []string{server.Addr}, Prefix: prefix})
		require.NoError(t, payload.Put(t, stores[i]))
	}
	for i, store := range stores {
		purged, err := storage.Purge(t.Context(), store, all)
		require.NoError(t, err)
		require.Equal(t, storage.Stats{Entries: 1, Bytes: 1000}, purged, prefixes[i])
		require.Zero(t, store.Stats())
		for _, later := range stores[i+1:] {
			require.NoError(t, payload.Get(t, later), "of %q, the purge of %q", prefixes[i], prefixes[i])
		}
	}
}

// What others keep in the same database is left, also where they name it as we do.
func TestPurgeLeavesForeign(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	defer client.Close()
	digits := strings.Repeat("ab", storage.KeySize)
	foreign := []string{digits[1:], digits + "0", strings.ToUpper(digits), digits + "ab", digits + ":0", "x" + digits[1:], "session:" + digits, digits}
	for _, name := range foreign {
		require.NoError(t, client.Set(t.Context(), name, strings.Repeat("somebody's", 10), 0).Err())
	}
	hash, list := strings.Repeat("c", 64), strings.Repeat("d", 64)
	require.NoError(t, client.HSet(t.Context(), hash, "field", "value").Err())
	require.NoError(t, client.RPush(t.Context(), list, "element").Err())
	foreign = append(foreign, hash, list)
	store, log := open(t, at(server))
	for number := range byte(3) {
		require.NoError(t, storagetest.NewPayload(number, 1_200_000).Put(t, store))
	}
	purged, err := storage.Purge(t.Context(), store, all)
	require.NoError(t, err)
	require.Equal(t, storage.Stats{Entries: 3, Bytes: 3_600_000}, purged)
	require.Zero(t, store.Stats())
	require.ElementsMatch(t, append(foreign, "counts"), names(t, server))
	require.Empty(t, log.String())
}

// How long ago a payload was used follows from how long it is still kept.
func TestPurgeByAge(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	defer client.Close()
	store, _ := open(t, at(server))
	store.SetLimits(storage.Limits{TTL: 10 * time.Hour})
	// How long each is kept, and how long ago match is to be told that it was used: negative where it is told nothing.
	tests := []struct{ left, age time.Duration }{
		{10 * time.Hour, 0}, {7 * time.Hour, 3 * time.Hour}, {time.Minute, 10*time.Hour - time.Minute}, {11 * time.Hour, -1}, {0, -1},
	}
	want := make(map[storage.Key]time.Duration)
	for i, test := range tests {
		payload := storagetest.NewPayload(byte(i), 1000)
		require.NoError(t, payload.Put(t, store))
		if test.left > 0 {
			require.NoError(t, client.PExpire(t.Context(), payload.Key.String(), test.left).Err())
		} else {
			require.NoError(t, client.Persist(t.Context(), payload.Key.String()).Err())
		}
		want[payload.Key] = test.age
	}
	purged, err := storage.Purge(t.Context(), store, func(key storage.Key, lastUse time.Time) bool {
		if want[key] < 0 {
			require.Zero(t, lastUse)
		} else {
			require.WithinDuration(t, time.Now().Add(-want[key]), lastUse, 30*time.Second)
		}
		return !lastUse.IsZero() && time.Since(lastUse) > 2*time.Hour
	})
	require.NoError(t, err)
	require.Equal(t, storage.Stats{Entries: 2, Bytes: 2000}, purged)
	for i, test := range tests {
		err := storagetest.NewPayload(byte(i), 1000).Get(t, store)
		if test.age > 2*time.Hour {
			require.ErrorIs(t, err, storage.ErrNotFound)
		} else {
			require.NoError(t, err)
		}
	}
	store.SetLimits(storage.Limits{})
	_, err = storage.Purge(t.Context(), store, func(_ storage.Key, lastUse time.Time) bool {
		require.Zero(t, lastUse, "without a time to live, nothing tells")
		return false
	})
	require.NoError(t, err)
}

// Several machines are told to purge at once, since each has a near layer of its own: all goes, and is counted once.
func TestPurgeTogether(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]redis.Options{
		"server": at(servertest.Redis(t)), "cluster": {Addresses: servertest.RedisCluster(t), Cluster: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testPurgeTogether(t, options)
		})
	}
}

func testPurgeTogether(t *testing.T, options redis.Options) {
	kept := storagetest.NewPayload(0, 5)
	stores := make([]storage.Limiter, 4)
	for i := range stores {
		stores[i], _ = open(t, options)
	}
	const payloads = 4000
	for n := range payloads {
		payload := storagetest.NewPayload(1, n)
		require.NoError(t, payload.Put(t, stores[0]))
	}
	require.NoError(t, kept.Put(t, stores[0]))
	var mu sync.Mutex
	var entries int64
	var purges sync.WaitGroup
	for _, store := range stores {
		purges.Go(func() {
			purged, err := storage.Purge(t.Context(), store, func(key storage.Key, _ time.Time) bool { return key != kept.Key })
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			entries += purged.Entries
		})
	}
	purges.Wait()
	require.EqualValues(t, payloads, entries)
	for _, store := range stores {
		store.Stats() // sends what it has to tell
	}
	require.Equal(t, storage.Stats{Entries: 1, Bytes: 5}, stores[0].Stats())
	require.NoError(t, kept.Get(t, stores[0]))
}

// A server that is away is no longer called, and a purge says so.
func TestPurgeWhileAway(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	store, _ := open(t, at(server))
	available := func() bool { return store.(storage.Availability).Available() }
	require.True(t, available(), "nobody has called it yet")
	require.NoError(t, storagetest.NewPayload(1, 1000).Put(t, store))
	require.True(t, available())
	server.Kill()
	require.True(t, available(), "nobody has noticed yet")
	for range 5 {
		purged, err := storage.Purge(t.Context(), store, all)
		require.ErrorIs(t, err, storage.ErrUnavailable)
		require.Zero(t, purged)
	}
	require.False(t, available())
	server.Start(t)
	require.Eventually(t, func() bool {
		_, err := storage.Purge(t.Context(), store, all)
		return err == nil
	}, patience, 100*time.Millisecond)
	require.True(t, available())
}
