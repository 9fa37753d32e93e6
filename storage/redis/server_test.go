package redis_test

import (
	"bytes"
	"log/slog"
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

// patience is how long what must come may take.
const patience = 30 * time.Second

// logBook takes log lines from many goroutines.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func open(t *testing.T, options redis.Options) (storage.Limiter, *logBook) {
	t.Helper()
	log := new(logBook)
	store := redis.Open(options, slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { _ = store.Close() })
	return store, log
}

func at(server *servertest.Server) redis.Options {
	return redis.Options{Addresses: []string{server.Addr}}
}

func names(t *testing.T, server *servertest.Server) []string {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	defer client.Close()
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	return keys
}

// A server that is killed and comes back: an error says that it is away, not that the data is gone, and one line each tells of it.
func TestOutage(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	store, log := open(t, at(server))
	small, large := storagetest.NewPayload(1, 1000), storagetest.NewPayload(2, 3_000_000)
	require.NoError(t, small.Put(t, store))
	server.Kill()
	for range 20 {
		require.ErrorIs(t, small.Get(t, store), storage.ErrUnavailable)
		require.ErrorIs(t, large.Put(t, store), storage.ErrUnavailable)
		require.Zero(t, store.Stats())
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log)
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "server="+server.Addr)

	server.Start(t)
	require.Eventually(t, func() bool { return large.Put(t, store) == nil }, patience, 100*time.Millisecond)
	require.NoError(t, large.Get(t, store))
	require.ErrorIs(t, small.Get(t, store), storage.ErrNotFound, "it keeps nothing on the disk")
	require.Equal(t, 2, strings.Count(log.String(), "\n"), log)
	require.Contains(t, log.String(), "storage is available again")
}

// A server that is killed while a payload is read: the bytes end with an error that says so.
func TestOutageWhileRead(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	store, _ := open(t, at(server))
	payload := storagetest.NewPayload(1, 3_000_000)
	require.NoError(t, payload.Put(t, store))
	r, err := store.Open(t.Context(), payload.Key)
	require.NoError(t, err)
	defer r.Close()
	_, err = r.ReadAt(make([]byte, 1000), 0)
	require.NoError(t, err)
	server.Kill()
	_, err = r.ReadAt(make([]byte, 1000), 2_000_000)
	require.ErrorIs(t, err, storage.ErrUnavailable)
}

// A server without room refuses, says what to do, and is not taken for one that is away. Nothing of what did not fit is left.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, "--maxmemory", "10mb", "--maxmemory-policy", "noeviction")
	store, log := open(t, at(server))
	small, large := storagetest.NewPayload(1, 1_000_000), storagetest.NewPayload(2, 20_000_000)
	require.NoError(t, small.Put(t, store))
	for range 5 {
		err := large.Put(t, store)
		require.ErrorIs(t, err, storage.ErrFull)
		require.ErrorContains(t, err, "maxmemory-policy allkeys-lru")
	}
	require.NoError(t, small.Get(t, store))
	require.NoError(t, storagetest.NewPayload(3, 1_000_000).Put(t, store))
	require.Len(t, names(t, server), 2*3+1, "the records and parts of two, and the counts")
	require.Empty(t, log.String())
}

// A server that drops what was not used of late cannot hold what is larger than all of it.
func TestTooLargeForServer(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, "--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru")
	store, _ := open(t, at(server))
	large := storagetest.NewPayload(2, 20_000_000)
	require.ErrorIs(t, large.Put(t, store), storage.ErrFull)
	require.ErrorIs(t, large.Get(t, store), storage.ErrNotFound)
	for number := range byte(40) { // and what it drops is a plain miss
		require.NoError(t, storagetest.NewPayload(number, 1_000_000).Put(t, store))
		require.NoError(t, storagetest.NewPayload(number, 1_000_000).Get(t, store))
	}
	require.ErrorIs(t, storagetest.NewPayload(0, 1_000_000).Get(t, store), storage.ErrNotFound)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, "--requirepass", "open sesame", "--user", "reader", "on", ">secret", "~*", "+get", "+pttl")
	tests := map[string]struct {
		options redis.Options
		want    string
	}{
		"no password":    {at(server), "set the option password"},
		"wrong password": {redis.Options{Addresses: []string{server.Addr}, Password: "shut"}, "check the options username and password"},
		"no right":       {redis.Options{Addresses: []string{server.Addr}, Username: "reader", Password: "secret"}, "it needs get, set,"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, log := open(t, test.options)
			for range 5 {
				require.ErrorIs(t, storagetest.NewPayload(1, 10).Put(t, store), storage.ErrUnavailable)
			}
			require.Contains(t, log.String(), test.want)
			require.NotContains(t, log.String(), "shut")
			require.Equal(t, 1, strings.Count(log.String(), "\n"))
		})
	}
}

// After the master's death, what its replica has is read from that, and new data goes there.
func TestFailover(t *testing.T) {
	t.Parallel()
	name, sentinel, master := servertest.Sentinel(t)
	store, _ := open(t, redis.Options{Addresses: []string{sentinel.Addr}, Sentinel: name})
	before, after := storagetest.NewPayload(1, 3_000_000), storagetest.NewPayload(2, 3_000_000)
	require.NoError(t, before.Put(t, store))
	client := goredis.NewClient(&goredis.Options{Addr: master.Addr})
	defer client.Close()
	conn := client.Conn() // WAIT counts what was written by way of its own connection, and before that
	defer conn.Close()
	require.NoError(t, conn.Set(t.Context(), "last", "", 0).Err())
	require.EqualValues(t, 1, conn.Wait(t.Context(), 1, patience).Val(), "the replica has all")
	master.Kill()
	require.Eventually(t, func() bool { return after.Put(t, store) == nil }, patience, 100*time.Millisecond)
	require.NoError(t, before.Get(t, store))
	require.NoError(t, after.Get(t, store))
}

// Counts are exact, whoever stores, uses and deletes, and two processes count together.
func TestCounts(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	one, _ := open(t, at(server))
	two, _ := open(t, at(server))
	for _, store := range []storage.Limiter{one, two} {
		store.SetLimits(storage.Limits{TTL: time.Hour})
	}
	require.Zero(t, one.Stats())
	sizes := []int{0, 10, 1000, 600_000, 3_000_000}
	total := 0
	for i, size := range sizes {
		payload := storagetest.NewPayload(byte(i), size)
		for range 2 { // the second time is a use
			require.NoError(t, payload.Put(t, one))
			require.NoError(t, payload.Put(t, two))
		}
		require.NoError(t, payload.Get(t, two))
		total += size
	}
	one.Stats() // sends what it has to tell
	require.Equal(t, storage.Stats{Entries: 5, Bytes: int64(total)}, two.Stats())

	two.SetLimits(storage.Limits{TTL: 2 * time.Hour}) // a use moves them to a later expiry
	for i, size := range sizes {
		require.NoError(t, storagetest.NewPayload(byte(i), size).Get(t, two))
	}
	require.Equal(t, storage.Stats{Entries: 5, Bytes: int64(total)}, two.Stats())
	require.NoError(t, two.Delete(t.Context(), storagetest.NewPayload(3, 600_000).Key))
	require.NoError(t, two.Delete(t.Context(), storagetest.NewPayload(3, 600_000).Key))
	require.NoError(t, two.Close())
	require.Equal(t, storage.Stats{Entries: 4, Bytes: int64(total - 600_000)}, one.Stats())
}

// Counts of the past are removed by who counts, so that they do not add up for years.
func TestCountsOfThePast(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	defer client.Close()
	require.NoError(t, client.HSet(t.Context(), "counts", "60:entries", 3, "60:bytes", 300).Err())
	store, _ := open(t, at(server))
	require.NoError(t, storagetest.NewPayload(1, 10).Put(t, store))
	fields, err := client.HKeys(t.Context(), "counts").Result()
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"0:entries", "0:bytes"}, fields)
}

// A use is a write to Redis once in each tenth of the time to live.
func TestTouchesSeldom(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	store, _ := open(t, at(server))
	store.SetLimits(storage.Limits{TTL: time.Hour})
	payload := storagetest.NewPayload(1, 3_000_000)
	require.NoError(t, payload.Put(t, store))
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	defer client.Close()
	touches := func() bool {
		return strings.Contains(client.Info(t.Context(), "commandstats").Val(), "cmdstat_pexpire")
	}
	require.NoError(t, client.ConfigResetStat(t.Context()).Err())
	for range 10 {
		require.NoError(t, payload.Get(t, store))
		require.NoError(t, payload.Put(t, store))
	}
	require.False(t, touches())
	for _, name := range names(t, server) {
		require.NoError(t, client.PExpire(t.Context(), name, 53*time.Minute).Err())
	}
	require.NoError(t, client.ConfigResetStat(t.Context()).Err())
	require.NoError(t, payload.Get(t, store))
	require.True(t, touches())
	for _, name := range names(t, server) {
		if !strings.HasSuffix(name, "counts") {
			require.Greater(t, client.PTTL(t.Context(), name).Val(), 59*time.Minute, name)
		}
	}
}
