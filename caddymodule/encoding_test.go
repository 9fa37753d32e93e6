package caddymodule

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// encodings are the forms of encoded bodies, by a name that begins with the content coding.
var encodings = map[string]func(io.Writer) io.WriteCloser{
	"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"GZip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"br":   func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"zstd": func(w io.Writer) io.WriteCloser {
		encoder, _ := zstd.NewWriter(w)
		return encoder
	},
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"deflate, bare": func(w io.Writer) io.WriteCloser {
		encoder, _ := flate.NewWriter(w, flate.DefaultCompression)
		return encoder
	},
}

func encoded(t *testing.T, encoding, body string) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := encodings[encoding](&out)
	_, err := io.WriteString(encoder, body)
	require.NoError(t, err)
	require.NoError(t, encoder.Close())
	return out.Bytes()
}

func gunzip(t *testing.T, body string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(body))
	require.NoError(t, err)
	text, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(text)
}

// answeringEncoded answers with an encoded body, whose length it declares if sized.
func answeringEncoded(encoding string, body []byte, sized bool) http.HandlerFunc {
	coding, _, _ := strings.Cut(encoding, ",")
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", coding)
		w.Header().Set("Etag", `"encoded"`)
		if sized {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		} else {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = w.Write(body)
	}
}

// inlineAndStored is a response with data that is offloaded, and a figure that is not. Both hardly compress.
func inlineAndStored(figure int) (whole, start string) {
	start = `{"multi":true,"response":{"graph":{"figure":` + noise(figure) + `},"df":{"data":`
	return start + noise(200<<10) + `}}}`, start
}

func TestEncodedResponses(t *testing.T) {
	t.Parallel()
	const min, long = 600, 300 << 10 // a figure that is worth compressing, and one too long to be held back
	for encoding := range encodings {
		for _, sized := range []bool{true, false} {
			for _, figure := range []int{10, min, long} {
				t.Run(fmt.Sprintf("%s, figure of %d, sized %t", encoding, figure, sized), func(t *testing.T) {
					t.Parallel()
					whole, start := inlineAndStored(figure)
					app := newDash(t, answeringEncoded(encoding, encoded(t, encoding, whole), sized))
					s := app.openSite(t, stash())
					check := func(got response, body string) {
						require.NoError(t, got.err)
						require.True(t, body == start+tokenIn(t, body)+`}}}`)
						require.Empty(t, got.Header.Get("Etag"))
					}

					plain := s.callback(t, reading())
					require.Empty(t, plain.Header.Get("Content-Encoding"))
					if figure < long {
						require.Equal(t, int64(len(plain.body)), plain.ContentLength)
					}
					check(plain, plain.body)

					takes := s.callback(t, reading(), "Accept-Encoding: br, gzip")
					if figure < min {
						require.Empty(t, takes.Header.Get("Content-Encoding"))
						check(takes, takes.body)
						return
					}
					require.Equal(t, []string{"gzip"}, takes.Header.Values("Content-Encoding"))
					require.Contains(t, takes.Header.Values("Vary"), "Accept-Encoding")
					check(takes, gunzip(t, takes.body))

					refuses := s.callback(t, reading(), "Accept-Encoding: gzip;q=0, br")
					require.Empty(t, refuses.Header.Get("Content-Encoding"))
				})
			}
		}
	}
}

// A body that says much in few bytes is decoded when its writer has long been told that it was taken. The race detector once
// found both at the same figure.
func TestEncodedAndCompressible(t *testing.T) {
	t.Parallel()
	data, end := repeated(5000), `},"graph":{"figure":`+repeated(1<<20)+`}}}`
	for encoding := range encodings {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			body := encoded(t, encoding, `{"multi":true,"response":{"df":{"data":`+data+end)
			got := newDash(t, answeringEncoded(encoding, body, true)).openSite(t, stash()).callback(t, reading())
			require.True(t, got.body == `{"multi":true,"response":{"df":{"data":`+tokenIn(t, got.body)+end)
			requireServerTiming(t, got, "stored=1 stored_bytes=5000 restored=0 restored_bytes=0 missed=0")
		})
	}
}

// The handler encode, in front, compresses what leaves here once, whether the app has compressed it or not.
func TestEncodeInFront(t *testing.T) {
	t.Parallel()
	whole, start := inlineAndStored(5000)
	for name, answer := range map[string]http.HandlerFunc{
		"plain": answering(whole),
		"gzip":  answeringEncoded("gzip", encoded(t, "gzip", whole), true),
		"br":    answeringEncoded("br", encoded(t, "br", whole), false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newDash(t, answer).openSite(t, "encode gzip", stash()).callback(t, reading(), "Accept-Encoding: gzip")
			require.Equal(t, []string{"gzip"}, got.Header.Values("Content-Encoding"))
			body := gunzip(t, got.body)
			require.True(t, body == start+tokenIn(t, body)+`}}}`)
		})
	}
}

// A body whose encoding is broken must not reach the browser as a whole one, and nothing of it is stored.
func TestBrokenEncodings(t *testing.T) {
	t.Parallel()
	for encoding := range encodings {
		for name, breaking := range map[string]func([]byte) []byte{
			"truncated": func(body []byte) []byte { return body[:len(body)-20] },
			"half":      func(body []byte) []byte { return body[:len(body)/2] },
			"corrupt": func(body []byte) []byte {
				return append(bytes.Clone(body[:len(body)/2]), bytes.Repeat([]byte{0xff}, len(body)/2)...)
			},
			"other":   func([]byte) []byte { return []byte("this is not encoded at all") },
			"a byte":  func(body []byte) []byte { return body[:1] },
			"nothing": func([]byte) []byte { return nil },
		} {
			for _, figure := range []int{10, 300 << 10} {
				t.Run(fmt.Sprintf("%s, %s, figure of %d", encoding, name, figure), func(t *testing.T) {
					t.Parallel()
					whole, _ := inlineAndStored(figure)
					app := newDash(t, answeringEncoded(encoding, breaking(encoded(t, encoding, whole)), true))
					directive := stash()
					got, err := app.openSite(t, directive).try(t, reading())
					if err == nil && got.err == nil && !(encoding == "zstd" && name == "nothing") { // which is whole
						require.Equal(t, http.StatusBadGateway, got.StatusCode)
						require.Empty(t, got.body)
						for _, name := range []string{"Content-Encoding", "Content-Type", "Etag"} {
							require.Empty(t, got.Header.Values(name), "of an answer that the browser does not get")
						}
					}
					require.Equal(t, storage.Stats{}, statsOf(t, directive))
				})
			}
		}
	}
}

// Windows are as large as servers use them, and a decoder takes no more memory than for these, whatever a body announces.
func TestWindows(t *testing.T) {
	const size, most = 40 << 20, 24 << 20
	body := strings.Repeat(noise(2<<20), size/(2<<20))
	compress := func(encoder io.WriteCloser, err error) func(string) {
		require.NoError(t, err)
		return func(body string) {
			_, err := io.WriteString(encoder, body)
			require.NoError(t, err)
			require.NoError(t, encoder.Close())
		}
	}
	var zstd8, zstd16, br16 bytes.Buffer
	compress(zstd.NewWriter(&zstd8, zstd.WithWindowSize(8<<20)))(body)
	compress(zstd.NewWriter(&zstd16, zstd.WithWindowSize(16<<20)))(body)
	compress(brotli.NewWriterOptions(&br16, brotli.WriterOptions{Quality: 3, LGWin: 24}), nil)(body)
	for _, test := range []struct {
		coding  string
		encoded []byte
		size    int64 // -1: it cannot be decoded
	}{
		{"zstd", zstd8.Bytes(), size},
		{"zstd", zstd16.Bytes(), -1},
		{"br", br16.Bytes(), size},
		{"br", []byte{0xff, 0xff, 0xff, 0xff, 'a', 'b'}, -1}, // announces 16 MiB
	} {
		reader, err := decoders[test.coding](bytes.NewReader(test.encoded))
		require.NoError(t, err)
		before := allocated()
		n, err := io.Copy(io.Discard, reader)
		require.Less(t, allocated()-before, int64(most), test.coding)
		require.Equal(t, test.size < 0, err != nil, "%s: %v", test.coding, err)
		if test.size >= 0 {
			require.Equal(t, test.size, n)
		}
		require.NoError(t, reader.Close())
	}
}
