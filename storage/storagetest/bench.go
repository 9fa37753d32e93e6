package storagetest

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// What [Benchmark] measures with.
const (
	benchPiece   = 64 << 10    // bytes that come or go at once, as of a body
	benchMaxSize = 250_000_000 // bytes that a store may hold, if it bounds them itself
	benchEntries = 2000        // payloads that it may hold, likewise
	benchTurn    = 2_000_000   // bytes that a client puts or gets before it waits for the others
)

// Benchmark measures putting and getting payloads of 10 KB, 1 MB and 50 MB, in pieces as a body comes and goes, by one client and
// by sixteen at the same time. A store that bounds what it holds is full while it is put to, so that evicting is included.
func Benchmark(b *testing.B, backend Backend) {
	eachLoad(b, "Put", func(b *testing.B, load load) {
		store := backend.openForBench(b)
		var last atomic.Uint64
		deleted := uint64(0)
		put := func(int) error { return load.put(b, store, last.Add(1)) }
		deleteAll := func() {
			for ; !backend.Bounded && deleted < last.Load(); deleted++ {
				require.NoError(b, store.Delete(b.Context(), benchKey(deleted+1)))
			}
		}
		for range load.fitting() {
			require.NoError(b, put(0))
		}
		deleteAll()
		load.measure(b, put, deleteAll)
	})
	eachLoad(b, "Get", func(b *testing.B, load load) {
		store := backend.openForBench(b)
		payloads := min(load.clients, load.fitting())
		for number := range payloads {
			require.NoError(b, load.put(b, store, uint64(number)))
		}
		buffers := load.buffers(benchPiece)
		load.measure(b, func(client int) error { return get(b, store, uint64(client%payloads), buffers[client]) }, nil)
	})
}

func (b Backend) openForBench(tb *testing.B) storage.Store {
	store := b.Open(tb, tb.TempDir(), storage.Limits{MaxSize: benchMaxSize, MaxEntries: benchEntries})
	tb.Cleanup(func() { _ = store.Close() })
	return store
}

// load is how many clients put or get what.
type load struct {
	clients int
	data    []byte
}

// eachLoad runs a benchmark under each load.
func eachLoad(b *testing.B, name string, run func(*testing.B, load)) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"10KB", 10_000}, {"1MB", 1_000_000}, {"50MB", 50_000_000}} {
		data := newSample(1, size.bytes).data
		for _, clients := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%s/clients=%d", name, size.name, clients), func(b *testing.B) { run(b, load{clients, data}) })
		}
	}
}

// fitting is how many payloads fit into a store.
func (l load) fitting() int { return min(benchEntries, benchMaxSize/len(l.data)) }

// buffers returns one for each client, each of whose pages has been used.
func (l load) buffers(size int) [][]byte {
	buffers := make([][]byte, l.clients)
	for client := range buffers {
		buffers[client] = newSample(1, size).data
	}
	return buffers
}

// measure has the clients do something at the same time, one time after the other, each equally often. What it reports as ns/op
// is how long a client takes for one payload. What is to be done after that, unless it is nil, does not count.
func (l load) measure(b *testing.B, do func(client int) error, after func()) {
	times := max(1, benchTurn/len(l.data))
	turn := func(client int) {
		for range times {
			if err := do(client); err != nil {
				b.Error(err)
				return
			}
		}
	}
	b.SetBytes(int64(l.clients * times * len(l.data)))
	for b.Loop() {
		var clients sync.WaitGroup
		for client := range l.clients {
			clients.Go(func() { turn(client) })
		}
		clients.Wait()
		if after != nil {
			b.StopTimer()
			after()
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*times), "ns/op")
}

// benchKey need not name the bytes, since stores never look into it.
func benchKey(number uint64) (key storage.Key) {
	binary.LittleEndian.PutUint64(key[:], number)
	return key
}

func (l load) put(b *testing.B, store storage.Store, number uint64) error {
	w, err := store.Create(b.Context())
	if err != nil {
		return err
	}
	defer w.Abort()
	for rest := l.data; len(rest) > 0; {
		n, err := w.Write(rest[:min(benchPiece, len(rest))])
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return w.Commit(benchKey(number))
}

func get(b *testing.B, store storage.Store, number uint64, buffer []byte) error {
	r, err := store.Open(b.Context(), benchKey(number))
	if err != nil {
		return err
	}
	defer r.Close()
	for offset := int64(0); offset < r.Size(); offset += int64(len(buffer)) {
		if _, err := r.ReadAt(buffer, offset); err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}
