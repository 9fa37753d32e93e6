package storagetest

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var serverTests = []test{
	{"Damage", testServerDamage},
	{"Lost", testServerLost},
	{"LostWhileRead", testServerLostWhileRead},
	{"Foreign", testServerForeign},
	{"Expiry", testServerExpiry},
	{"ExpirySlides", testServerExpirySlides},
}

// serverSizes are of a payload in one value, and of one in several.
var serverSizes = map[string]int{"small": 10_000, "large": 2_000_000}

func eachServerSize(t *testing.T, run func(*testing.T, sample)) {
	for name, size := range serverSizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, newSample(1, size))
		})
	}
}

// Whatever happens to any of its values, a payload is given out right or not at all. Once that has been noticed, it is not found,
// and can be stored anew.
func testServerDamage(t *testing.T, b Backend) {
	eachServerSize(t, func(t *testing.T, s sample) {
		for _, d := range damages {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				place := t.TempDir()
				store := b.openAt(t, place, storage.Limits{})
				put(t, store, s)
				for i, value := range b.Values(place, s.key) {
					before := value.Load(t)
					value.Save(t, d.change(slices.Clone(before)))
					requireRightOrLost(t, store, s)
					requireLacks(t, store, s)
					put(t, store, s)
					requireHas(t, store, s)
					require.True(t, string(before) == string(value.Load(t)), "value %d is not stored anew", i)
				}
			})
		}
	})
}

// requireRightOrLost reads a payload that is damaged.
func requireRightOrLost(t *testing.T, store storage.Store, s sample) {
	t.Helper()
	r, err := store.Open(t.Context(), s.key)
	if err != nil {
		require.ErrorIs(t, err, storage.ErrNotFound)
		return
	}
	defer r.Close()
	got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.Equal(t, io.ErrUnexpectedEOF, err)
	require.True(t, string(got) == string(s.data[:len(got)]), "other bytes than were stored")
}

// A server drops one value and keeps the others: the payload is a plain miss.
func testServerLost(t *testing.T, b Backend) {
	eachServerSize(t, func(t *testing.T, s sample) {
		place := t.TempDir()
		store := b.openAt(t, place, storage.Limits{})
		put(t, store, s)
		for _, value := range b.Values(place, s.key) {
			value.Save(t, nil)
			requireLacks(t, store, s)
			put(t, store, s)
			requireHas(t, store, s)
			value.Save(t, nil)
			put(t, store, s) // nobody has noticed yet: must not be taken for a payload that is there
			requireHas(t, store, s)
		}
	})
}

func testServerLostWhileRead(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{})
	s := newSample(1, 2_000_000)
	put(t, store, s)
	r, err := store.Open(t.Context(), s.key)
	require.NoError(t, err)
	values := b.Values(place, s.key)
	values[len(values)-1].Save(t, nil)
	_, err = io.Copy(io.Discard, io.NewSectionReader(r, 0, r.Size()))
	require.Equal(t, io.ErrUnexpectedEOF, err)
	require.NoError(t, r.Close())
	requireLacks(t, store, s)
}

// Somebody else's value under a payload's key is a miss, whatever it is.
func testServerForeign(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{})
	s := newSample(1, 1000)
	for _, foreign := range []string{"", "x", "dsr\x01", string(make([]byte, 24)), string(newSample(2, 5000).data)} {
		b.Values(place, s.key)[0].Save(t, []byte(foreign))
		requireLacks(t, store, s)
		put(t, store, s)
		requireHas(t, store, s)
	}
}

// A server counts in seconds, and may be late by two.
const serverTTL, serverPatience = 2 * time.Second, 10 * time.Second

func testServerExpiry(t *testing.T, b Backend) {
	place := t.TempDir()
	store := b.openAt(t, place, storage.Limits{TTL: serverTTL})
	samples := serverSamples()
	put(t, store, samples...)
	requireHas(t, store, samples...)
	require.Eventually(t, func() bool {
		return len(b.load(t, place, samples...)) == 0
	}, serverPatience, serverTTL/10, "nothing is left on the server, though nobody has asked for it")
	requireLacks(t, store, samples...)
	put(t, store, samples...)
	requireHas(t, store, samples...)
}

// What is used again and again, be it opened or stored, is kept.
func testServerExpirySlides(t *testing.T, b Backend) {
	opened, stored := t.TempDir(), t.TempDir()
	opens, stores := b.openAt(t, opened, storage.Limits{TTL: serverTTL}), b.openAt(t, stored, storage.Limits{TTL: serverTTL})
	samples := serverSamples()
	put(t, opens, samples...)
	put(t, stores, samples...)
	all := len(b.load(t, opened, samples...))
	for deadline := time.Now().Add(5 * serverTTL / 2); time.Now().Before(deadline); time.Sleep(serverTTL / 8) {
		requireHas(t, opens, samples...)
		put(t, stores, samples...)
		require.Len(t, b.load(t, opened, samples...), all)
		require.Len(t, b.load(t, stored, samples...), all)
	}
}

func serverSamples() (samples []sample) {
	for _, size := range serverSizes {
		samples = append(samples, newSample(1, size))
	}
	return samples
}

// load returns the values of samples that are on the server.
func (b Backend) load(t *testing.T, place string, samples ...sample) (values [][]byte) {
	for _, s := range samples {
		for _, value := range b.Values(place, s.key) {
			if bytes := value.Load(t); bytes != nil {
				values = append(values, bytes)
			}
		}
	}
	return values
}
