package redis_test

import (
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/servertest"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/nearcache"
	"github.com/dashstash/dashstash/storage/redis"
	"github.com/dashstash/dashstash/storage/storagetest"
)

// backend is the store on a server, a place being a prefix.
func backend(t testing.TB, options redis.Options) storagetest.Backend {
	client := goredis.NewUniversalClient(&goredis.UniversalOptions{
		Addrs: options.Addresses, MasterName: options.Sentinel, IsClusterMode: options.Cluster, DB: options.DB,
		Username: options.Username, Password: options.Password, TLSConfig: options.TLS,
	})
	t.Cleanup(func() { _ = client.Close() })
	return storagetest.Backend{
		Open: func(_ testing.TB, place string, limits storage.Limits) storage.Store {
			options := options
			options.Prefix = place + ":"
			store := redis.Open(options, nil)
			store.SetLimits(limits)
			return store
		},
		Persistent: true,
		Purges:     true,
		Values:     servertest.RedisValues(t, client),
	}
}

func TestMain(m *testing.M) { storagetest.Main(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, "--requirepass", "open sesame")
	storagetest.Run(t, backend(t, redis.Options{Addresses: []string{server.Addr}, Password: "open sesame", DB: 3}))
}

func TestStoreOnCluster(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, backend(t, redis.Options{Addresses: servertest.RedisCluster(t), Cluster: true}))
}

func TestStoreWithSentinel(t *testing.T) {
	t.Parallel()
	name, sentinel, _ := servertest.Sentinel(t)
	storagetest.Run(t, backend(t, redis.Options{Addresses: []string{sentinel.Addr}, Sentinel: name}))
}

// openOnOwn opens a store on a server of its own.
func openOnOwn(tb testing.TB) storage.Limiter {
	server := servertest.Redis(tb, "--maxmemory", "1500mb", "--maxmemory-policy", "allkeys-lru")
	return redis.Open(redis.Options{Addresses: []string{server.Addr}}, nil)
}

func BenchmarkStore(b *testing.B) {
	storagetest.Benchmark(b, storagetest.Backend{
		Open: func(tb testing.TB, _ string, _ storage.Limits) storage.Store { return openOnOwn(tb) },
	})
}

// BenchmarkNear is the store behind a layer of memory that holds all that is measured.
func BenchmarkNear(b *testing.B) {
	storagetest.Benchmark(b, storagetest.Backend{
		Open: func(tb testing.TB, _ string, limits storage.Limits) storage.Store {
			return nearcache.New(memory.New(storage.Limits{}), openOnOwn(tb), limits)
		},
	})
}
