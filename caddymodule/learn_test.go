package caddymodule

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// A lesson is a listener.
type lesson struct {
	bytes.Buffer
	closed int
}

func (l *lesson) Close() error {
	l.closed++
	return nil
}

// A watchedWriter looks at each write.
type watchedWriter struct {
	*httptest.ResponseRecorder
	before func(p []byte)
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	w.before(p)
	return w.ResponseRecorder.Write(p)
}

// What the app says of itself is known before the browser has the last byte of it, and can act on it.
func TestLearnedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"", "gzip", "br", "zstd", "deflate"} {
		for _, sized := range []bool{true, false} {
			for _, chunk := range []int{1, 7, 1000, 1 << 20} {
				t.Run(fmt.Sprintf("%s, sized %t, chunks of %d", coding, sized, chunk), func(t *testing.T) {
					t.Parallel()
					body := []byte(layout)
					if coding != "" {
						body = encoded(t, coding, layout)
					}
					l := new(lesson)
					sent := 0
					w := &watchedWriter{httptest.NewRecorder(), func(p []byte) {
						sent += len(p)
						require.Equal(t, sized && sent == len(body), l.closed == 1)
					}}
					tap := newTapWriter(w, l, jsonType)
					defer tap.stop()
					tap.Header().Set("Content-Type", "application/json")
					if coding != "" {
						tap.Header().Set("Content-Encoding", coding)
					}
					if sized {
						tap.Header().Set("Content-Length", fmt.Sprint(len(body)))
					}
					for rest := body; len(rest) > 0; rest = rest[min(chunk, len(rest)):] {
						_, err := tap.Write(rest[:min(chunk, len(rest))])
						require.NoError(t, err)
					}
					tap.finish()
					require.Equal(t, 1, l.closed)
					require.Equal(t, layout, l.String())
					require.Equal(t, body, w.Body.Bytes())
				})
			}
		}
	}
}

// What is no whole description of the app reaches the browser as it is, and teaches nothing.
func TestNotLearned(t *testing.T) {
	t.Parallel()
	whole := encoded(t, "gzip", layout)
	for name, test := range map[string]struct {
		coding, contentType string
		status              int
		body                []byte
	}{
		"error":          {"", "application/json", http.StatusInternalServerError, []byte(layout)},
		"login page":     {"", "text/html", http.StatusOK, []byte(layout)},
		"half a coding":  {"gzip", "application/json", http.StatusOK, whole[:len(whole)-9]},
		"not that one":   {"gzip", "application/json", http.StatusOK, []byte(layout)},
		"unknown coding": {"own", "application/json", http.StatusOK, []byte(layout)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := new(lesson)
			w := httptest.NewRecorder()
			tap := newTapWriter(w, l, jsonType)
			defer tap.stop()
			tap.Header().Set("Content-Type", test.contentType)
			tap.Header().Set("Content-Encoding", test.coding)
			tap.WriteHeader(test.status)
			for rest := test.body; len(rest) > 0; rest = rest[min(10, len(rest)):] {
				_, err := tap.Write(rest[:min(10, len(rest))])
				require.NoError(t, err)
			}
			tap.finish()
			require.Zero(t, l.closed)
			require.Equal(t, test.body, w.Body.Bytes())
			require.Equal(t, test.status, w.Code)
		})
	}
}

// An app that is cut off while it describes itself is not known afterwards; the next answer makes it known.
func TestLearnedFromWholeAnswers(t *testing.T) {
	t.Parallel()
	whole := false
	mux := http.NewServeMux()
	for path, body := range map[string]string{"/_dash-layout": layout, "/_dash-dependencies": dependencies} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if whole {
				answeringEncoded("gzip", encoded(t, "gzip", body), false)(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
			_, _ = io.WriteString(w, body)
			panic(http.ErrAbortHandler)
		})
	}
	mux.HandleFunc(callbackPath, answering(setting("df", repeated(5000))))
	app := httptest.NewServer(mux)
	t.Cleanup(app.Close)
	s := newSite(t, stash(), "reverse_proxy "+app.Listener.Addr().String())
	for range 2 {
		for _, path := range []string{"/_dash-layout", "/_dash-dependencies"} {
			_, err := s.trySend(s.request(t, http.MethodGet, path, nil, "Accept-Encoding: gzip"))
			require.NoError(t, err)
		}
		require.Equal(t, whole, tokenPattern.MatchString(s.callback(t, reading()).body))
		whole = true
	}
}
