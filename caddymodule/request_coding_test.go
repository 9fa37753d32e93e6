package caddymodule

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage/spool"
)

// A request that comes encoded reaches the app as it came. Only where data was put back it is decoded, with its length right, and
// without the header.
func TestEncodedRequests(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	s := app.openSite(t, stash())
	token := storeData(t, s)
	for encoding := range encodings {
		coding, _, _ := strings.Cut(encoding, ",")
		for name, body := range map[string]struct{ from, to string }{
			"no token":                 {reading("1"), ""},
			"no token, past the spill": {reading(noise(2 * spool.InMemory)), ""},
			"token":                    {reading(token), reading(data)},
			"past the spill":           {reading(repeated(2*spool.InMemory), token), reading(repeated(2*spool.InMemory), data)},
		} {
			for kind, reader := range map[string]func(string) io.Reader{
				"sized":   func(body string) io.Reader { return strings.NewReader(body) },
				"chunked": chunked,
			} {
				t.Run(encoding+", "+name+", "+kind, func(t *testing.T) {
					sent := string(encoded(t, encoding, body.from))
					got := s.do(t, http.MethodPost, callbackPath, reader(sent),
						"Content-Type: application/json", "Content-Encoding: "+coding)
					require.Equal(t, http.StatusOK, got.StatusCode)
					request := app.last(t)
					want, header := body.to, ""
					if want == "" {
						want, header = sent, coding
					}
					require.True(t, want == request.body)
					require.Equal(t, int64(len(want)), request.length)
					require.Empty(t, request.transfer)
					require.Equal(t, header, request.header.Get("Content-Encoding"))
				})
			}
		}
	}
}

// What is not whole, or in a coding that is unknown here, does not reach the app, which could see a token in it.
func TestRefusedEncodings(t *testing.T) {
	t.Parallel()
	app := newDash(t, answering(`{}`))
	s := newSite(t, stash("max_request 1MB"), app.proxy())
	whole := encoded(t, "gzip", reading(noise(5000)))
	broken := bytes.Clone(whole)
	broken[len(broken)/2] ^= 0xff
	for name, test := range map[string]struct {
		coding string
		body   []byte
		status int
	}{
		"whole":               {"gzip", whole, http.StatusOK},
		"identity":            {"identity", []byte(reading()), http.StatusOK},
		"not gzip":            {"gzip", []byte(reading()), http.StatusBadRequest},
		"empty":               {"gzip", nil, http.StatusBadRequest},
		"truncated":           {"gzip", whole[:len(whole)-1], http.StatusBadRequest},
		"broken":              {"gzip", broken, http.StatusBadRequest},
		"more behind it":      {"gzip", append(bytes.Clone(whole), "more"...), http.StatusBadRequest},
		"more behind br":      {"br", append(encoded(t, "br", reading()), "more"...), http.StatusBadRequest},
		"more behind zstd":    {"zstd", append(encoded(t, "zstd", reading()), "more"...), http.StatusBadRequest},
		"more behind deflate": {"deflate", append(encoded(t, "deflate", reading()), "more"...), http.StatusBadRequest},
		"more behind bare":    {"deflate", append(encoded(t, "deflate, bare", reading()), "more"...), http.StatusBadRequest},
		"truncated br":        {"br", encoded(t, "br", reading())[:10], http.StatusBadRequest},
		"truncated zstd":      {"zstd", encoded(t, "zstd", reading())[:10], http.StatusBadRequest},
		"truncated deflate":   {"deflate", encoded(t, "deflate", reading())[:10], http.StatusBadRequest},
		"unknown":             {"own", whole, http.StatusUnsupportedMediaType},
		"twice":               {"gzip, gzip", whole, http.StatusUnsupportedMediaType},
		"bomb":                {"gzip", encoded(t, "gzip", reading(repeated(100<<20))), http.StatusRequestEntityTooLarge},
		"bomb, br":            {"br", encoded(t, "br", reading(repeated(10<<20))), http.StatusRequestEntityTooLarge},
		"bomb, zstd":          {"zstd", encoded(t, "zstd", reading(repeated(10<<20))), http.StatusRequestEntityTooLarge},
		"just fits":           {"gzip", encoded(t, "gzip", strings.Repeat(" ", 1_000_000)), http.StatusOK},
		"one byte too many":   {"gzip", encoded(t, "gzip", strings.Repeat(" ", 1_000_001)), http.StatusRequestEntityTooLarge},
		"many small members":  {"gzip", bytes.Repeat(encoded(t, "gzip", strings.Repeat(" ", 1000)), 1001), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			calls := app.calls()
			got := s.do(t, http.MethodPost, callbackPath, bytes.NewReader(test.body), "Content-Encoding: "+test.coding)
			require.Equal(t, test.status, got.StatusCode)
			require.Equal(t, test.status == http.StatusOK, app.calls() > calls, "whether the app is called")
		})
	}
}

// The limit counts what has come, while it comes: an endless body is not read to its end.
func TestEndlessBomb(t *testing.T) {
	t.Parallel()
	read, written := io.Pipe()
	defer read.Close()
	go func() {
		encoder := gzip.NewWriter(written)
		_, _ = io.Copy(encoder, neverending{})
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, callbackPath, read)
	require.NoError(t, err)
	r.Header.Set("Content-Encoding", "gzip")
	_, err = holdRequest(httptest.NewRecorder(), r, 3<<20)
	require.ErrorContains(t, err, fmt.Sprint("HTTP ", http.StatusRequestEntityTooLarge))
}
