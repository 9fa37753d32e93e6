package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/encode/gzip" // as in each Caddy
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/encode/zstd"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// proxyFlags reads flags of dash-proxy.
func proxyFlags(t *testing.T, args ...string) (*proxyOptions, error) {
	t.Helper()
	cmd := new(cobra.Command)
	caddycmd.Commands()["dash-proxy"].CobraFunc(cmd)
	require.NoError(t, cmd.ParseFlags(args))
	return proxyFromFlags(cmd)
}

const (
	encodeJSON = `{"encodings":{"gzip":{},"zstd":{}},"handler":"encode","prefer":["zstd","gzip"]}`
	stashJSON  = `{"handler":"dash_stash","storage":{"backend":"file"}}`
	proxyJSON  = `{"handler":"reverse_proxy","upstreams":[{"dial":"127.0.0.1:8050"}]}`
)

// proxyConfig is the configuration of dash-proxy with the admin endpoint at its default address.
func proxyConfig(handlers, match, server, tls, logs string) string {
	if logs == "" {
		logs = `{"default":{"level":"WARN"}}`
	}
	if match != "" {
		match = `"match":[{"host":["` + match + `"]}],`
	}
	return `{"admin":{"listen":"localhost:2019","config":{"persist":false}},"logging":{"logs":` + logs + `},"apps":{"http":{` +
		`"grace_period":10000000000,"servers":{"srv0":{` + server + `,"routes":[{` + match + `"handle":[` + handlers + `]}]}}}` + tls + `}}`
}

func TestProxyConfig(t *testing.T) {
	t.Parallel()
	const plain = `"listen":[":8080"],"automatic_https":{"disable":true},"protocols":["h1"]`
	all := func(stash, proxy string) string { return encodeJSON + "," + stash + "," + proxy }
	standard := all(stashJSON, proxyJSON)
	for args, want := range map[string]string{
		"":                       proxyConfig(standard, "", plain, "", ""),
		"--from 8080":            proxyConfig(standard, "", plain, "", ""),
		"--to 8050":              proxyConfig(standard, "", plain, "", ""),
		"--from app.example.com": proxyConfig(standard, "app.example.com", `"listen":[":443"]`, "", ""),
		"--from app.example.com:8443 -r -i": proxyConfig(standard, "app.example.com",
			`"listen":[":8443"],"automatic_https":{"disable_redirects":true}`,
			`,"tls":{"automation":{"policies":[{"subjects":["app.example.com"],"issuers":[{"module":"internal"}]}]}}`, ""),
		"--from http://app.example.com": proxyConfig(standard, "app.example.com",
			strings.Replace(plain, "8080", "80", 1), "", ""),
		"--access-log": proxyConfig(standard, "", plain+`,"logs":{}`, "", `{"default":{"level":"WARN","exclude":["http.log.access"]},`+
			`"access":{"level":"INFO","include":["http.log.access"]}}`),
		"--debug": proxyConfig(standard, "", plain, "", `{"default":{"level":"DEBUG"}}`),
		"-c": proxyConfig(all(stashJSON, `{"handler":"reverse_proxy","headers":{"request":`+
			`{"set":{"Host":["{http.reverse_proxy.upstream.hostport}"]}}},"upstreams":[{"dial":"127.0.0.1:8050"}]}`), "", plain, "", ""),
		"--to https://a:1 --to https://b --insecure -c": proxyConfig(all(stashJSON, `{"handler":"reverse_proxy","transport":{"protocol":"http","tls":`+
			`{"insecure_skip_verify":true}},"upstreams":[{"dial":"a:1"},{"dial":"b:443"}]}`), "", plain, "", ""),
		"--to a:1,b:2 --to unix//app.sock": proxyConfig(all(stashJSON, `{"handler":"reverse_proxy","upstreams":[{"dial":"a:1"},`+
			`{"dial":"b:2"},{"dial":"unix//app.sock"}]}`), "", plain, "", ""),
		`--stores auto,memory --stores session --exclude a,{"i":1,"j":"},{"} --dry-run --storage memory`: proxyConfig(all(
			`{"dry_run":true,"exclude":["a","{\"i\":1,\"j\":\"},{\"}"],"handler":"dash_stash","storage":{"backend":"memory"},`+
				`"stores":["auto","memory","session"]}`, proxyJSON), "", plain, "", ""),
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			options, err := proxyFlags(t, strings.Fields(args)...)
			require.NoError(t, err)
			config, err := json.Marshal(options.config(caddy.DefaultAdminListen, nil))
			require.NoError(t, err)
			require.JSONEq(t, want, string(config))
		})
	}
}

func TestProxyConfigIsValid(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for _, args := range []string{"", "--from a.example.com -i", "--storage memory --stores auto,local --debug --to https://a --insecure"} {
		options, err := proxyFlags(t, strings.Fields(args)...)
		require.NoError(t, err)
		require.NoError(t, caddy.Validate(options.config("", nil)))
	}
}

func TestParseStorage(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]string{
		"memory":                       {`{"backend":"memory"}`, "memory, until this command ends"},
		"/srv/stash":                   {`{"backend":"file","path":"/srv/stash"}`, "files in /srv/stash"},
		"redis://localhost":            {`{"addresses":["redis://localhost"],"backend":"redis"}`, "redis://localhost"},
		"rediss://u:secret@h:1/2":      {`{"addresses":["rediss://u:secret@h:1/2"],"backend":"redis"}`, "rediss://u:xxxxx@h:1/2"},
		"redis://u:{env.P}@h":          {`{"addresses":["redis://u:{env.P}@h"],"backend":"redis"}`, "the Redis server that --storage names"},
		"memcached://a:11211,b:11211/": {`{"addresses":["a:11211","b:11211"],"backend":"memcached"}`, "memcached at a:11211, b:11211"},
	} {
		raw, place, err := parseStorage(value)
		require.NoError(t, err)
		require.JSONEq(t, want[0], string(raw))
		require.Equal(t, want[1], place)
	}
	_, place, err := parseStorage("file")
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(place, "dash_stash"), place)
}

func TestProxyFlagErrors(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--from :1/app":                        "--from: :1/app has a path",
		"--from ftp://a":                       "--from: ftp://a is neither http:// nor https://",
		"--from :99999":                        "--from: port 99999 is out of range",
		"--from=":                              "--from: write it as :8080",
		"--to=":                                "--to: the address of the app is missing",
		"--to ftp://a":                         "--to: unsupported URL scheme ftp://",
		"--to https://a --to http://b":         "--to: for now, all proxy upstreams must use the same scheme",
		"--from :8050":                         "127.0.0.1:8050 is the port of --from, too",
		"--storage reddis":                     `--storage: "reddis" is unknown: use file, memory, a directory`,
		"--storage mongodb://user:secret@host": `--storage: "mongodb://" is unknown`,
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			_, err := proxyFlags(t, strings.Fields(args)...)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestCheckPorts(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", ""} {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = listener.Close() })
		port := listener.Addr().(*net.TCPAddr).Port
		options, err := proxyFlags(t, "--from", fmt.Sprintf(":%d", port))
		require.NoError(t, err)
		require.EqualError(t, options.checkPorts(), fmt.Sprintf(
			"port %d is taken by another process: use another one, as --from :%d", port, port+1))
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		":8080":                 "http://localhost:8080/, and at this machine's other addresses",
		"a.example.com":         "https://a.example.com/",
		"https://a.example.com": "https://a.example.com/",
		"localhost:8443":        "https://localhost:8443/",
		"http://a.example.com":  "http://a.example.com/",
		"[::1]:8443":            "https://[::1]:8443/",
	} {
		options, err := proxyFlags(t, "--from", from)
		require.NoError(t, err)
		require.Equal(t, want, options.open())
	}
}

// told collects what a probe tells.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (t *told) tell(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

func (t *told) all() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

func TestProbe(t *testing.T) {
	t.Parallel()
	page := func(config string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<!DOCTYPE html><script id=\"_dash-config\" type=\"application/json\">"+config+"</script>")
		}
	}
	for name, test := range map[string]struct {
		paths map[string]http.HandlerFunc
		want  string // empty: it is a Dash app
	}{
		"Dash": {map[string]http.HandlerFunc{"/_dash-layout": answering(layout)}, ""},
		"under a prefix": {map[string]http.HandlerFunc{
			"/{$}": page(`{"url_base_pathname":null,"requests_pathname_prefix":"/app/"}`), "/app/_dash-layout": answering(layout),
		}, ""},
		"a prefix that is not there": {map[string]http.HandlerFunc{"/{$}": page(`{"requests_pathname_prefix":"/app/"}`)},
			"its page says that its prefix is /app/, but GET /app/_dash-layout answered 404 (text/plain)"},
		"another app": {map[string]http.HandlerFunc{"/{$}": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }},
			"GET /_dash-layout answered 404 (text/plain), and GET / answered 200 (text/html) is no page of Dash"},
		"a page for each path": {map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }},
			"GET /_dash-layout answered 200 (text/html), and GET / answered 200 (text/html)"},
		"another protocol": {map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = connection.Write([]byte("220 mail.example ESMTP\r\n"))
				_ = connection.Close()
			}
		}}, `it did not answer GET /_dash-layout: malformed HTTP`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			for path, handler := range test.paths {
				mux.Handle(path, handler)
			}
			app := httptest.NewServer(mux)
			t.Cleanup(app.Close)
			probe, err := newProbe(app.Listener.Addr().String(), false, false)
			require.NoError(t, err)
			var told told
			probe.watch(t.Context(), told.tell)
			if test.want == "" {
				require.Empty(t, told.all())
			} else {
				require.Contains(t, told.all(), "does not look like a Dash app: "+test.want)
			}
		})
	}
}

func TestProbeWaits(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	probe, err := newProbe(address, false, false)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var none told
	probe.watch(ctx, none.tell) // ends

	var told told // first nothing listens, then what listens breaks off, then it is the app
	ended := make(chan struct{})
	go func() { defer close(ended); probe.watch(t.Context(), told.tell) }()
	require.Eventually(t, func() bool { return told.all() != "" }, 10*time.Second, 10*time.Millisecond)
	listener, err = net.Listen("tcp", address)
	require.NoError(t, err)
	var asked atomic.Int32
	app := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		writeJSON(w, layout)
	}))
	app.Listener = listener
	app.Start()
	t.Cleanup(app.Close)
	<-ended
	require.Equal(t, "waiting for the app at "+address+" …\nthe app is there: "+address, told.all())
}

// What is written leaves the live line below it, whole and once.
func TestScreen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out, terminal: true, width: func() int { return 12 }}
	s.printf("one")
	s.setLive("a live line")
	s.printf("two")
	s.setLive("a longer live line")
	s.setLive("")
	require.Equal(t, "one\na live line\r\x1b[Ktwo\na live line\r\x1b[Ka longer l…\r\x1b[K", out.String())

	out.Reset()
	s = newScreen(&out)
	s.setLive("a live line")
	s.printf("one")
	require.Equal(t, "one\n", out.String())
}

// The key of the page is told on a terminal alone; elsewhere, the command that gives one.
func TestGreeting(t *testing.T) {
	t.Parallel()
	options, err := proxyFlags(t)
	require.NoError(t, err)
	for _, test := range []struct{ admin, page, watch string }{
		{caddy.DefaultAdminListen, "http://127.0.0.1:1/key/", "http://127.0.0.1:1/key/"},
		{caddy.DefaultAdminListen, "", os.Args[0] + " dash-stash page"},
		{"127.0.0.1:7", "", os.Args[0] + " dash-stash page --address 127.0.0.1:7"},
	} {
		var out bytes.Buffer
		run := newProxyRun(options, &out)
		run.greet(test.admin, false, test.page)
		require.Contains(t, out.String(), "\n  watch it  "+test.watch+"\n")
	}
}

func TestPageIsForATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cmd := pageCommand()
	cmd.SetOut(&out)
	require.ErrorIs(t, runPage(cmd, nil), errNoTerminal)
	require.Empty(t, out.String())
}

func TestSummary(t *testing.T) {
	t.Parallel()
	status := statusFixture()
	require.Equal(t, "1,234 callbacks · 1 Store offloaded · 127.0 MB saved (91.8 %) · 3 misses", summary(status, false))
	require.Equal(t, "1 callback · 1 Store offloaded · 0 B would be saved (0 %) · 0 misses", summary(status, true))
}
