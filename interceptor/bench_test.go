package interceptor

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
)

const (
	benchSize  = 50 << 20
	benchChunk = 32 << 10 // as a reverse proxy reads
)

// benchPayloads are 50 MB of what apps keep in Stores: records as pandas writes them, and a figure's numbers.
var benchPayloads = []struct {
	name string
	item func(r *rand.Rand, i int) string
}{
	{"flights", func(r *rand.Rand, i int) string {
		return fmt.Sprintf(`{"year":2013,"month":%d,"day":%d,"dep_time":%d.0,"dep_delay":%d.0,"carrier":"%s","flight":%d,"tailnum":"N%d",`+
			`"origin":"EWR","dest":"IAH","air_time":%d.0,"distance":%d,"time_hour":"2013-01-01T05:00:00Z"}`,
			1+i%12, 1+i%28, r.IntN(2400), r.IntN(200)-20, oneOf(r, "UA", "B6", "DL"), r.IntN(9999), 10000+r.IntN(9999), r.IntN(600), r.IntN(3000))
	}},
	{"floats", func(r *rand.Rand, _ int) string { return strconv.FormatFloat(r.NormFloat64(), 'f', -1, 64) }},
}

// BenchmarkPayload is 50 MB on their way out and back in, beside the cost of copying them.
func BenchmarkPayload(b *testing.B) {
	for _, bb := range benchPayloads {
		r := rand.New(rand.NewPCG(1, 1))
		data := append(make([]byte, 0, benchSize+1024), '[')
		for i := 0; len(data) < benchSize; i++ {
			data = append(append(data, bb.item(r, i)...), ',')
		}
		data[len(data)-1] = ']'
		response := append(append([]byte(`{"multi":true,"response":{"df":{"data":`), data...), `}}}`...)

		b.Run(bb.name+"/1-copy", func(b *testing.B) {
			to := make([]byte, len(data))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				copy(to, data)
			}
		})
		b.Run(bb.name+"/2-skip", func(b *testing.B) {
			b.SetBytes(int64(len(response)))
			for b.Loop() {
				var s scanner
				at := 0
				for at < len(response) {
					n, ev := s.next(response[at:min(len(response), at+benchChunk)])
					at += n
					if ev == evValue {
						s.skip()
					}
				}
				require.True(b, s.whole())
			}
		})
		stores := []struct {
			name string
			open func() storage.Store
		}{
			{"memory", func() storage.Store { return memory.New(storage.Limits{}) }},
			{"file", func() storage.Store { return newFile(b) }},
		}
		for _, s := range stores {
			b.Run(bb.name+"/3-offload-"+s.name, func(b *testing.B) {
				ic, app, store := newTestInterceptor(), newTestApp("df"), s.open()
				b.SetBytes(int64(len(response)))
				b.ReportAllocs()
				for b.Loop() {
					benchOffload(b, ic, store, app, response)
				}
			})
		}
		for _, s := range stores {
			b.Run(bb.name+"/4-rehydrate-"+s.name, func(b *testing.B) {
				ic, app, store := newTestInterceptor(), newTestApp("df"), s.open()
				request := benchOffload(b, ic, store, app, response)
				b.SetBytes(int64(len(response)))
				b.ReportAllocs()
				for b.Loop() {
					body, _, err := ic.Rehydrate(b.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
					require.NoError(b, err)
					_, err = io.Copy(io.Discard, body.Reader(false))
					require.NoError(b, err)
					require.NoError(b, body.Close())
				}
			})
		}
	}
}

func benchOffload(b *testing.B, ic *Interceptor, store storage.Store, app *App, response []byte) string {
	o := ic.Offload(b.Context(), testSession(store, app), Answer{}, nil)
	for at := 0; at < len(response); at += benchChunk {
		_, err := o.Write(response[at:min(len(response), at+benchChunk)])
		require.NoError(b, err)
	}
	body, err := o.Close()
	require.NoError(b, err)
	defer body.Close()
	out, err := io.ReadAll(body.Reader(false))
	require.NoError(b, err)
	require.Less(b, len(out), 200)
	return string(out)
}

// BenchmarkNoToken is what a callback without tokens costs on its way to the app.
func BenchmarkNoToken(b *testing.B) {
	request := `{"output":"..graph.figure...table.data..","outputs":[{"id":"graph","property":"figure"},{"id":"table","property":"data"}],` +
		`"inputs":[{"id":"carrier","property":"value","value":"UA"},{"id":"month","property":"value","value":[1,12]},` +
		`{"id":"go","property":"n_clicks","value":3}],"changedPropIds":["go.n_clicks"],"parsedChangedPropsIds":["go.n_clicks"],` +
		`"state":[{"id":"url","property":"pathname","value":"/"},{"id":"title","property":"children","value":"` + strings.Repeat("x", 120) + `"}]}`
	ic, store := newTestInterceptor(), newMemory()
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		body, _, err := ic.Rehydrate(b.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
		if body != nil || err != nil {
			b.Fatal("a token was found")
		}
	}
}
