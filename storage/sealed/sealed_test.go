package sealed_test

import (
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
	"github.com/dashstash/dashstash/storage/internal/servertest"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/nearcache"
	"github.com/dashstash/dashstash/storage/redis"
	"github.com/dashstash/dashstash/storage/sealed"
	"github.com/dashstash/dashstash/storage/storagetest"
)

func TestMain(m *testing.M) { storagetest.Main(m) }

// newKeys returns the keys of secrets, the last of which may be older ones.
func newKeys(secrets ...string) *sealed.Keys {
	all := make([][]byte, len(secrets))
	for i, secret := range secrets {
		all[i] = []byte(secret)
	}
	return sealed.NewKeys(all)
}

var keys = newKeys("a secret of some length")

// over is what sealed makes of a backend. It is not bounded to the byte, since what is kept is longer than what was given to it.
func over(inner storagetest.Backend) storagetest.Backend {
	backend := storagetest.Backend{
		Open: func(tb testing.TB, place string, limits storage.Limits) storage.Store {
			limits.MaxSize += limits.MaxSize / 1000 // 48 bytes for each 64 KiB are less
			return sealed.New(inner.Open(tb, place, limits), keys)
		},
		Persistent: inner.Persistent,
		Purges:     true,
	}
	if inner.Values != nil {
		backend.Values = func(place string, key storage.Key) []storagetest.Value { return inner.Values(place, keys.Place(key)) }
	}
	return backend
}

var (
	inMemory = storagetest.Backend{
		Open: func(_ testing.TB, _ string, limits storage.Limits) storage.Store { return memory.New(limits) },
	}
	inFiles = storagetest.Backend{
		Open: func(tb testing.TB, place string, limits storage.Limits) storage.Store {
			store, err := file.Open(place, limits, nil)
			require.NoError(tb, err)
			return store
		},
		Persistent: true,
	}
	near = storagetest.Backend{
		Open: func(_ testing.TB, _ string, limits storage.Limits) storage.Store {
			store := nearcache.New(memory.New(storage.Limits{}), memory.New(storage.Limits{}), storage.Limits{MaxSize: 1 << 20})
			store.SetLimits(limits)
			return store
		},
	}
)

// onRedis keeps payloads on a server, a place being a prefix.
func onRedis(tb testing.TB, addr string) storagetest.Backend {
	client := goredis.NewClient(&goredis.Options{Addr: addr})
	tb.Cleanup(func() { _ = client.Close() })
	return storagetest.Backend{
		Open: func(_ testing.TB, place string, limits storage.Limits) storage.Store {
			store := redis.Open(redis.Options{Addresses: []string{addr}, Prefix: place + ":"}, nil)
			store.SetLimits(limits)
			return store
		},
		Persistent: true,
		Values:     servertest.RedisValues(tb, client),
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	for name, inner := range map[string]storagetest.Backend{
		"memory": inMemory, "file": inFiles, "near": near, "redis": onRedis(t, servertest.Redis(t).Addr),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storagetest.Run(t, over(inner))
		})
	}
}

// BenchmarkStore measures a store as it is and sealed, side by side.
func BenchmarkStore(b *testing.B) {
	for name, inner := range map[string]storagetest.Backend{"memory": inMemory, "file": inFiles} {
		b.Run(name+"/plain", func(b *testing.B) { storagetest.Benchmark(b, inner) })
		b.Run(name+"/sealed", func(b *testing.B) { storagetest.Benchmark(b, over(inner)) })
	}
}
