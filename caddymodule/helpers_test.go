package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/encode/gzip"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/requestbody"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/spool"
)

// TestMain keeps what Caddy writes, and temporary files, in a directory of its own, and sees to it that no test leaves a
// request or a goroutine behind.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dash_stash-tests-*")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"TMPDIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		if err := os.Setenv(name, dir); err != nil {
			panic(err)
		}
	}
	caddy.DefaultStorage = &certmagic.FileStorage{Path: filepath.Join(dir, "caddy")}
	code := m.Run()
	if left := heldRequests(dir); code == 0 && len(left) > 0 {
		fmt.Println("FAIL: requests left behind:", left)
		code = 1
	}
	if left := spool.Disk.Held(); code == 0 && left > 0 {
		fmt.Println("FAIL: bytes left on the account:", left)
		code = 1
	}
	if left := decoding(); code == 0 && left > 0 {
		fmt.Println("FAIL: goroutines left behind:", left)
		code = 1
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// heldRequests lists the requests that are held in temporary files below dir, where the system tells which this process has
// open: such a file has no name.
func heldRequests(dir string) (held []string) {
	open, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range open {
		if path, err := os.Readlink(fd); err == nil && strings.HasPrefix(path, filepath.Join(dir, "dash_stash-")) {
			held = append(held, path)
		}
	}
	return held
}

// decoding counts the goroutines that decode.
func decoding() int {
	stacks := make([]byte, 4<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "caddymodule.decode(")
}

const testSecret = "a secret for tests"

// unique makes names that no other test has.
var unique atomic.Int64

// stash is a directive dash_stash with a store of its own in memory, and further options.
func stash(options ...string) string {
	return fmt.Sprintf("dash_stash {\n secret %q\n storage memory test-%d\n %s\n}\n",
		testSecret, unique.Add(1), strings.Join(options, "\n"))
}

// adapt turns a Caddyfile into JSON.
func adapt(body string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(body), nil)
	return config, err
}

// A site is Caddy's HTTP server with a configuration that is provisioned, but does not run in this process: tests with a
// site can run in parallel.
type site struct {
	*httptest.Server
	host   string
	client *http.Client
	store  storeKey // of its directive, if stash has made that
	server *caddyhttp.Server
	// cleanUp does what Caddy does with a configuration that no longer runs.
	cleanUp func()
}

// newSite serves the directives of a Caddyfile's site block. Whatever the network, its host is its own: to the catalog, each
// site is another app.
func newSite(t testing.TB, directives ...string) *site {
	t.Helper()
	server, cleanUp := provision(t, strings.Join(directives, "\n"))
	s := &site{
		Server:  httptest.NewUnstartedServer(server),
		host:    fmt.Sprintf("site-%d.test", unique.Add(1)),
		client:  newClient(t),
		store:   keyOf(strings.Join(directives, "\n")),
		server:  server,
		cleanUp: cleanUp,
	}
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// provisioning is held to provision and to clean up: Caddy's own modules expect that of one configuration at a time.
var provisioning sync.Mutex

// provision loads the directives of a Caddyfile's site block as Caddy does, up to the start.
func provision(t testing.TB, directives string) (server *caddyhttp.Server, cleanUp func()) {
	t.Helper()
	adapted, err := adapt(":9 {\n" + directives + "\n}")
	require.NoError(t, err)
	var config caddy.Config
	require.NoError(t, json.Unmarshal(adapted, &config))
	ctx, cleanUp := newContext(t)
	provisioning.Lock()
	defer provisioning.Unlock()
	app, err := ctx.LoadModuleByID("http", config.AppsRaw["http"])
	require.NoError(t, err)
	for _, server = range app.(*caddyhttp.App).Servers {
	}
	return server, cleanUp
}

// newContext returns the context of a configuration without apps, and what does with it what Caddy does with one that no
// longer runs.
func newContext(t testing.TB) (ctx caddy.Context, cleanUp func()) {
	t.Helper()
	provisioning.Lock()
	defer provisioning.Unlock()
	config := new(caddy.Config)
	config.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {
		BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)},
	}}}
	parent, err := caddy.ProvisionContext(config)
	require.NoError(t, err)
	ctx, cancel := caddy.NewContext(parent) // the parent cannot be cancelled from here
	cleanUp = sync.OnceFunc(func() {
		provisioning.Lock()
		defer provisioning.Unlock()
		cancel()
	})
	t.Cleanup(cleanUp)
	return ctx, cleanUp
}

// provisioned is a handler with options in JSON, provisioned and validated.
func provisioned(t testing.TB, options string) *Handler {
	t.Helper()
	ctx, _ := newContext(t)
	module, err := ctx.LoadModuleByID("http.handlers.dash_stash", json.RawMessage(options))
	require.NoError(t, err)
	return module.(*Handler)
}

// newClient returns a client that shows responses as they are.
func newClient(t testing.TB) *http.Client {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A response is what a client got.
type response struct {
	*http.Response
	body string
	err  error // of reading the body
}

// do sends a request, with header lines like "Accept-Encoding: gzip".
func (s *site) do(t testing.TB, method, path string, body io.Reader, header ...string) response {
	t.Helper()
	return s.send(t, s.request(t, method, path, body, header...))
}

func (s *site) send(t testing.TB, r *http.Request) response {
	t.Helper()
	got, err := s.trySend(r)
	require.NoError(t, err)
	return got
}

// trySend is send for where there may be no response.
func (s *site) trySend(r *http.Request) (response, error) {
	got, err := s.client.Do(r)
	if err != nil {
		return response{}, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return response{got, string(body), err}, nil
}

// request makes a request to the site.
func (s *site) request(t testing.TB, method, path string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	require.NoError(t, err)
	r.Host = s.host
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

const callbackPath = "/_dash-update-component"

// callback sends a callback's request.
func (s *site) callback(t testing.TB, body string, header ...string) response {
	t.Helper()
	return s.do(t, http.MethodPost, callbackPath, strings.NewReader(body), append(header, "Content-Type: application/json")...)
}

// try sends a callback's request, to which there may be no response.
func (s *site) try(t testing.TB, body string) (response, error) {
	t.Helper()
	return s.trySend(s.request(t, http.MethodPost, callbackPath, strings.NewReader(body)))
}

// open does what a browser does first: it asks for the layout and the dependencies.
func (s *site) open(t testing.TB, header ...string) {
	t.Helper()
	for _, path := range []string{"/_dash-layout", "/_dash-dependencies"} {
		require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, path, nil, header...).StatusCode)
	}
}

// references counts the references to the store with an identity.
func references(identity string) int {
	n, _ := pool.References(storeKey{identity})
	return n
}

var storeName = regexp.MustCompile(`storage memory (test-\d+)`)

// keyOf is the key of the store of a directive that stash has made.
func keyOf(directive string) storeKey {
	if name := storeName.FindStringSubmatch(directive); name != nil {
		return storeKey{"memory:" + name[1]}
	}
	return storeKey{}
}

// statsOf tells what payloads are in the store of a directive that stash has made.
func statsOf(t testing.TB, directive string) (stats storage.Stats) {
	t.Helper()
	key := keyOf(directive)
	require.Positive(t, references(key.identity), "there is no such store")
	pool.Range(func(k, value any) bool {
		if k == key {
			stats = payloadsIn(t, value.(*storeValue))
		}
		return k != key
	})
	return stats
}

// payloadsIn tells what is in a store, beside what was saved of apps.
func payloadsIn(t testing.TB, store *storeValue) storage.Stats {
	t.Helper()
	var saved []storage.Key
	_, err := storage.Purge(t.Context(), store.Limiter, func(key storage.Key, _ time.Time) bool {
		if !interceptor.IsPayload(key) {
			saved = append(saved, key)
		}
		return false
	})
	require.NoError(t, err)
	stats := storage.Stats{Entries: store.Stats().Entries, Bytes: store.Stats().Bytes}
	for _, key := range saved {
		facts, err := store.Open(t.Context(), key)
		require.NoError(t, err)
		stats.Entries--
		stats.Bytes -= facts.Size()
		require.NoError(t, facts.Close())
	}
	return stats
}

// serve calls a middleware directly, as Caddy does.
func serve(h caddyhttp.MiddlewareHandler, w http.ResponseWriter, r *http.Request, next caddyhttp.HandlerFunc) error {
	ctx := context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer())
	return h.ServeHTTP(w, r.WithContext(ctx), next)
}

// noise is a JSON string of size bytes that hardly compresses.
func noise(size int) string {
	text := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text)
	for i := range text {
		text[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"[text[i]&63]
	}
	text[0], text[size-1] = '"', '"'
	return string(text)
}

// repeated is a JSON string of size bytes.
func repeated(size int) string {
	return `"` + string(bytes.Repeat([]byte("d"), size-2)) + `"`
}
