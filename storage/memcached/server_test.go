package memcached_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/servertest"
	"github.com/dashstash/dashstash/storage/memcached"
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

func payloadOf(number byte, size int) (storage.Key, []byte) {
	payload := bytes.Repeat([]byte{number, 'x'}, size/2)
	return sha256.Sum256(payload), payload
}

func tryPut(t *testing.T, store storage.Store, number byte, size int) error {
	t.Helper()
	key, payload := payloadOf(number, size)
	w, err := store.Create(t.Context())
	if err != nil {
		return err
	}
	defer w.Abort()
	_, err = w.Write(payload)
	require.NoError(t, err)
	return w.Commit(key)
}

func tryGet(t *testing.T, store storage.Store, number byte, size int) error {
	t.Helper()
	key, payload := payloadOf(number, size)
	r, err := store.Open(t.Context(), key)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.True(t, bytes.Equal(payload[:len(got)], got), "other bytes than were stored")
	return err
}

// A part is as large as an item may be by default, to the byte that memcached wants for itself.
func TestDefaultItemSize(t *testing.T) {
	t.Parallel()
	server := servertest.Memcached(t)
	store, log := open(t, memcached.Options{Addresses: []string{server.Addr}, Prefix: strings.Repeat("p", memcached.MaxPrefix)})
	for number, size := range []int{memcached.DefaultMaxItemSize - 512, memcached.DefaultMaxItemSize, 10_000_000} {
		require.NoError(t, tryPut(t, store, byte(number), size))
		require.NoError(t, tryGet(t, store, byte(number), size))
	}
	require.Empty(t, log.String())
}

func TestItemSizeOfServer(t *testing.T) {
	t.Parallel()
	server := servertest.Memcached(t, "-I", "512k", "-o", "slab_chunk_max=262144")
	store, log := open(t, memcached.Options{Addresses: []string{server.Addr}})
	for range 5 {
		err := tryPut(t, store, 1, 2_000_000)
		require.ErrorIs(t, err, storage.ErrFull)
		require.ErrorContains(t, err, "max_item_size")
	}
	require.NoError(t, tryPut(t, store, 1, 1000))
	require.Empty(t, log.String())
	fitting, _ := open(t, memcached.Options{Addresses: []string{server.Addr}, MaxItemSize: 512 << 10})
	require.NoError(t, tryPut(t, fitting, 1, 2_000_000))
	require.NoError(t, tryGet(t, fitting, 1, 2_000_000))
}

// What is larger than all of a server's memory is refused; what the server has dropped is a plain miss.
func TestSmallServer(t *testing.T) {
	t.Parallel()
	server := servertest.Memcached(t, "-m", "16")
	store, _ := open(t, memcached.Options{Addresses: []string{server.Addr}})
	require.ErrorIs(t, tryPut(t, store, 1, 40_000_000), storage.ErrFull)
	for number := range byte(40) {
		if err := tryPut(t, store, number, 1_500_000); err != nil { // memcached's memory is in pieces
			require.ErrorIs(t, err, storage.ErrFull)
			continue
		}
		require.NoError(t, tryGet(t, store, number, 1_500_000))
	}
	require.ErrorIs(t, tryGet(t, store, 0, 1_500_000), storage.ErrNotFound)
}

// A restarted server has closed all connections, which is no failure; while it is away, the other one serves what it has.
func TestOneOfTwoAway(t *testing.T) {
	t.Parallel()
	servers := []*servertest.Server{servertest.Memcached(t), servertest.Memcached(t)}
	store, log := open(t, memcached.Options{Addresses: []string{servers[0].Addr, servers[1].Addr}})
	const payloads, size = 60, 1000
	putAll := func() (failed int) {
		for number := range byte(payloads) {
			if err := tryPut(t, store, number, size); err != nil {
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
			if err := tryGet(t, store, number, size); err != nil {
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
		require.NoError(t, tryPut(t, store, byte(number), 1000))
		require.NoError(t, tryGet(t, store, byte(number), 1000), ttl)
	}
}
