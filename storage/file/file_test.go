package file_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
	"github.com/dashstash/dashstash/storage/storagetest"
)

var backend = storagetest.Backend{
	Open: func(tb testing.TB, place string, limits storage.Limits) storage.Store {
		store, err := file.Open(place, limits, nil)
		require.NoError(tb, err)
		return store
	},
	Bounded: true, Persistent: true, Purges: true, Files: true,
}

func TestMain(m *testing.M) { storagetest.Main(m) }

func TestStore(t *testing.T) { storagetest.Run(t, backend) }

func BenchmarkStore(b *testing.B) { storagetest.Benchmark(b, backend) }
