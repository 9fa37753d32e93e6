package caddymodule

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A small callback that does not concern us: through dash_stash and reverse_proxy, and through reverse_proxy alone. In
// side_by_side the two take turns, whatever else the machine does: x-plain is the share of plain throughput that is left.
//
//	go test -run '^$' -bench Callback ./caddymodule
func BenchmarkCallback(b *testing.B) {
	app := startDash(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		writeJSON(w, `{"multi":true,"response":{"graph":{"figure":{"data":[{"x":[1,2,3],"y":[4,5,6]}]}}}}`)
	})
	ways := []struct {
		name string
		site *site
	}{
		{"plain", newSite(b, app.proxy())},
		{"dash_stash", newSite(b, stash(), app.proxy())},
	}
	call := func(b *testing.B, s *site) time.Duration {
		start := time.Now()
		got, err := s.client.Do(s.request(b, http.MethodPost, callbackPath, strings.NewReader(request("graph.figure", "1"))))
		if err != nil {
			b.Error(err)
			return 0
		}
		_, _ = io.Copy(io.Discard, got.Body)
		_ = got.Body.Close()
		return time.Since(start)
	}
	for _, way := range ways {
		way.site.client.Transport.(*http.Transport).MaxIdleConnsPerHost = 100
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					call(b, way.site)
				}
			})
		})
	}
	b.Run("side_by_side", func(b *testing.B) {
		var spent [2]atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				for i, way := range ways {
					spent[i].Add(int64(call(b, way.site)))
				}
			}
		})
		b.ReportMetric(float64(spent[0].Load())/float64(spent[1].Load()), "x-plain")
	})
}
