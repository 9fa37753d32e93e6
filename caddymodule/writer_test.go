package caddymodule

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An outerWriter tells what is called of the writer in front.
type outerWriter struct {
	*httptest.ResponseRecorder
	readFrom bool
	deadline bool
}

func (w *outerWriter) ReadFrom(r io.Reader) (int64, error) {
	w.readFrom = true
	return io.Copy(w.ResponseRecorder, r)
}

func (w *outerWriter) SetWriteDeadline(time.Time) error {
	w.deadline = true
	return nil
}

// While a response is rewritten, nothing goes around the writer; any other passes as if the writer were not there.
func TestWriterMethods(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request   string
		status    int
		untouched bool
	}{
		"callback":                {"POST /_dash-update-component", http.StatusOK, false},
		"callback that fails":     {"POST /_dash-update-component", http.StatusInternalServerError, true},
		"layout that is not JSON": {"GET /_dash-layout", http.StatusInternalServerError, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := provisioned(t, `{"storage":{"backend":"memory","name":"writer methods"}}`)
			method, path, _ := strings.Cut(test.request, " ")
			w := &outerWriter{ResponseRecorder: httptest.NewRecorder()}
			r := httptest.NewRequest(method, path, strings.NewReader(untold))
			require.NoError(t, serve(h, w, r, func(inner http.ResponseWriter, r *http.Request) error {
				if isAsk(r) {
					return errors.New("nothing is said of the app")
				}
				inner.Header().Set("Content-Type", "application/json")
				inner.WriteHeader(test.status)
				n, err := inner.(io.ReaderFrom).ReadFrom(strings.NewReader(`{"multi":true,`))
				require.NoError(t, err)
				require.Equal(t, int64(14), n)
				require.Equal(t, test.untouched, w.readFrom)
				control := http.NewResponseController(inner)
				require.NoError(t, control.Flush())
				require.Equal(t, test.untouched, w.Flushed)
				require.Equal(t, test.untouched, w.Body.Len() > 0)
				require.NoError(t, control.SetWriteDeadline(time.Time{}), "Unwrap leads to the writer in front")
				_, err = io.WriteString(inner, `"response":{}}`)
				return err
			}))
			require.True(t, w.deadline)
			require.Equal(t, `{"multi":true,"response":{}}`, w.Body.String())
			require.Equal(t, test.status, w.Code)
		})
	}
}

// The app's handler may write without WriteHeader, or return without either.
func TestWriterWithoutHeader(t *testing.T) {
	t.Parallel()
	h := provisioned(t, `{"storage":{"backend":"memory","name":"writer without header"}}`)
	for _, request := range []string{"POST /_dash-update-component", "GET /_dash-layout"} {
		method, path, _ := strings.Cut(request, " ")
		for _, body := range []string{"", "[]"} {
			w := httptest.NewRecorder()
			require.NoError(t, serve(h, w, httptest.NewRequest(method, path, nil), func(w http.ResponseWriter, r *http.Request) error {
				w.Header().Set("Content-Type", "application/json")
				_, err := w.Write([]byte(body))
				return err
			}))
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, body, w.Body.String())
		}
		w := httptest.NewRecorder()
		require.NoError(t, serve(h, w, httptest.NewRequest(method, path, nil), func(http.ResponseWriter, *http.Request) error {
			return nil
		}))
		require.Empty(t, w.Body.String())
	}
}

// An error of a handler behind is Caddy's to handle, and nothing has been written then.
func TestErrorsPass(t *testing.T) {
	t.Parallel()
	h := provisioned(t, `{"storage":{"backend":"memory","name":"errors pass"}}`)
	for _, request := range []string{"POST /_dash-update-component", "GET /_dash-layout", "GET /other"} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		err := serve(h, w, httptest.NewRequest(method, path, nil), func(http.ResponseWriter, *http.Request) error { return io.ErrNoProgress })
		require.Equal(t, io.ErrNoProgress, err, "untouched")
		require.Empty(t, w.Body.String())
	}
}

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	seen := make(chan struct{})
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" { // no page
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			<-seen
		}
	})
	s := app.openSite(t, stash())
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		path := "/events"
		if method == http.MethodPost {
			path = callbackPath // whatever a callback may come to answer with
		}
		got, err := s.client.Do(s.request(t, method, path, nil))
		require.NoError(t, err)
		events := bufio.NewReader(got.Body)
		for range 3 { // each comes while the app still writes
			line, err := events.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "data: x\n", line)
			_, err = events.ReadString('\n')
			require.NoError(t, err)
			seen <- struct{}{}
		}
		require.NoError(t, got.Body.Close())
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(conn, buffered) // an echo
	})
	s := app.openSite(t, stash())
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n", s.host)
	require.NoError(t, err)
	buffered := bufio.NewReader(conn)
	got, err := http.ReadResponse(buffered, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, got.StatusCode)
	for _, frame := range []string{"one", "another"} {
		_, err = io.WriteString(conn, frame)
		require.NoError(t, err)
		echo := make([]byte, len(frame))
		_, err = io.ReadFull(buffered, echo)
		require.NoError(t, err)
		require.Equal(t, frame, string(echo))
	}
}
