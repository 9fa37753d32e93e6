package caddymodule

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// A running is Caddy as it runs in this process, of which there is one: its tests are not parallel.
type running struct {
	site
	dir    string
	socket string // of the configuration that runs
}

// run loads a first configuration.
func run(t *testing.T, directives ...string) *running {
	t.Helper()
	r := &running{dir: t.TempDir()}
	r.store = keyOf(strings.Join(directives, "\n"))
	r.Server = &httptest.Server{URL: "http://caddy.test"}
	r.host = fmt.Sprintf("site-%d.test", unique.Add(1))
	r.client = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", r.socket)
		},
	}}
	require.NoError(t, r.load(t, directives...))
	t.Cleanup(func() { require.NoError(t, caddy.Stop()) })
	return r
}

// load loads a configuration in place of the one that runs. Each listens on a socket of its own: the server that stops would
// still accept connections for a while. The server has a name, so that the site is the same all the same.
func (r *running) load(t *testing.T, directives ...string) error {
	t.Helper()
	socket := filepath.Join(r.dir, fmt.Sprint(unique.Add(1)))
	adapted, err := adapt("{\n admin off\n persist_config off\n log {\n output discard\n }\n}\n" +
		"http:// {\n bind unix/" + socket + "\n" + strings.Join(directives, "\n") + "\n}")
	require.NoError(t, err)
	adapted = bytes.Replace(adapted, []byte(`"srv0"`), []byte(`"main"`), 1)
	if err := caddy.Load(adapted, true); err != nil {
		return err
	}
	r.socket = socket
	return nil
}

// counts are the references to all that is in the pool.
func counts() map[any]int {
	all := make(map[any]int)
	pool.Range(func(key, _ any) bool {
		all[key], _ = pool.References(key)
		return true
	})
	return all
}

func TestReload(t *testing.T) {
	start := counts()
	data := repeated(5000)
	answer, asked, goOn := setting("df", data), make(chan struct{}), make(chan struct{})
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Wait") != "" {
			asked <- struct{}{}
			<-goOn
		}
		writeJSON(w, answer)
	})
	directive := stash()
	r := run(t, directive, app.proxy())
	r.open(t)
	token := storeData(t, &r.site)
	loaded := counts()

	t.Run("keeps the data and what is known of the app", func(t *testing.T) {
		require.NoError(t, r.load(t, directive, "header X-New yes", app.proxy()))
		got := r.callback(t, reading(token))
		require.Equal(t, "yes", got.Header.Get("X-New"))
		require.Equal(t, reading(data), app.last(t).body)
		require.Equal(t, token, tokenIn(t, got.body))
		require.Equal(t, loaded, counts())
	})

	t.Run("lets what is in flight finish", func(t *testing.T) {
		done := make(chan response)
		go func() { done <- r.callback(t, reading(token), "X-Wait: yes") }()
		<-asked
		require.NoError(t, r.load(t, directive, app.proxy()))
		require.NoError(t, r.load(t, app.proxy()), "nobody has the store any more but that request")
		require.Positive(t, statsOf(t, directive).Entries)
		close(goOn)
		got := <-done
		require.NoError(t, got.err)
		require.Equal(t, token, tokenIn(t, got.body))
		require.Eventually(t, func() bool { return len(counts()) == len(start) }, patience, interval, "all is released")
	})

	t.Run("forgets what no configuration has", func(t *testing.T) {
		require.NoError(t, r.load(t, directive, app.proxy()))
		r.open(t)
		r.callback(t, reading(token))
		require.Equal(t, reading("null"), app.last(t).body)
	})
	require.NoError(t, caddy.Stop())
	require.Equal(t, start, counts())
}

func TestReloadAppliesLimits(t *testing.T) {
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		writeJSON(w, setting("df", repeated(5000+len(body))))
	})
	directive := stash()
	name := storeName.FindStringSubmatch(directive)[1]
	limited := strings.Replace(directive, name, name+" {\n max_size 6KB\n }", 1)
	r := run(t, directive, app.proxy())
	r.open(t)
	r.callback(t, reading())
	require.Equal(t, storage.Stats{Entries: 1, Bytes: 5000}, statsOf(t, directive))

	require.Error(t, r.load(t, limited, stash("on_missing later"), app.proxy()))
	require.NoError(t, r.load(t, directive, app.proxy()))
	r.callback(t, reading())
	require.Equal(t, storage.Stats{Entries: 1, Bytes: 5000}, statsOf(t, directive), "a rejected limit changes nothing")

	smaller := strings.Replace(limited, "6KB", "4KB", 1)
	require.NoError(t, r.load(t, smaller, app.proxy()))
	got := r.callback(t, reading())
	require.Equal(t, setting("df", repeated(5000)), got.body, "it no longer fits")
	require.Zero(t, statsOf(t, directive))

	require.NoError(t, r.load(t, limited, app.proxy()))
	tokenIn(t, r.callback(t, reading()).body)
}

// A configuration that is rejected, at whatever stage, leaves the one that runs as it is, and holds on to nothing.
func TestRejectedReload(t *testing.T) {
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	directive := stash()
	r := run(t, directive, app.proxy())
	r.open(t)
	token := storeData(t, &r.site)
	before := counts()
	with := func(option string) string { return strings.Replace(directive, "{", "{\n "+option, 1) }

	for name, rejected := range map[string][]string{
		"before anything is acquired":   {with("stores df auto")},
		"at the secret":                 {strings.Replace(directive, testSecret, "short", 1)},
		"at the storage's options":      {"dash_stash {\n storage file {env.DASH_STASH_UNSET}\n}"},
		"at the storage's place":        {"dash_stash {\n storage file /dev/null/dash_stash\n}"},
		"when validated":                {with("on_missing later")},
		"when validated, a new store":   {stash("on_missing later")},
		"by the second handler":         {directive, stash("namespace b", "ttl 1ms")},
		"by the second, the same store": {directive, with("ttl 1ms")},
		"by another module":             {directive, "uri path_regexp ( x"},
		"when it starts":                {directive, "bind 192.0.2.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			rejected = append(rejected, app.proxy())
			for range 2 {
				require.Error(t, r.load(t, rejected...))
				require.Equal(t, before, counts())
			}
			got := r.callback(t, reading(token))
			require.Equal(t, token, tokenIn(t, got.body))
			require.Equal(t, reading(data), app.last(t).body)
			require.Equal(t, before, counts())
		})
	}
}

// A request that comes to a handler after its clean-up, as one on a kept connection can, is served, and holds on to nothing.
func TestRequestAfterCleanUp(t *testing.T) {
	start := counts()
	app := newDash(t, answering(setting("df", repeated(5000))))
	s := app.openSite(t, stash())
	token := storeData(t, s)
	s.cleanUp()
	require.Equal(t, start, counts())
	got := s.callback(t, reading(token))
	require.Equal(t, reading("null"), app.last(t).body)
	require.Equal(t, token, tokenIn(t, got.body))
	require.Eventually(t, func() bool { return len(counts()) == len(start) }, patience, interval)
}
