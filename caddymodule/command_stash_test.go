package caddymodule

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// statusFixture has an app that is live, and one in a dry run.
func statusFixture() Status {
	figures := Figures{
		Callbacks: 1234, Up: Traffic{1_200_000, 48_300_000}, Down: Traffic{10_200_000, 90_100_000},
		Saved: Saved{47_100_000, 79_900_000}, Offloaded: Values{12, 34_100_000}, Restored: Values{30, 47_300_000},
		Missed: map[string]int64{"gone": 2, "unreadable": 1}, Seconds: Seconds{1200, 100, 2.5},
	}
	df := StoreStatus{
		ID: "df", StorageType: "memory", Decision: "offloaded", Reason: "offloaded", Explanation: "Its data is kept here.",
		LastBytes: 19_000_000, LastUsed: new(began.Add(time.Hour)), Figures: Figures{
			Saved: Saved{40_000_000, 70_000_000}, Offloaded: Values{12, 34_100_000},
			Inline: map[string]Values{"below_min_size": {3, 1100}}, Missed: map[string]int64{"gone": 2},
		},
	}
	chart := StoreStatus{
		ID: "chart", StorageType: "memory", Decision: "inline", Reason: "clientside", Clientside: "app.draw -> graph.figure",
		Explanation: "A clientside callback reads it.", LastBytes: 999_960,
	}
	return Status{
		Since: began, Now: began.Add(2 * time.Hour), Live: figures, DryRun: Figures{Callbacks: 1},
		Apps: []AppStatus{
			{App: "localhost:8080", Mode: modeLive, LastUsed: began.Add(time.Hour), Figures: figures, Stores: []StoreStatus{df, chart}},
			{App: "evil\x1b[2J.example/", Namespace: "sales", Mode: modeDryRun, LastUsed: began, Figures: Figures{Callbacks: 1}},
		},
		Storages: []StorageStatus{
			{Storage: "file", Place: "/var/lib/" + strings.Repeat("long/", 30), Entries: new(int64(1200)), Bytes: new(int64(34_100_000)),
				MaxBytes: 1 << 30, Evicted: new(int64(5)), Expired: new(int64(0)), Available: true},
			{Storage: "memcached", Place: "127.0.0.1:11211"},
		},
		Misses: []Miss{{Time: began.Add(time.Hour), App: "localhost:8080", Store: "df", Cause: "gone"}},
	}
}

// An adminStub is an admin endpoint that answers with what it was given, and remembers what it was asked.
type adminStub struct {
	*httptest.Server
	status int
	body   string
	asked  []string
}

func newAdminStub(t *testing.T, status int, answer any) *adminStub {
	t.Helper()
	stub := &adminStub{status: status}
	if text, ok := answer.(string); ok {
		stub.body = text
	} else {
		text, err := json.Marshal(answer)
		require.NoError(t, err)
		stub.body = string(text)
	}
	stub.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		stub.asked = append(stub.asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+r.Header.Get("Content-Type")+" "+string(body)))
		w.WriteHeader(stub.status)
		_, _ = io.WriteString(w, stub.body)
	}))
	t.Cleanup(stub.Close)
	return stub
}

func (a *adminStub) address() string { return a.Listener.Addr().String() }

// execute runs a command, and returns what it printed.
func execute(cmd *cobra.Command, args ...string) (string, error) {
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SilenceUsage = true // as Caddy has it
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestCommandStatus(t *testing.T) {
	t.Parallel()
	stub := newAdminStub(t, http.StatusOK, statusFixture())
	out, err := execute(statusCommand(), "--address", stub.address())
	require.NoError(t, err)
	require.Equal(t, []string{"GET /dash_stash/status"}, stub.asked)
	for _, want := range []string{
		"for 2 h",
		"browser to server  48.3 MB   1.2 MB  47.1 MB  97.5 %",
		"server to browser  90.1 MB  10.2 MB  79.9 MB  88.7 %",
		"1,234 callbacks, 2.5 % of their time in Dashstash\n12 values (34.1 MB) offloaded, 30 (47.3 MB) restored; 3 misses",
		"Would be saved (dry run)",
		"localhost:8080: 1,234 callbacks, used 60 min ago",
		"df     memory  offloaded  110.0 MB     19.0 MB       2  3 inline: below_min_size",
		"chart  memory  inline          0 B      1.0 MB       0  clientside: app.draw -> graph.figure",
		"evil·[2J.example/, namespace sales, dry run: 1 callback,",
		"file         1,200  34.1 MB  1.1 GB        5        0  /var/lib/long/",
		"memcached        ?        ?       -        ?        ?  127.0.0.1:11211 (unavailable)",
		"60 min ago   gone   df     localhost:8080",
	} {
		require.Contains(t, out, want)
	}
	for line := range strings.Lines(out) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), tableWidth+len("\n"), line)
	}
	require.NotContains(t, out, "\x1b")

	out, err = execute(statusCommand(), "--address", stub.address(), "--json")
	require.NoError(t, err)
	require.Equal(t, stub.body+"\n", out)
}

func TestCommandStatusBefore(t *testing.T) {
	t.Parallel()
	stub := newAdminStub(t, http.StatusOK, Status{Since: began, Now: began})
	out, err := execute(statusCommand(), "--address", stub.address())
	require.NoError(t, err)
	require.Contains(t, out, "No app has been used yet")
}

func TestCommandExplain(t *testing.T) {
	t.Parallel()
	app := statusFixture().Apps[0]
	explanation := Explanation{Stores: []ExplainedStore{
		{StoreStatus: app.Stores[0], App: app.App, Mode: modeLive},
		{StoreStatus: app.Stores[1], App: app.App, Namespace: "sales", Mode: modeDryRun},
	}}
	stub := newAdminStub(t, http.StatusOK, explanation)
	out, err := execute(explainCommand(), `{"index":1}`, "--address", stub.address(), "--app", "a/b", "--namespace", "")
	require.NoError(t, err)
	require.Equal(t, []string{"GET /dash_stash/store?app=a%2Fb&id=%7B%22index%22%3A1%7D&namespace="}, stub.asked)
	for _, want := range []string{
		"Store df of localhost:8080\nIts data is kept here.\n",
		"  offloaded     12 values, 34.1 MB\n", "  inline        3 values, 1.1 kB: below_min_size\n", "  missed        2: gone\n",
		"  saved         40.0 MB to the server, 70.0 MB to the browser\n",
		"Store chart of localhost:8080, namespace sales, dry run\nA clientside callback reads it.\n",
		"  read by       app.draw -> graph.figure\n",
	} {
		require.Contains(t, out, want)
	}
	out, err = execute(explainCommand(), "df", "--address", stub.address(), "--json")
	require.NoError(t, err)
	require.Equal(t, stub.body+"\n", out)

	stub = newAdminStub(t, http.StatusOK, Explanation{Similar: []string{"df", "df2"}})
	out, err = execute(explainCommand(), "dff", "--address", stub.address())
	require.ErrorContains(t, err, `no Store "dff" has been seen`)
	require.ErrorContains(t, err, "similar ids: df, df2")
	require.Empty(t, out)

	_, err = execute(explainCommand(), "a", "b")
	require.ErrorContains(t, err, "explain takes the id of one Store, not 2")
}

func TestCommandPurge(t *testing.T) {
	t.Parallel()
	purged := Purged{Entries: 1200, Bytes: 34_100_000, Storages: []PurgedStorage{
		{Storage: "file", Place: "/data", Entries: 1000, Bytes: 34_000_000}, {Storage: "memory", Entries: 200, Bytes: 100_000},
	}}
	for args, body := range map[string]string{
		"--all":                             `{"all":true}`,
		"--namespace=":                      `{"namespace":""}`,
		"--namespace=n --app=a/ --store=df": `{"namespace":"n","app":"a/","store":"df"}`,
		"--older-than 2h":                   `{"older_than":"2h"}`,
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			stub := newAdminStub(t, http.StatusOK, purged)
			out, err := execute(purgeCommand(), append(strings.Fields(args), "--yes", "--address", stub.address())...)
			require.NoError(t, err)
			require.Equal(t, []string{"POST /dash_stash/purge application/json " + body}, stub.asked)
			require.Contains(t, out, "Removed 1,200 entries, 34.1 MB\n")
			require.Contains(t, out, "file       1,000   34.0 MB  /data\n")
		})
	}
	for args, want := range map[string]string{
		"":               "use --all, or some of --namespace, --app, --store, --older-than",
		"--all --app=a":  "--all goes alone",
		"--store= --yes": "--store is empty",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			_, err := execute(purgeCommand(), strings.Fields(args)...)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestConfirmed(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "\n": false, "": false, "no\n": false, "yesterday\n": false} {
		var out bytes.Buffer
		require.Equal(t, want, confirmed(strings.NewReader(answer), &out, "Remove? "), answer)
		require.Equal(t, "Remove? ", out.String())
	}
}

func TestCommandErrors(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = execute(statusCommand(), "--address", closed)
	require.EqualError(t, err, "no Caddy answers at "+closed+": is it running? another address: --address (connection refused)")

	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"the API's own words": {http.StatusBadRequest, `{"error":"older_than: \"x\" is no duration"}`, `older_than: "x" is no duration`},
		"no dash_stash":       {http.StatusNotFound, "404 page not found\n", "has no dash_stash in it"},
		"another error":       {http.StatusInternalServerError, "", "answered with 500 Internal Server Error"},
		"another server":      {http.StatusOK, "<html>", "is no Caddy with dash_stash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := execute(statusCommand(), "--address", newAdminStub(t, test.status, test.body).address())
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err = execute(statusCommand(), "--address", "localhost:1-5")
	require.ErrorContains(t, err, "is no address of an admin endpoint")
}

// The admin endpoint may be a Unix socket, written with its permissions.
func TestCommandUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "admin.sock")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	server := &http.Server{Handler: answering(`{"apps":[]}`), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	for _, address := range []string{"unix/" + path, "unix/" + path + "|0600"} {
		out, err := execute(statusCommand(), "--json", "--address", address)
		require.NoError(t, err)
		require.Equal(t, "{\"apps\":[]}\n", out)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", -2_000_000: "-2.0 MB",
		999_949_999: "999.9 MB", 999_950_000: "1.0 GB", 1_234_567_890_123: "1,234.6 GB",
	} {
		require.Equal(t, want, formatSize(bytes))
	}
	for duration, want := range map[time.Duration]string{
		-time.Second: "0 s", 90 * time.Second: "90 s", 3 * time.Minute: "3 min", 5 * time.Hour: "5 h", 50 * time.Hour: "2 days",
	} {
		require.Equal(t, want, formatDuration(duration))
	}
	require.Equal(t, "0 %", formatPercent(0, 0))
}
