package file_test

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
)

// BenchmarkOpen measures the start with many small payloads, and the memory that each takes from then on.
func BenchmarkOpen(b *testing.B) {
	const entries = 100_000
	dir := b.TempDir()
	for n := range uint64(entries) {
		data := binary.BigEndian.AppendUint64(make([]byte, 0, 16), n)
		path := pathOf(dir, sha256.Sum256(data))
		require.NoError(b, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(b, os.WriteFile(path, data[:16], 0o600))
	}
	before := heap()
	var store *file.Store
	for b.Loop() {
		var err error
		store, err = file.Open(dir, storage.Limits{}, nil)
		require.NoError(b, err)
		b.StopTimer()
		require.Equal(b, storage.Stats{Entries: entries, Bytes: 8 * entries}, store.Stats())
		b.ReportMetric(float64(heap()-before)/entries, "B/entry")
		require.NoError(b, store.Close())
		b.StartTimer()
	}
}

// heap is how many bytes of it are in use.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
