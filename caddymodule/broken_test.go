package caddymodule

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/spool"
)

const (
	patience = 30 * time.Second // for what has to happen
	interval = time.Millisecond
)

// inTempDir gives a serial test a directory for temporary files.
func inTempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

// A response that the app does not end reaches the browser as one that has no end, and nothing of it is stored.
func TestTruncatedResponse(t *testing.T) {
	dir := inTempDir(t)
	data := noise(200 << 10)
	answers := map[string]string{
		"in the data":              setting("df", data)[:150<<10],
		"in the data, soon":        setting("df", data)[:2000],
		"behind the data":          `{"multi":true,"response":{"df":{"data":` + data + `},`,
		"at the last byte":         strings.TrimSuffix(setting("df", data), "}"),
		"in a long figure":         `{"multi":true,"response":{"graph":{"figure":` + data,
		"nothing but the header":   "",
		"though the JSON is whole": setting("df", data),
	}
	for name, answer := range answers {
		for _, coding := range []string{"", "gzip", "zstd"} {
			for _, sized := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, sized %t", name, coding, sized), func(t *testing.T) {
					app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
						body := answer
						if coding != "" {
							w.Header().Set("Content-Encoding", coding)
							body = string(encoded(t, coding, answer))
						}
						w.Header().Set("Content-Type", "application/json")
						if sized {
							w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
						}
						_, _ = io.WriteString(w, body)
						_ = http.NewResponseController(w).Flush()
						panic(http.ErrAbortHandler)
					})
					directive := stash()
					got, err := app.openSite(t, directive).try(t, reading(repeated(2*spool.InMemory)))
					require.False(t, err == nil && got.err == nil && got.StatusCode == http.StatusOK, "got %.300s", got.body)
					require.Equal(t, storage.Stats{}, statsOf(t, directive))
					requireNothingLeft(t, dir)
				})
			}
		}
	}
}

// requireNothingLeft waits until there is no temporary file, and no goroutine decodes.
func requireNothingLeft(t *testing.T, dir string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(heldRequests(dir)) == 0 && decoding() == 0 }, patience, interval)
}

// A large request waits in a file, which is gone afterwards.
func TestSpilledRequest(t *testing.T) {
	dir := inTempDir(t)
	data := noise(3 << 20)
	held := 0
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		held = len(heldRequests(dir))
		writeJSON(w, setting("df", data))
	})
	s := app.openSite(t, stash())
	token := storeData(t, s)
	for _, size := range []int{1000, spool.InMemory, 3 << 20} {
		filler := noise(size)
		s.callback(t, reading(token, filler))
		require.True(t, reading(data, filler) == app.last(t).body)
		require.Equal(t, size >= spool.InMemory, held == 1, "a file for %d bytes", size)
		requireNothingLeft(t, dir)
	}
}

// Without a place for it, a large request is answered with an error, and a small one passes.
func TestNoPlaceForTemporaryFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	app := newDash(t, answering(`{}`))
	s := newSite(t, stash(), app.proxy())
	require.Equal(t, http.StatusInsufficientStorage, s.callback(t, reading(repeated(2*spool.InMemory))).StatusCode)
	require.Zero(t, app.calls())
	require.Equal(t, http.StatusOK, s.callback(t, reading()).StatusCode)
}

// A browser that goes away while it sends: the app is not called.
func TestClientAbortsRequest(t *testing.T) {
	dir := inTempDir(t)
	app := newDash(t, answering(`{}`))
	s := newSite(t, stash(), app.proxy())
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", callbackPath, s.host, 4*spool.InMemory)
	require.NoError(t, err)
	_, err = conn.Write(make([]byte, 2*spool.InMemory))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(heldRequests(dir)) == 1 }, patience, interval, "it is being held")
	require.NoError(t, conn.Close())
	requireNothingLeft(t, dir)
	require.Zero(t, app.calls())
}

// A browser that goes away while the app answers: the app is told, and nothing is stored.
func TestClientAbortsResponse(t *testing.T) {
	dir := inTempDir(t)
	for name, start := range map[string]string{
		"before the answer": "",
		"in the data":       `{"multi":true,"response":{"df":{"data":` + noise(200<<10),
	} {
		t.Run(name, func(t *testing.T) {
			answering, told := make(chan struct{}), make(chan struct{})
			app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
				if start != "" {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, start)
					_ = http.NewResponseController(w).Flush()
				}
				close(answering)
				<-r.Context().Done()
				close(told)
			})
			directive := stash()
			s := app.openSite(t, directive)
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 2\r\n\r\n{}", callbackPath, s.host)
			require.NoError(t, err)
			<-answering
			require.NoError(t, conn.Close())
			<-told
			s.Close() // waits for the handler
			require.Equal(t, storage.Stats{}, statsOf(t, directive))
			requireNothingLeft(t, dir)
		})
	}
}
