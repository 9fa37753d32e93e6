package memory_test

import (
	"testing"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/storagetest"
)

var backend = storagetest.Backend{
	Open:    func(_ testing.TB, _ string, limits storage.Limits) storage.Store { return memory.New(limits) },
	Bounded: true, Purges: true,
}

func TestMain(m *testing.M) { storagetest.Main(m) }

func TestStore(t *testing.T) { storagetest.Run(t, backend) }

func BenchmarkStore(b *testing.B) { storagetest.Benchmark(b, backend) }
