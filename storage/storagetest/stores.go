package storagetest

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var storeTests = []test{
	{"Delete", testDelete},
	{"ReadersSurvive", testReadersSurvive},
	{"Closed", testClosed},
	{"WritersSurviveClose", testWritersSurviveClose},
	{"Concurrency", testConcurrency},
}

func testDelete(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s, other := newSample(1, 100_000), newSample(2, 100)
	put(t, store, s, other)
	require.NoError(t, store.Delete(t.Context(), s.key))
	requireLacks(t, store, s)
	requireHas(t, store, other)
	if b.Bounded {
		requireStats(t, store, 1, len(other.data))
	}
	require.NoError(t, store.Delete(t.Context(), s.key), "what is absent")
	put(t, store, s)
	requireHas(t, store, s)
}

func testReadersSurvive(t *testing.T, b Backend) {
	s := newSample(1, 1<<20)
	events := []struct {
		name string
		in   bool
		run  func(*testing.T, storage.Store)
	}{
		{"delete", !b.remote(), func(t *testing.T, store storage.Store) { require.NoError(t, store.Delete(t.Context(), s.key)) }},
		{"close", !b.remote(), func(t *testing.T, store storage.Store) { require.NoError(t, store.Close()) }},
		{"smaller limits", b.Bounded, func(t *testing.T, store storage.Store) {
			store.(storage.Limiter).SetLimits(storage.Limits{MaxSize: 1})
			requireLacks(t, store, s)
		}},
		{"delete and a new commit", !b.remote(), func(t *testing.T, store storage.Store) {
			require.NoError(t, store.Delete(t.Context(), s.key))
			put(t, store, s)
		}},
	}
	for _, event := range events {
		if !event.in {
			continue
		}
		t.Run(event.name, func(t *testing.T) {
			t.Parallel()
			store := b.open(t, storage.Limits{MaxSize: 1 << 20})
			put(t, store, s)
			r, err := store.Open(t.Context(), s.key)
			require.NoError(t, err)
			event.run(t, store)
			requireBytes(t, s.data, r, r.Size())
			require.NoError(t, r.Close())
		})
	}
}

func testClosed(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s := newSample(1, 100)
	put(t, store, s)
	require.NoError(t, store.Close())

	_, err := store.Create(t.Context())
	require.ErrorIs(t, err, storage.ErrClosed)
	_, err = store.Open(t.Context(), s.key)
	require.ErrorIs(t, err, storage.ErrClosed)
	require.ErrorIs(t, store.Delete(t.Context(), s.key), storage.ErrClosed)
	require.ErrorIs(t, store.Close(), storage.ErrClosed)
	requireStats(t, store, 0, 0)
	if limiter, ok := store.(storage.Limiter); ok {
		limiter.SetLimits(storage.Limits{MaxSize: 1}) // has nothing to apply to, and must not fail
	}
}

func testWritersSurviveClose(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s := newSample(1, 100_000)
	w := write(t, store, s.data)
	require.NoError(t, store.Close())
	require.ErrorIs(t, w.Commit(s.key), storage.ErrClosed)
	_, err := w.Write([]byte("more"))
	require.ErrorIs(t, err, storage.ErrClosed)
	requireReadBack(t, s.data, w)
	w.Abort()
	requireEnded(t, w, s)
}

// testConcurrency has many goroutines put, read and delete a few payloads, of which about half fit: whoever finds one must
// find all of it.
func testConcurrency(t *testing.T, b Backend) {
	const size, maxSize = 20_000, 10 * 20_000
	store := b.open(t, storage.Limits{MaxSize: maxSize})
	samples := newSamples(20, size)
	ctx := t.Context()
	var workers sync.WaitGroup
	for worker := range uint64(8) {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(3, worker))
			for range 150 {
				s := samples[random.IntN(len(samples))]
				var err error
				switch random.IntN(8) {
				case 0:
					err = store.Delete(ctx, s.key)
				case 1, 2, 3:
					var w storage.Writer
					if w, err = store.Create(ctx); err == nil {
						_, _ = w.Write(s.data[:size/2])
						_, _ = w.Write(s.data[size/2:])
						err = w.Commit(s.key)
					}
				default:
					var r storage.Reader
					if r, err = store.Open(ctx, s.key); err == nil {
						got := make([]byte, r.Size())
						if _, _ = r.ReadAt(got, 0); string(got) != string(s.data) {
							t.Error("a payload's bytes differ from those written")
						}
						err = r.Close()
					}
				}
				if err != nil && !errors.Is(err, storage.ErrNotFound) {
					t.Error(err)
				}
				store.Stats()
			}
		})
	}
	workers.Wait()
	if b.Bounded {
		var there int
		for _, s := range samples {
			if r, err := store.Open(ctx, s.key); err == nil {
				require.NoError(t, r.Close())
				there++
			}
		}
		requireStats(t, store, there, there*size)
		require.LessOrEqual(t, there*size, maxSize)
	}
}
