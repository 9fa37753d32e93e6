package memcached_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/servertest"
	"github.com/dashstash/dashstash/storage/memcached"
	"github.com/dashstash/dashstash/storage/storagetest"
)

// backend is the store on servers, a place being a prefix.
func backend(t testing.TB, options memcached.Options) storagetest.Backend {
	client := memcache.New(options.Addresses...)
	t.Cleanup(func() { _ = client.Close() })
	return storagetest.Backend{
		Open: func(_ testing.TB, place string, limits storage.Limits) storage.Store {
			options := options
			options.Prefix = prefix(place)
			store := memcached.Open(options, nil)
			store.SetLimits(limits)
			return store
		},
		Persistent: true,
		Values: func(place string, key storage.Key) []storagetest.Value {
			name := prefix(place) + key.String()
			values := []storagetest.Value{value{client, name}}
			for part := 0; ; part++ {
				part := value{client, fmt.Sprint(name, ":", part)}
				if part.Load(t) == nil {
					return values
				}
				values = append(values, part)
			}
		},
	}
}

// prefix makes a short name of a place.
func prefix(place string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(place))
	return fmt.Sprintf("%x:", hash.Sum64())
}

// value implements [storagetest.Value].
type value struct {
	client *memcache.Client
	name   string
}

func (v value) Load(tb testing.TB) []byte {
	tb.Helper()
	item, err := v.client.Get(v.name)
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	require.NoError(tb, err)
	return item.Value
}

func (v value) Save(tb testing.TB, bytes []byte) {
	tb.Helper()
	if bytes == nil {
		require.NoError(tb, v.client.Delete(v.name))
		return
	}
	require.NoError(tb, v.client.Set(&memcache.Item{Key: v.name, Value: bytes}))
}

func TestMain(m *testing.M) { storagetest.Main(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	one, two := servertest.Memcached(t, "-m", "1024"), servertest.Memcached(t, "-m", "1024")
	storagetest.Run(t, backend(t, memcached.Options{
		Addresses:   []string{one.Addr, two.Addr},
		MaxItemSize: 512 << 10, // half of what they take: the suite makes values longer
	}))
}

func BenchmarkStore(b *testing.B) {
	storagetest.Benchmark(b, storagetest.Backend{
		Open: func(tb testing.TB, _ string, _ storage.Limits) storage.Store {
			server := servertest.Memcached(tb, "-m", "1500") // each store's own
			return memcached.Open(memcached.Options{Addresses: []string{server.Addr}}, nil)
		},
	})
}
