package memcached_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/servertest"
	"github.com/dashstash/dashstash/storage/memcached"
	"github.com/dashstash/dashstash/storage/storagetest"
)

// patience is how long what must come may take.
const patience = 30 * time.Second

func open(t *testing.T, options memcached.Options) (storage.Limiter, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	store := memcached.Open(options, slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { _ = store.Close() })
	return store, log
}

// A part is as large as an item may be by default, to the byte that memcached wants for itself.
func TestDefaultItemSize(t *testing.T) {
	t.Parallel()
	server := servertest.Memcached(t)
	store, log := open(t, memcached.Options{Addresses: []string{server.Addr}, Prefix: strings.Repeat("p", memcached.MaxPrefix)})
	for number, size := range []int{memcached.DefaultMaxItemSize - 512, memcached.DefaultMaxItemSize, 10_000_000} {
		require.NoError(t, storagetest.NewPayload(byte(number), size).Put(t, store))
		require.NoError(t, storagetest.NewPayload(byte(number), size).Get(t, store))
	}
	require.Empty(t, log.String())
}

func TestItemSizeOfServer(t *testing.T) {
	t.Parallel()
	server := servertest.Memcached(t, "-I", "512k", "-o", "slab_chunk_max=262144")
	store, log := open(t, memcached.Options{Addresses: []string{server.Addr}})
	for range 5 {
		err := storagetest.NewPayload(1, 2_000_000).Put(t, store)
		require.ErrorIs(t, err, storage.ErrFull)
		require.ErrorContains(t, err, "max_item_size")
	}
	require.NoError(t, storagetest.NewPayload(1, 1000).Put(t, store))
	require.Empty(t, log.String())
	fitting, _ := open(t, memcached.Options{Addresses: []string{server.Addr}, MaxItemSize: 512 << 10})
	require.NoError(t, storagetest.NewPayload(1, 2_000_000).Put(t, fitting))
	require.NoError(t, storagetest.NewPayload(1, 2_000_000).Get(t, fitting))
}

// What is larger than all of a server's memory is refused; what the server has dropped is a plain miss.
func TestSmallServer(t *testing.T) {
	t.Parallel()
	server := servertest.Memcached(t, "-m", "16")
	store, _ := open(t, memcached.Options{Addresses: []string{server.Addr}})
	require.ErrorIs(t, storagetest.NewPayload(1, 40_000_000).Put(t, store), storage.ErrFull)
	for number := range byte(40) {
		if err := storagetest.NewPayload(number, 1_500_000).Put(t, store); err != nil { // memcached's memory is in pieces
			require.ErrorIs(t, err, storage.ErrFull)
			continue
		}
		require.NoError(t, storagetest.NewPayload(number, 1_500_000).Get(t, store))
	}
	require.ErrorIs(t, storagetest.NewPayload(0, 1_500_000).Get(t, store), storage.ErrNotFound)
}

// A restarted server has closed all connections, which is no failure; while it is away, the other one serves what it has.
func TestOneOfTwoAway(t *testing.T) {
	t.Parallel()
	servers := []*servertest.Server{servertest.Memcached(t), servertest.Memcached(t)}
	store, log := open(t, memcached.Options{Addresses: []string{servers[0].Addr, servers[1].Addr}})
	const payloads, size = 60, 1000
	putAll := func() (failed int) {
		for number := range byte(payloads) {
			if err := storagetest.NewPayload(number, size).Put(t, store); err != nil {
				require.ErrorIs(t, err, storage.ErrUnavailable)
				failed++
			}
		}
		return failed
	}
	require.Zero(t, putAll())
	servers[1].Kill()
	for range 3 {
		away := 0
		for number := range byte(payloads) {
			if err := storagetest.NewPayload(number, size).Get(t, store); err != nil {
				require.ErrorIs(t, err, storage.ErrUnavailable)
				away++
			}
		}
		require.Greater(t, away, payloads/4)
		require.Less(t, away, payloads*3/4)
		require.Equal(t, away, putAll())
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log)
	require.Contains(t, log.String(), "server="+servers[1].Addr)
	servers[1].Start(t)
	require.Eventually(t, func() bool { return putAll() == 0 }, patience, 100*time.Millisecond)
	require.Equal(t, 2, strings.Count(log.String(), "\n"), log)

	servers[1].Kill()
	servers[1].Start(t)
	require.Zero(t, putAll())
	require.Equal(t, 2, strings.Count(log.String(), "\n"), log)
}

// Times to live that memcached would take for a date, or for none.
func TestTimesToLive(t *testing.T) {
	t.Parallel()
	server := servertest.Memcached(t)
	store, _ := open(t, memcached.Options{Addresses: []string{server.Addr}})
	for number, ttl := range []time.Duration{0, time.Millisecond, time.Hour, 30*24*time.Hour - 1, 30 * 24 * time.Hour, 200 * 365 * 24 * time.Hour} {
		store.SetLimits(storage.Limits{TTL: ttl})
		require.NoError(t, storagetest.NewPayload(byte(number), 1000).Put(t, store))
		require.NoError(t, storagetest.NewPayload(byte(number), 1000).Get(t, store), ttl)
	}
}
