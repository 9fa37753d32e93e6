package sealed_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/sealed"
)

// Of a storage key, the owner is left and all else changes: with the secret, and with every byte of the key.
func TestPlaceKeepsOwner(t *testing.T) {
	t.Parallel()
	const size = storage.OwnerSize
	key := storage.Key{0: 1, size - 1: 2, size: 3, storage.KeySize - 1: 4}
	place := keys.Place(key)
	require.Equal(t, key[:size], place[:size])
	others := map[string]storage.Key{"another secret": newKeys("another secret").Place(key)}
	for name, i := range map[string]int{"first byte": 0, "last of the owner": size - 1, "first of the rest": size, "last byte": storage.KeySize - 1} {
		changed := key
		changed[i]++
		other := keys.Place(changed)
		require.Equal(t, changed[:size], other[:size], name)
		others[name] = other
	}
	others["no secret"] = key
	for name, other := range others {
		for i := size; i+4 <= storage.KeySize; i += 4 {
			require.NotEqual(t, place[i:i+4], other[i:i+4], name)
		}
	}
}

// An owner's payloads go, with whichever secret they were sealed, and those that were never sealed.
func TestPurgeOfAllSecrets(t *testing.T) {
	t.Parallel()
	inner := memory.New(storage.Limits{})
	store, older := sealed.New(inner, newKeys("newer")), sealed.New(inner, newKeys("older"))
	mine, others := newPayload(1, 100_000), newPayload(2, 100_000)
	for _, s := range []storage.Store{store, older, inner} {
		require.NoError(t, mine.Put(t, s))
		require.NoError(t, others.Put(t, s))
	}
	want := inner.Stats()
	purged, err := store.Purge(t.Context(), func(key storage.Key, lastUse time.Time) bool {
		require.WithinDuration(t, time.Now(), lastUse, time.Minute)
		return [storage.OwnerSize]byte(key[:]) == [storage.OwnerSize]byte(mine.Key[:])
	})
	require.NoError(t, err)
	require.Equal(t, storage.Stats{Entries: 3, Bytes: want.Bytes / 2}, purged)
	for _, s := range []storage.Store{store, older, inner} {
		require.ErrorIs(t, mine.Get(t, s), storage.ErrNotFound)
		require.NoError(t, others.Get(t, s))
	}
	_, err = sealed.New(struct{ storage.Store }{inner}, keys).Purge(t.Context(), nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}
