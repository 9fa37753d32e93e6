package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/require"
)

// A body that is too long by its own account is not asked for. Not through Caddy's server: in v2.11.9 that hides from net/http
// that the browser waits, and net/http waits for the body before it answers.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	h := provisioned(t, `{"max_request":5000,"storage":{"backend":"memory","name":"expect continue"}}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var failed caddyhttp.HandlerError
		if errors.As(serve(h, w, r, func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(w, r.Body)
			return err
		}), &failed) {
			w.WriteHeader(failed.StatusCode)
		}
	}))
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		size, status int
		asked        bool
	}{
		"fits":     {5000, http.StatusOK, true},
		"too long": {5001, http.StatusRequestEntityTooLarge, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t)
			client.Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
			asked := false
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { asked = true }})
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+callbackPath, strings.NewReader(repeated(test.size)))
			require.NoError(t, err)
			r.Header.Set("Expect", "100-continue")
			got, err := client.Do(r)
			require.NoError(t, err)
			defer got.Body.Close()
			body, err := io.ReadAll(got.Body)
			require.NoError(t, err)
			require.Equal(t, test.status, got.StatusCode)
			require.Equal(t, test.asked, asked)
			require.Equal(t, test.status == http.StatusOK, string(body) == repeated(test.size))
		})
	}
}

// A keep-alive connection to the app that has gone stale costs nothing: net/http begins anew, with the whole body.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	directive := stash()
	s := app.openSite(t, directive)
	token := storeData(t, s)
	h := provisioned(t, fmt.Sprintf(`{"secrets":[%q],"storage":{"backend":"memory","name":%q}}`,
		testSecret, storeName.FindStringSubmatch(directive)[1]))
	h.site = handlersIn(s.server.Routes)[0].site

	var dialed []*staleConn
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		dialed = append(dialed, &staleConn{Conn: conn})
		return dialed[len(dialed)-1], err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	for _, body := range []string{reading("1"), reading(token)} {
		r := httptest.NewRequest(http.MethodPost, callbackPath, strings.NewReader(body))
		r.Host = s.host
		require.NoError(t, serve(h, httptest.NewRecorder(), r, func(_ http.ResponseWriter, r *http.Request) error {
			out := r.Clone(r.Context())
			out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", app.Listener.Addr().String()
			got, err := transport.RoundTrip(out)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, got.Body)
			require.NoError(t, got.Body.Close())
			return err
		}))
		dialed[0].stale.Store(true)
	}
	require.Len(t, dialed, 2)
	require.Equal(t, reading(data), app.last(t).body)
}

// A staleConn fails to write when it is stale.
type staleConn struct {
	net.Conn
	stale atomic.Bool
}

func (c *staleConn) Write(p []byte) (int, error) {
	if c.stale.Load() {
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}
