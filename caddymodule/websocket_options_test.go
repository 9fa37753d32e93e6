package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage/spool"
)

// A token opens in the scope that it was made for, which is that of the upgrade's request.
func TestSocketScope(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app, ends := socketApp(t, data)
	s := app.openSite(t, stash("scope {header.X-User}"))
	tokens := make(map[string]string)
	for _, user := range []string{"ann", "bob"} {
		browser, server := s.dial(t, ends, "X-User: "+user)
		server.send(t, text(setProps("df", data)))
		tokens[user] = tokenIn(t, browser.message(t))
		browser.send(t, text(callbackRequest(tokens["ann"], tokens[user])))
		want := callbackRequest(data, data)
		if user == "bob" {
			want = callbackRequest("null", data)
		}
		require.Equal(t, want, server.message(t))
	}
	require.NotEqual(t, tokens["ann"], tokens["bob"])
}

// Tokens of another namespace are for a handler behind this one, and null if there is none.
func TestSocketNamespaces(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app, ends := socketApp(t, data)
	outer, inner := stash("namespace outer", "stores df"), stash("namespace inner", "stores other")
	s := app.openSite(t, "route {\n"+outer+inner, app.proxy()+"\n}", "# behind the route:")
	browser, server := s.dial(t, ends)
	server.send(t, text(setProps("df", data)), text(setProps("other", data)))
	df, other := tokenIn(t, browser.message(t)), tokenIn(t, browser.message(t))
	browser.send(t, text(callbackRequest(df, other)))
	require.Equal(t, callbackRequest(data, data), server.message(t))

	browser, server = app.besideSite(t, s, outer).dial(t, ends)
	browser.send(t, text(callbackRequest(df, other)))
	null := fmt.Sprintf("%-*s", len(other), "null")
	require.Equal(t, callbackRequest(data, null), server.message(t))
}

func TestSocketDryRun(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app, ends := socketApp(t, data)
	directive := stash()
	s := app.openSite(t, directive)
	token := storeData(t, s)
	browser, server := app.besideSite(t, s, directive[:len("dash_stash {")]+"\ndry_run"+directive[len("dash_stash {"):]).dial(t, ends)
	other := noise(50_000)
	frames := fragmented(ws.OpText, setProps("df", other), 1000)
	server.send(t, frames...)
	for _, frame := range frames {
		require.Equal(t, frame, browser.next(t))
	}
	browser.send(t, text(callbackRequest(token)))
	require.Equal(t, callbackRequest(data), server.message(t))
	require.Less(t, statsOf(t, directive).Bytes, int64(50_000))
}

// Data that is not what was stored does not reach the app: it is missing.
func TestSocketDamagedData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	app, ends := socketApp(t, repeated(5000))
	s := app.openSite(t, fmt.Sprintf("dash_stash {\n on_missing error\n storage file %s\n}", dir))
	token := storeData(t, s)
	damage(t, dir)
	browser, server := s.dial(t, ends)
	browser.send(t, text(callbackRequest(token)), text("then"))
	require.Contains(t, browser.message(t), errMissing.Error())
	require.Equal(t, "then", server.message(t))
}

// A message that is not whole leaves nothing behind: see TestMain.
func TestSocketBreaksOff(t *testing.T) {
	t.Parallel()
	app, ends := socketApp(t, "1")
	directive := stash()
	s := app.openSite(t, directive)
	large := setProps("df", repeated(3*spool.InMemory))
	for _, browserBreaks := range []bool{true, false} {
		browser, server := s.dial(t, ends)
		whole, half := browser.compile(text(large)), server.compile(text(large))[:2*spool.InMemory]
		browser.write(t, whole[:2*spool.InMemory])
		server.write(t, half)
		broken, other := browser, server
		if !browserBreaks {
			broken, other = server, browser
		}
		require.NoError(t, broken.conn.Close())
		other.closed(t)
	}
	require.Less(t, statsOf(t, directive).Bytes, int64(spool.InMemory))
}

// An extended CONNECT, by HTTP/2 or later, is rewritten in the bodies. (Go's servers take none, unless GODEBUG has
// http2xconnect=1 from the start: the test stands in for them.)
func TestSocketByExtendedConnect(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app, ends := socketApp(t, data)
	directive := stash()
	s := app.openSite(t, directive)
	token := storeData(t, s)
	server, _ := provision(t, directive+app.proxy())

	in, toApp := io.Pipe()
	fromApp, out := io.Pipe()
	r := httptest.NewRequest(http.MethodConnect, "http://site.test", in)
	r.Host = s.host
	r.URL.Path = socketPath
	r.ProtoMajor, r.ProtoMinor, r.Proto = 2, 0, "HTTP/2.0"
	r.Header[":protocol"] = []string{"websocket"}
	r.Header.Set("Sec-WebSocket-Version", "13")
	w := &tunnel{header: make(http.Header), out: out, status: make(chan int, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.ServeHTTP(w, r)
	}()
	require.Equal(t, http.StatusOK, <-w.status)
	end := <-ends
	browser := &peer{in: bufio.NewReader(fromApp), masks: true}
	_, err := toApp.Write(browser.compile(fragmented(ws.OpText, callbackRequest(token), 50)[1]))
	require.NoError(t, err)
	_, err = toApp.Write(browser.compile(fragmented(ws.OpText, callbackRequest(token), 50)[3:]...))
	require.NoError(t, err)
	for end.next(t).Header.OpCode == ws.OpPing {
	}
	go end.send(t, text(setProps("df", data)))
	frame, err := readFrame(browser.in)
	require.NoError(t, err)
	require.Equal(t, setProps("df", token), string(frame.Payload))
	require.NoError(t, toApp.Close())
	require.NoError(t, end.conn.Close())
	<-done
}

// A tunnel is the writer of a response that is one end of a tunnel.
type tunnel struct {
	header http.Header
	out    *io.PipeWriter
	status chan int
}

func (w *tunnel) Header() http.Header         { return w.header }
func (w *tunnel) WriteHeader(status int)      { w.status <- status }
func (w *tunnel) Write(p []byte) (int, error) { return w.out.Write(p) }
func (w *tunnel) FlushError() error           { return nil }
