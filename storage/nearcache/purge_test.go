package nearcache_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/nearcache"
	"github.com/dashstash/dashstash/storage/storagetest"
)

func all(storage.Key, time.Time) bool { return true }

// What is far counts: near holds only some of it, and maybe what is gone there.
func TestPurge(t *testing.T) {
	t.Parallel()
	store, near, server := newStore(storage.Limits{}, storage.Limits{})
	require.NoError(t, storagetest.NewPayload(1, 100).Put(t, store))
	require.NoError(t, storagetest.NewPayload(2, 200).Put(t, server))
	require.NoError(t, storagetest.NewPayload(3, 300).Put(t, near))
	purged, err := store.Purge(t.Context(), all)
	require.NoError(t, err)
	require.Equal(t, storage.Stats{Entries: 2, Bytes: 300}, purged)
	require.Zero(t, near.Stats())
	require.Zero(t, server.Stats())
}

// A far store that cannot be purged keeps all, and so does near: nothing was purged.
func TestPurgeUnsupported(t *testing.T) {
	t.Parallel()
	near := memory.New(storage.Limits{})
	store := nearcache.New(near, struct{ storage.Limiter }{memory.New(storage.Limits{})}, storage.Limits{})
	require.NoError(t, storagetest.NewPayload(1, 100).Put(t, store))
	purged, err := store.Purge(t.Context(), all)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Zero(t, purged)
	require.EqualValues(t, 1, near.Stats().Entries)
}

// What was opened far before it was purged there, and is still on its way here, is not near after the purge.
func TestPurgeWaitsForFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, server := memory.New(storage.Limits{}), &slow{memory.New(storage.Limits{})}
		store := nearcache.New(near, server, storage.Limits{})
		defer store.Close()
		payload := storagetest.NewPayload(1, 100)
		require.NoError(t, payload.Put(t, server))
		fetched := make(chan error)
		go func() { fetched <- payload.Get(t, store) }()
		synctest.Wait() // it is open

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := store.Purge(ctx, func(storage.Key, time.Time) bool { return false })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		purged, err := store.Purge(t.Context(), all)
		require.NoError(t, err)
		require.EqualValues(t, 1, purged.Entries)
		require.NoError(t, <-fetched)
		require.Zero(t, near.Stats())
		require.ErrorIs(t, payload.Get(t, store), storage.ErrNotFound)
	})
}

// slow is a store from which nothing can be read in less than a minute.
type slow struct{ *memory.Store }

func (s *slow) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	r, err := s.Store.Open(ctx, key)
	return slowReader{r}, err
}

type slowReader struct{ storage.Reader }

func (r slowReader) ReadAt(b []byte, off int64) (int, error) {
	time.Sleep(time.Minute)
	return r.Reader.ReadAt(b, off)
}

func TestAvailable(t *testing.T) {
	t.Parallel()
	store, _, _ := newStore(storage.Limits{}, storage.Limits{})
	require.True(t, store.Available(), "what does not say is there")
	for _, available := range []availability{true, false} {
		far := struct {
			*memory.Store
			availability
		}{memory.New(storage.Limits{}), available}
		require.Equal(t, bool(available), nearcache.New(memory.New(storage.Limits{}), far, storage.Limits{}).Available())
	}
}

type availability bool

func (a availability) Available() bool { return bool(a) }
