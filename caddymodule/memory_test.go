package caddymodule

import (
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"
)

// liveHeap is what a collection finds in use, in bytes.
func liveHeap() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// allocated is how many bytes have been allocated since the process began.
func allocated() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.TotalAlloc)
}

// A payload of 50 MB adds at most 16 MiB to the live heap, on the way out as on the way in. It is measured at steps while it
// passes, when the app has written, or read, another part of it.
func TestLargePayloadInLittleMemory(t *testing.T) {
	const (
		size  = 50 << 20
		steps = 25
		most  = 16 << 20
	)
	inTempDir(t)
	rows := []byte(`{"city":"Zürich","delay":-3.25,"route":[1,2,3]},`)
	var start, peak int64
	measure := func() { peak = max(peak, liveHeap()) }
	var got int64
	sum := fnv.New64a()
	app := startDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			return // no page
		}
		start, peak = liveHeap(), 0
		if r.Header.Get("X-Read") != "" {
			for n, err := int64(1), error(nil); n > 0 && err == nil; got += n {
				n, err = io.CopyN(sum, r.Body, size/steps)
				measure()
			}
			writeJSON(w, "{}")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"response":{"df":{"data":[`)
		for range steps {
			for range size / steps / len(rows) {
				_, _ = w.Write(rows)
			}
			measure()
		}
		_, _ = io.WriteString(w, `0]}}}`)
	})
	s := app.openSite(t, fmt.Sprintf("dash_stash {\n secret %q\n storage file %s\n}", testSecret, t.TempDir()))

	token := storeData(t, s)
	require.Less(t, peak-start, int64(most), "on the way out")
	require.Equal(t, http.StatusOK, s.callback(t, reading(token), "X-Read: yes").StatusCode)
	require.Less(t, peak-start, int64(most), "on the way in")

	rowCount := steps * (size / steps / len(rows))
	require.Equal(t, int64(len(reading(""))+len("[0]")+rowCount*len(rows)), got)
	want := fnv.New64a()
	request := reading("|")
	split := len(request) - len(`|}]}`)
	_, _ = io.WriteString(want, request[:split]+"[")
	for range rowCount {
		_, _ = want.Write(rows)
	}
	_, _ = io.WriteString(want, "0]"+request[split+1:])
	require.Equal(t, want.Sum64(), sum.Sum64(), "byte for byte")
}
