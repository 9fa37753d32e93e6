package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/require"
)

// One host has one spelling.
func TestHostOf(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"app.example.com":      {"app.example.com", "APP.Example.com", "app.example.com.", "app.example.com:443", "App.example.com.:80", "app.example.com:", "app.example.com:0443"},
		"app.example.com:8443": {"app.example.com:8443", "app.EXAMPLE.com.:8443", "app.example.com:08443"},
		"[::1]":                {"[::1]", "[::1]:80"},
		"[::1]:8080":           {"[::1]:8080"},
		"10.0.0.1":             {"10.0.0.1", "10.0.0.1:443"},
		"":                     {"", ".", ":80"},
		"a:b:c":                {"a:b:c", "A:b:C"},
		"a:http":               {"a:http"},
	} {
		for _, spelling := range spellings {
			require.Equal(t, want, hostOf(&http.Request{Host: spelling}), spelling)
		}
	}
}

// sitesOf loads a whole Caddyfile and returns what each dash_stash in it serves, in the order of the addresses.
func sitesOf(t *testing.T, caddyfile string) (sites []string) {
	t.Helper()
	adapted, err := adapt(caddyfile)
	require.NoError(t, err)
	var config caddy.Config
	require.NoError(t, json.Unmarshal(adapted, &config))
	ctx, cleanUp := newContext(t)
	t.Cleanup(cleanUp)
	provisioning.Lock()
	defer provisioning.Unlock()
	loaded, err := ctx.LoadModuleByID("http", config.AppsRaw["http"])
	require.NoError(t, err)
	app := loaded.(*caddyhttp.App)
	for _, address := range strings.Fields(":1 :2 :3 127.0.0.1:1") {
		for _, server := range app.Servers {
			if server.Listen[0] != address {
				continue
			}
			routes := server.Routes
			for _, each := range routesOf(server)[1:] {
				routes = append(routes, each.routes...)
			}
			for _, h := range handlersIn(routes) {
				r := httptest.NewRequest(http.MethodPost, callbackPath, nil)
				sites = append(sites, h.siteOf(r.WithContext(context.WithValue(r.Context(), caddyhttp.ServerCtxKey, server))))
			}
		}
	}
	return sites
}

// What a handler serves is told by the server and the matchers on the way, not by what the client chooses; and stays the same where
// something else in the configuration changes.
func TestSiteOf(t *testing.T) {
	t.Parallel()
	d := stash()
	blocks := func(inside string) string { return ":1 {\n" + inside + "\n}\n" }
	two := blocks("@beta header X-Beta 1\nhandle @beta {\n" + d + "}\nhandle {\n" + d + "}")
	tests := map[string]struct {
		caddyfile string
		want      []string
	}{
		"alone":                {blocks(d), []string{":1"}},
		"with another before":  {":3 {\n respond x\n}\n" + blocks(d), []string{":1"}},
		"two ports":            {blocks(d) + ":2 {\n" + d + "}", []string{":1", ":2"}},
		"an address":           {":1 {\n bind 127.0.0.1\n" + d + "}", []string{"127.0.0.1:1"}},
		"a host":               {"http://a.example:1 {\n" + d + "}", []string{":1 host"}},
		"another host":         {"http://b.example:1, http://a.example:1 {\n" + d + "}", []string{":1 host"}},
		"a host and any":       {"http://a.example:1 {\n" + d + "}\n" + blocks(d), []string{":1 host", ":1"}},
		"by a header":          {two, []string{`:1 header{"X-Beta":["1"]}`, ":1"}},
		"by paths":             {blocks("handle_path /a/* {\n" + d + "}\nhandle /b/* {\n" + d + "}"), []string{`:1 path["/a/*"]`, `:1 path["/b/*"]`}},
		"by a matcher":         {blocks("@m {\n not header X 1\n method POST GET\n}\n" + strings.Replace(d, "dash_stash", "dash_stash @m", 1)), []string{`:1 method["POST","GET"]&not(header{"X":["1"]})`}},
		"for errors":           {blocks("error 503\nhandle_errors {\n" + d + "}"), []string{":1 errors"}},
		"for a response":       {blocks("reverse_proxy :9 {\n handle_response {\n" + d + "}\n}"), []string{":1 response 0"}},
		"a named route":        {"&(dash) {\n" + d + "}\n" + blocks("invoke dash"), []string{":1 invoke dash"}},
		"a server with a name": {"{\n servers :1 {\n name main\n }\n}\n" + blocks(d) + ":2 {\n" + d + "}", []string{"main", ":2"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, sitesOf(t, test.caddyfile))
		})
	}
}
