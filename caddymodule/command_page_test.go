package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newPage starts a server of the page before an admin endpoint.
func newPage(t *testing.T, admin http.HandlerFunc) *pageServer {
	t.Helper()
	server := httptest.NewServer(admin)
	t.Cleanup(server.Close)
	client, err := newAdminClient(server.Listener.Addr().String())
	require.NoError(t, err)
	page, err := startPage(client, 0)
	require.NoError(t, err)
	t.Cleanup(page.close)
	return page
}

func TestPageForwards(t *testing.T) {
	t.Parallel()
	page := newPage(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/css")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s from %s, cookie %q", r.Method, r.RequestURI, r.Header.Get("Content-Type"), body,
			r.Header.Get("Origin"), r.Header.Get("Cookie"))
	})
	request, err := http.NewRequest(http.MethodPost, page.url()+"purge?a=b%20c", strings.NewReader(`{"all":true}`))
	require.NoError(t, err)
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("Origin", "http://"+page.host)
	request.Header.Set("Sec-Fetch-Mode", "cors")
	request.Header.Set("Cookie", "a=b")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, `POST /dash_stash/purge?a=b%20c application/json {"all":true} from `+page.admin.origin+`, cookie ""`, string(body))
	require.Equal(t, http.StatusTeapot, response.StatusCode)
	require.Equal(t, "text/css", response.Header.Get("Content-Type"))
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	require.Equal(t, "same-origin", response.Header.Get("Referrer-Policy"))
	require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
}

// Only who knows the key reaches anything, under the name that was printed, and nothing but our part of the admin endpoint.
func TestPageRefuses(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	page := newPage(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r.RequestURI })
	other := strings.Repeat("A", len(page.key))
	require.NotEqual(t, other, page.key)
	for _, test := range []struct{ host, target string }{
		{page.host, "/"},
		{page.host, "/" + page.key},
		{page.host, "/" + other + "/"},
		{page.host, "/" + page.key[1:] + "/"},
		{page.host, "//" + page.key + "/"},
		{page.host, "/" + page.key + "/../config/"},
		{page.host, "/" + page.key + "/..%2fconfig/"},
		{page.host, "/" + page.key + "/%2e%2e/config/"},
		{page.host, "/" + page.key + "/%252e%252e/config/"},
		{page.host, "/" + page.key + `/..\config/`},
		{page.host, "/" + page.key + "/status%20HTTP/1.1"},
		{"evil.example", "/" + page.key + "/status"},
		{"localhost" + strings.TrimPrefix(page.host, "127.0.0.1"), "/" + page.key + "/status"},
	} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Host = test.host
		url, err := request.URL.Parse("http://x/")
		require.NoError(t, err)
		url.Path, url.RawPath = test.target, test.target
		request.URL = url
		w := httptest.NewRecorder()
		page.ServeHTTP(w, request)
		require.Equal(t, http.StatusNotFound, w.Code, "%+v", test)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
	require.Empty(t, asked)
	response, err := http.Get(page.url())
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "/dash_stash/", <-asked)
}

// Events come as they are sent. When the browser goes, the admin endpoint's request ends; when the admin endpoint ends them, so
// does the browser's.
func TestPageStreams(t *testing.T) {
	t.Parallel()
	ended, end := make(chan struct{}), make(chan struct{})
	page := newPage(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/dash_stash/ends" {
			<-end
			return
		}
		<-r.Context().Done()
		close(ended)
	})
	for _, path := range []string{"events", "ends"} {
		response, err := http.Get(page.url() + path)
		require.NoError(t, err)
		line, err := bufio.NewReader(response.Body).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "data: 1\n", line)
		if path == "ends" {
			close(end)
			_, err := io.ReadAll(response.Body)
			require.NoError(t, err)
		}
		require.NoError(t, response.Body.Close())
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the request goes on at the admin endpoint")
	}
}

func TestPageWithoutCaddy(t *testing.T) {
	t.Parallel()
	client, err := newAdminClient("127.0.0.1:1")
	require.NoError(t, err)
	page, err := startPage(client, 0)
	require.NoError(t, err)
	t.Cleanup(page.close)
	response, err := http.Get(page.url() + "status")
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusBadGateway, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), "no Caddy answers at 127.0.0.1:1")
}
