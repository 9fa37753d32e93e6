package interceptor

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// A heapWatch tells how much the live heap has grown.
type heapWatch struct {
	before, peak uint64
	looks        int
}

func watchHeap(t testing.TB) *heapWatch {
	t.Helper()
	return &heapWatch{before: liveHeap()}
}

func liveHeap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// look notes the heap, at every hundredth call.
func (h *heapWatch) look() {
	if h.looks++; h.looks%100 == 0 {
		h.peak = max(h.peak, liveHeap())
	}
}

func (h *heapWatch) most() int64 { return int64(h.peak) - int64(h.before) }

// An expect checks a stream against parts that are not kept as one.
type expect struct {
	t     testing.TB
	parts [][]byte
}

func (e *expect) readAll(body *Body, heap *heapWatch) (n int64, err error) {
	buffer := make([]byte, 32<<10)
	for r := body.Reader(false); ; heap.look() {
		read, err := r.Read(buffer)
		n += int64(read)
		for got := buffer[:read]; len(got) > 0; {
			require.NotEmpty(e.t, e.parts, "more than was sent")
			most := min(len(got), len(e.parts[0]))
			require.True(e.t, bytes.Equal(e.parts[0][:most], got[:most]), "other bytes before byte %d", n)
			got = got[most:]
			if e.parts[0] = e.parts[0][most:]; len(e.parts[0]) == 0 {
				e.parts = e.parts[1:]
			}
		}
		if err == io.EOF {
			require.Empty(e.t, e.parts, "less than was sent")
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
