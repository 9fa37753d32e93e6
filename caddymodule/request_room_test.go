package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage/spool"
)

// bomb is so many bytes of JSON, in a content coding.
func bomb(t *testing.T, encoding string, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := encodings[encoding](&out)
	_, err := io.CopyN(encoder, neverending{}, int64(size))
	require.NoError(t, err)
	require.NoError(t, encoder.Close())
	return out.Bytes()
}

// A small body that would become a large one is refused before that takes much of the disk, with the reason in the error.
func TestBombs(t *testing.T) {
	const size = 64 << 20
	inTempDir(t)
	for _, encoding := range []string{"zstd", "br", "gzip"} {
		t.Run(encoding, func(t *testing.T) {
			account := withAccount(t, size)
			body := bomb(t, encoding, size)
			r := httptest.NewRequest(http.MethodPost, callbackPath, bytes.NewReader(body))
			r.Header.Set("Content-Encoding", encoding)
			_, err := holdRequest(httptest.NewRecorder(), r, defaultMaxRequest)
			handlerErr, ok := errors.AsType[caddyhttp.HandlerError](err)
			require.True(t, ok, "%v", err)
			require.Zero(t, account.Held())
			if encoding == "gzip" { // which cannot do more than data may have: the account stops it
				require.Equal(t, http.StatusServiceUnavailable, handlerErr.StatusCode)
				return
			}
			require.Less(t, len(body), 64<<10)
			require.Equal(t, http.StatusRequestEntityTooLarge, handlerErr.StatusCode)
			require.ErrorContains(t, err, fmt.Sprintf("%d bytes in content coding %s holds more than", len(body), encoding))
		})
	}
}

// Data that an app may well have passes, as dense as it is.
func TestDenseData(t *testing.T) {
	t.Parallel()
	rows := "[" + strings.Repeat(`{"city":"Zurich","delay":0,"cancelled":false,"note":null},`, 200_000) + "0]" // 11 MB
	for encoding := range encodings {
		coding, _, _ := strings.Cut(encoding, ",")
		body := encoded(t, encoding, rows)
		r := httptest.NewRequest(http.MethodPost, callbackPath, bytes.NewReader(body))
		r.Header.Set("Content-Encoding", coding)
		held, err := holdRequest(httptest.NewRecorder(), r, defaultMaxRequest)
		if dense := len(rows) > max(minDecoded, maxRatio*len(body)); dense {
			require.Contains(t, []string{"br", "zstd"}, coding, "rows that are all the same")
			require.ErrorContains(t, err, fmt.Sprint(http.StatusRequestEntityTooLarge))
			continue
		}
		require.NoError(t, err, "%s: %d bytes for %d", encoding, len(body), len(rows))
		require.EqualValues(t, len(rows), held.Size())
		require.NoError(t, held.Close())
	}
}

// Whatever is sent in whatever coding: the app gets it byte for byte, and what was looked into is within its bound; or it is refused.
func FuzzHoldRequest(f *testing.F) {
	codings := []string{"", "gzip", "deflate", "br", "zstd"}
	for i, coding := range codings {
		f.Add([]byte(reading(repeated(100))), uint8(i))
		if coding != "" {
			var out bytes.Buffer
			encoder := encodings[coding](&out)
			_, _ = io.WriteString(encoder, reading(repeated(10_000)))
			_ = encoder.Close()
			f.Add(out.Bytes(), uint8(i))
			f.Add(append(bytes.Clone(out.Bytes()), out.Bytes()...), uint8(i))
			f.Add(append(bytes.Clone(out.Bytes()), 0), uint8(i))
			f.Add(out.Bytes()[:out.Len()-1], uint8(i))
		}
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 'a', 'b'}, uint8(3)) // 16 MiB are announced
	f.Fuzz(func(t *testing.T, body []byte, which uint8) {
		coding := codings[int(which)%len(codings)]
		r := httptest.NewRequest(http.MethodPost, callbackPath, bytes.NewReader(body))
		if coding != "" {
			r.Header.Set("Content-Encoding", coding)
		}
		held, err := holdRequest(httptest.NewRecorder(), r, defaultMaxRequest)
		if err != nil {
			handlerErr, ok := errors.AsType[caddyhttp.HandlerError](err)
			require.True(t, ok)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}, handlerErr.StatusCode)
			return
		}
		defer held.Close()
		if coding == "" {
			require.EqualValues(t, len(body), held.Size())
		}
		require.LessOrEqual(t, held.Size(), max(minDecoded, int64(maxRatio*len(body))))
		forwarded := held.forward(r, nil, new(atomic.Pointer[error]))
		got, err := io.ReadAll(forwarded.Body)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got))
		require.EqualValues(t, len(body), forwarded.ContentLength)
		require.Equal(t, coding, forwarded.Header.Get("Content-Encoding"))
	})
}

// Bodies of any size in any coding, one after the other by one connection, reach the app as they came. Nothing is held afterwards.
func TestBodiesPassAsTheyCame(t *testing.T) {
	inTempDir(t)
	account := withAccount(t, 64<<20)
	app := newDash(t, answering(`{}`))
	s := newSite(t, stash(), app.proxy())
	names := []string{"", "gzip", "br", "zstd", "deflate", "deflate, bare"}
	random := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		encoding := names[random.IntN(len(names))]
		coding, _, _ := strings.Cut(encoding, ",")
		size := 2 + random.IntN(1<<(1+random.IntN(22)))
		body := []byte(reading([]string{noise(size), repeated(size)}[random.IntN(2)]))
		var header []string
		if coding != "" {
			body = encoded(t, encoding, string(body))
			header = []string{"Content-Encoding: " + coding}
		}
		sent := io.Reader(bytes.NewReader(body))
		if random.IntN(2) == 0 {
			sent = chunked(string(body))
		}
		require.Equal(t, http.StatusOK, s.do(t, http.MethodPost, callbackPath, sent, header...).StatusCode)
		got := app.last(t)
		require.True(t, string(body) == got.body, "%d bytes in %q", size, encoding)
		require.EqualValues(t, len(body), got.length)
		require.Equal(t, coding, got.header.Get("Content-Encoding"))
	}
	require.Eventually(t, func() bool { return account.Held() == 0 }, patience, interval)
}

// withAccount gives a serial test an account of its own for what is on disk.
func withAccount(t *testing.T, limit int64) *spool.Account {
	t.Helper()
	before := spool.Disk
	t.Cleanup(func() { spool.Disk = before })
	spool.Disk = spool.NewAccount(limit)
	return spool.Disk
}

// from has the client come from another address of the loopback network.
func (s *site) from(t *testing.T, address string) *site {
	t.Helper()
	local := &net.TCPAddr{IP: net.ParseIP(address)}
	transport := &http.Transport{DisableCompression: true, DialContext: (&net.Dialer{LocalAddr: local}).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	other := *s
	other.client = &http.Client{Transport: transport}
	return &other
}

// A client that has many uploads under way has what is left answered with 503, to come again; another client finds room. When they are
// over, there is room again.
func TestSlowUploads(t *testing.T) {
	inTempDir(t)
	const size = 2 << 20
	withAccount(t, 0)
	app := newDash(t, answering(`{}`))
	s := newSite(t, stash(), app.proxy())
	account := withAccount(t, 8*size+(1<<20))
	var uploads []*io.PipeWriter
	ended := make(chan bool) // tells whether there was a good answer
	upload := func() {
		body, sent := io.Pipe()
		uploads = append(uploads, sent)
		go func() {
			got, err := s.trySend(s.request(t, http.MethodPost, callbackPath, body))
			ended <- err == nil && got.StatusCode == http.StatusOK
		}()
		_, err := sent.Write(bytes.Repeat([]byte(" "), size))
		require.NoError(t, err)
	}
	for i := range int64(4) {
		upload()
		require.Eventually(t, func() bool { return account.Held() == (i+1)*size }, patience, interval, "%d", account.Held())
	}
	refused := s.callback(t, reading(repeated(size)))
	require.Equal(t, http.StatusServiceUnavailable, refused.StatusCode)
	require.Equal(t, "1", refused.Header.Get("Retry-After"))
	require.Zero(t, app.calls())
	require.Equal(t, http.StatusOK, s.callback(t, reading(repeated(size/4))).StatusCode, "what is held in memory")
	require.Equal(t, http.StatusOK, s.from(t, "127.0.0.2").callback(t, reading(repeated(size))).StatusCode, "another client")

	require.NoError(t, uploads[0].CloseWithError(errors.New("the client goes away")))
	require.False(t, <-ended)
	for _, sent := range uploads[1:] {
		require.NoError(t, sent.Close())
		require.True(t, <-ended)
	}
	require.Eventually(t, func() bool { return account.Held() == 0 }, patience, interval)
	require.Equal(t, http.StatusOK, s.callback(t, reading(repeated(size))).StatusCode)
}

func TestClientOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7":              "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":   "2001:db8:1:2::/64",
		"2001:db8:1:2::9":        "2001:db8:1:2::/64",
		"fe80::1%eth0":           "fe80::/64",
		"::ffff:192.0.2.7":       "::ffff:192.0.2.7",
		"":                       "",
		"what is not an address": "what is not an address",
	} {
		r := httptest.NewRequest(http.MethodPost, callbackPath, nil)
		vars := map[string]any{caddyhttp.ClientIPVarKey: address}
		require.Equal(t, want, clientOf(r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))))
	}
}

// The messages of WebSockets are on the same account: one that finds no room ends its connection, and says why.
func TestSocketWithoutRoom(t *testing.T) {
	inTempDir(t)
	const size = 3 << 20
	withAccount(t, 0)
	app, ends := socketApp(t, "1")
	s := app.openSite(t, stash())
	account := withAccount(t, 2*size+(1<<20))
	slow, _ := s.dial(t, ends)
	for _, frame := range fragmented(ws.OpText, repeated(size), 64<<10)[:60] {
		slow.send(t, frame)
	}
	require.Eventually(t, func() bool { return account.Held() > spool.InMemory }, patience, interval)

	refused, _ := s.dial(t, ends)
	go func() { _, _ = refused.conn.Write(refused.compile(text(repeated(size)))) }()
	frame := refused.next(t)
	code, reason := ws.ParseCloseFrameData(frame.Payload)
	require.Equal(t, statusTryAgainLater, code)
	require.Equal(t, spool.ErrNoRoom.Error(), reason)

	other, server := s.from(t, "127.0.0.2").dial(t, ends)
	other.send(t, text(repeated(size/2)))
	require.Equal(t, repeated(size/2), server.message(t))
	require.NoError(t, slow.conn.Close())
	require.Eventually(t, func() bool { return account.Held() == 0 }, patience, interval)
}

// Who announces much and sends nothing takes no memory for it, by HTTP or in a WebSocket.
func TestAnnouncedSizes(t *testing.T) {
	const connections = 100
	app, ends := socketApp(t, "1")
	s := newSite(t, stash(), app.proxy())
	s.callback(t, reading())
	header := ws.Header{Fin: true, OpCode: ws.OpText, Masked: true, Length: 1 << 20}
	frame, err := ws.CompileFrame(ws.Frame{Header: header})
	require.NoError(t, err)
	for name, begin := range map[string]func() net.Conn{
		"a request": func() net.Conn {
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n{", callbackPath, s.host, 1<<20)
			require.NoError(t, err)
			return conn
		},
		"a request in a content coding": func() net.Conn {
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nContent-Encoding: zstd\r\n\r\n%s",
				callbackPath, s.host, 1<<20, encoded(t, "zstd", repeated(100))[:20])
			require.NoError(t, err)
			return conn
		},
		"a message": func() net.Conn {
			browser, _ := s.dial(t, ends)
			browser.write(t, frame)
			return browser.conn
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, goroutines := liveHeap(), runtime.NumGoroutine()
			var open []net.Conn
			for range connections {
				open = append(open, begin())
			}
			require.Eventually(t, func() bool { return holding() == connections }, patience, 10*interval)
			each := (liveHeap() - before) / connections
			require.Less(t, each, int64(128<<10), "%d goroutines more", runtime.NumGoroutine()-goroutines)
			for _, conn := range slices.Backward(open) {
				require.NoError(t, conn.Close())
			}
			require.Eventually(t, func() bool { return holding() == 0 }, patience, 10*interval)
		})
	}
}

// holding counts the goroutines that read into a spool.
func holding() int {
	stacks := make([]byte, 8<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "spool.(*Spool).ReadFrom(")
}
