package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/require"
)

// Whatever is no callback and tells nothing of the app gets the very writer and request that came in.
func TestOtherRequests(t *testing.T) {
	t.Parallel()
	h := provisioned(t, `{"storage":{"backend":"memory","name":"other requests"}}`)
	for _, request := range []string{
		"GET /", "POST /", "GET /_dash-update-component", "HEAD /_dash-layout", "OPTIONS /_dash-update-component",
		"PUT /_dash-update-component", "POST /_dash-layout", "POST /_dash-update-component/", "GET /my_dash-layout",
		"GET /_dash-component-suites/dash/dcc/async-graph.js", "GET /_reload-hash", "POST /_dash-update-components",
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(request, " ")
			w := httptest.NewRecorder()
			r := httptest.NewRequest(method, path, strings.NewReader("body"))
			called := false
			require.NoError(t, h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(gotW http.ResponseWriter, gotR *http.Request) error {
				called = true
				require.Same(t, w, gotW)
				require.Same(t, r, gotR)
				return nil
			})))
			require.True(t, called)
		})
	}
}

// Neither a prefix of any depth nor a query makes a difference.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"/app", "/a/b/c"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			app := newDash(t, answering(setting("df", repeated(5000))))
			s := newSite(t, "route {", stash(), "uri strip_prefix "+prefix, app.proxy(), "}")
			for _, path := range []string{"/_dash-layout", "/_dash-dependencies"} {
				require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, prefix+path, nil).StatusCode)
			}
			got := s.do(t, http.MethodPost, prefix+callbackPath+"?endId=df", strings.NewReader(reading()))
			tokenIn(t, got.body)
		})
	}
}

// A response to a callback that cannot be rewritten is as it would be without us.
func TestUntouchedResponses(t *testing.T) {
	t.Parallel()
	body := setting("df", repeated(5000))
	tests := map[string]struct {
		status int
		header []string
		body   string
	}{
		"prevented update":     {http.StatusNoContent, nil, ""},
		"not modified":         {http.StatusNotModified, []string{`Etag: "app's"`}, ""},
		"part":                 {http.StatusPartialContent, []string{"Content-Type: application/json", "Content-Range: bytes 0-9/99"}, body},
		"error page":           {http.StatusInternalServerError, []string{"Content-Type: text/html"}, "<pre>Traceback</pre>"},
		"error in JSON":        {http.StatusBadRequest, []string{"Content-Type: application/json"}, body},
		"created":              {http.StatusCreated, []string{"Content-Type: application/json"}, body},
		"redirect":             {http.StatusFound, []string{"Location: /login"}, ""},
		"HTML":                 {http.StatusOK, []string{"Content-Type: text/html"}, body},
		"JSON of another kind": {http.StatusOK, []string{"Content-Type: application/ld+json"}, body},
		"text":                 {http.StatusOK, []string{"Content-Type: text/plain"}, body},
		"no-transform": {
			http.StatusOK, []string{"Content-Type: application/json", "Cache-Control: private, no-transform", `Etag: "app's"`}, body,
		},
		"unknown coding": {http.StatusOK, []string{"Content-Type: application/json", "Content-Encoding: own"}, body},
		"two codings":    {http.StatusOK, []string{"Content-Type: application/json", "Content-Encoding: gzip, br"}, body},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
				for _, line := range test.header {
					name, value, _ := strings.Cut(line, ": ")
					w.Header()[name] = []string{value}
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			directive := stash()
			requireSame(t, newSite(t, app.proxy()).callback(t, reading()), app.openSite(t, directive).callback(t, reading()))
			require.Zero(t, statsOf(t, directive))
		})
	}
}

// A callback whose outputs are no Store that is offloaded passes as if we were not there, however long the response.
func TestOtherOutputs(t *testing.T) {
	t.Parallel()
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Accepted", r.Header.Get("Accept-Encoding"))
		writeJSON(w, setting("df", repeated(100_000)))
	})
	directive := stash()
	plain, ours := newSite(t, app.proxy()), app.openSite(t, directive)
	for _, output := range []string{"graph.figure", "df.modified_timestamp", "..graph.figure...unknown.data.."} {
		requireSame(t, plain.callback(t, request(output)), ours.callback(t, request(output)))
	}
	require.Zero(t, statsOf(t, directive).Entries)
}

// requireSame wants two responses to be equal, to the header.
func requireSame(t *testing.T, want, got response) {
	t.Helper()
	require.NoError(t, want.err)
	require.NoError(t, got.err)
	want.Header.Del("Date")
	got.Header.Del("Date")
	require.Equal(t, want.StatusCode, got.StatusCode)
	require.Equal(t, want.Header, got.Header)
	require.Equal(t, want.ContentLength, got.ContentLength)
	require.Equal(t, want.TransferEncoding, got.TransferEncoding)
	require.Equal(t, want.Trailer, got.Trailer)
	require.True(t, want.body == got.body, "got %.300s", got.body)
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	body := setting("df", repeated(5000))
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, body)
		w.Header().Set("X-Sum", "17")
	})
	got := app.openSite(t, stash()).callback(t, reading())
	require.Equal(t, body, got.body)
	require.Equal(t, http.Header{"X-Sum": {"17"}}, got.Trailer)
}

func TestInformationalResponses(t *testing.T) {
	t.Parallel()
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		writeJSON(w, setting("df", repeated(5000)))
	})
	s := app.openSite(t, stash())
	var hints []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, header.Get("Link")))
			return nil
		},
	})
	got := s.send(t, s.request(t, http.MethodPost, callbackPath, strings.NewReader(reading())).WithContext(ctx))
	require.Equal(t, http.StatusOK, got.StatusCode)
	tokenIn(t, got.body)
	require.Equal(t, []string{"103</style.css>; rel=preload"}, hints)
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"short": 5000, "long": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Etag", `"app's"`)
				w.Header().Set("Server-Timing", "app;dur=1")
				writeJSON(w, setting("df", repeated(size)))
			})
			directive := stash("dry_run")
			plain, dry := newSite(t, app.proxy()), app.openSite(t, directive)
			header := "Accept-Encoding: br;q=0.5, gzip"
			requireSame(t, plain.callback(t, reading(), header), dry.callback(t, reading(), header))
			require.Zero(t, statsOf(t, directive))

			want, got := app.seen[0], app.seen[1]
			for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-For"} {
				want.header.Del(name)
				got.header.Del(name)
			}
			require.Equal(t, want, got, "the app gets the same")
		})
	}
}

// Tokens that are out already are opened in a dry run too.
func TestDryRunOpensTokens(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	directive := stash()
	s := app.openSite(t, directive)
	token := storeData(t, s)
	app.besideSite(t, s, strings.Replace(directive, "{", "{\n dry_run", 1)).callback(t, reading(token))
	require.Equal(t, reading(data), app.last(t).body)
}

// A client that takes HTTP/2 without TLS.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	data := repeated(200 << 10)
	app := newDash(t, answering(setting("df", data)))
	s := app.openSite(t, stash())
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport}

	out := s.callback(t, reading())
	require.Equal(t, 2, out.ProtoMajor)
	require.Equal(t, int64(len(out.body)), out.ContentLength)
	s.do(t, http.MethodPost, callbackPath, io.MultiReader(strings.NewReader(reading(tokenIn(t, out.body)))))
	require.True(t, reading(data) == app.last(t).body)
	require.Equal(t, int64(len(reading(data))), app.last(t).length, "no length came in, one goes out")
}
