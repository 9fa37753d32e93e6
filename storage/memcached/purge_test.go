package memcached_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/servertest"
	"github.com/dashstash/dashstash/storage/memcached"
	"github.com/dashstash/dashstash/storage/storagetest"
)

// Nothing can be purged; an error says so, and what to do. That is no failure of the server.
func TestPurge(t *testing.T) {
	t.Parallel()
	server := servertest.Memcached(t)
	store, log := open(t, memcached.Options{Addresses: []string{server.Addr}})
	require.NoError(t, storagetest.NewPayload(1, 1000).Put(t, store))
	purge := func() error {
		purged, err := storage.Purge(t.Context(), store, func(storage.Key, time.Time) bool {
			t.Error("it has nothing to ask about")
			return true
		})
		require.Zero(t, purged)
		return err
	}
	for range 5 {
		err := purge()
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.ErrorContains(t, err, "memcached cannot list what it keeps")
		require.ErrorContains(t, err, "flush_all")
	}
	require.NoError(t, storagetest.NewPayload(1, 1000).Get(t, store))
	require.Empty(t, log.String())
	require.NoError(t, store.Close())
	require.ErrorIs(t, purge(), storage.ErrClosed)
}
