package caddymodule

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const deleteKey = `{"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"Delete","location":["k"],"params":{}}]}`

// big is data of a Store that has a key k.
var big = `{"k":1,"text":` + repeated(5000) + `}`

// answers is an app's answer to a callback, by the request's output.
func answers(byOutput map[string]string) func(w http.ResponseWriter, body string) {
	return func(w http.ResponseWriter, body string) {
		for output, answer := range byOutput {
			if strings.Contains(body, fmt.Sprintf(`"output":%q`, output)) {
				writeJSON(w, answer)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// byOutput starts an app that answers a callback by its output.
func byOutput(t testing.TB, byOutput map[string]string) *dash {
	t.Helper()
	answer := answers(byOutput)
	var d *dash
	d = newDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		answer(w, d.last(t).body)
	})
	return d
}

// Two handlers in named routes that only a header tells apart serve two apps.
func TestNamedRoutesAreTwoSites(t *testing.T) {
	t.Parallel()
	one, two := newDash(t, answering(setting("df", big))), newDash(t, answering(setting("df", big)))
	directive := stash("on_missing error")
	s := newSite(t, "@other header X-App other\nhandle @other {\ninvoke two\n}\nhandle {\ninvoke one\n}\n}\n"+
		"&(one) {\nroute {\n"+directive+"reverse_proxy "+one.Listener.Addr().String()+"\n}\n}\n"+
		"&(two) {\nroute {\n"+directive+"reverse_proxy "+two.Listener.Addr().String()+"\n}")
	s.open(t)
	s.open(t, "X-App: other")
	token := storeData(t, s)
	require.Equal(t, http.StatusOK, s.callback(t, reading(token)).StatusCode)
	require.Equal(t, http.StatusGone, s.callback(t, reading(token), "X-App: other").StatusCode, "the other app has got this one's data")
}

// With scope, nobody learns that somebody else has the same data: also not by how long it is kept.
func TestScopeHidesEqualData(t *testing.T) {
	t.Parallel()
	app := byOutput(t, map[string]string{
		"df.data": setting("df", big), "..df.data..": setting("df", `{"k":2,"text":`+repeated(5000)+`}`), "x.y": `{"response":{}}`,
	})
	s := app.openSite(t, stash("scope {http.request.header.X-User}", "ttl 2s", "on_missing error"))
	victims := tokenIn(t, s.callback(t, request("df.data"), "X-User: victim").body)
	guess := tokenIn(t, s.callback(t, request("df.data"), "X-User: spy").body)
	control := tokenIn(t, s.callback(t, request("..df.data.."), "X-User: spy").body)
	raw, err := base64.RawURLEncoding.DecodeString(control[15:23])
	require.NoError(t, err)
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		require.Equal(t, http.StatusOK, s.callback(t, request("x.y", victims), "X-User: victim").StatusCode)
	}
	got := s.do(t, http.MethodPost, "/_dash-stash/gone?namespace="+hex.EncodeToString(raw[1:5]),
		strings.NewReader("["+guess+","+control+"]"), "X-User: spy")
	require.Contains(t, []string{"[true,true]", "[false,false]"}, strings.TrimSpace(got.body), "the spy learns that the victim has this data")
}

// Of a scope of several placeholders, each has a value of its own.
func TestScopeOfSeveralPlaceholders(t *testing.T) {
	t.Parallel()
	for scope, users := range map[string][2][]string{
		"{http.request.header.X-Org}{http.request.header.X-User}":  {{"X-Org: a", "X-User: bc"}, {"X-Org: ab", "X-User: c"}},
		"{http.request.header.X-Org}-{http.request.header.X-User}": {{"X-Org: a-b", "X-User: c"}, {"X-Org: a", "X-User: b-c"}},
	} {
		app := newDash(t, answering(setting("df", big)))
		s := app.openSite(t, stash("on_missing error", "scope "+scope))
		token := tokenIn(t, s.callback(t, reading(), users[0]...).body)
		require.Equal(t, http.StatusOK, s.callback(t, reading(token), users[0]...).StatusCode)
		require.Equal(t, http.StatusGone, s.callback(t, reading(token), users[1]...).StatusCode, "%s: another user's token opens", scope)
	}
}

// A stranger does not keep the app from being asked as its user, by whatever the app tells the two apart.
func TestStrangerByAnotherHeader(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"Cookie: session=ann", "Authorization: Bearer ann", "X-Forwarded-User: ann", "X-Api-Key: ann"} {
		name, _, _ := strings.Cut(user, ": ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newDescribed(t, "")
			app.change(func(d *described) {
				d.refuse = func(r *http.Request) int {
					if r.Header.Get(name) == "" {
						return http.StatusUnauthorized
					}
					return 0
				}
			})
			s := newSite(t, stash(), app.proxy())
			s.callback(t, reading())
			require.True(t, s.offloads(t, user))
		})
	}
}

const pageText = `<html><script id="_dash-config" type="application/json">{"requests_pathname_prefix":"/","children_props":%s}</script>` +
	`<script src="/_dash-component-suites/dash/dash-renderer/build/dash_renderer.v%sm1.min.js"></script></html>`

// A page that a user has made, and the app shows, is not the app's page.
func TestPageOfAUser(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) *site {
		app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/":
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				fmt.Fprintf(w, pageText, "{}", "3_0_0")
			case "/files/mine.html":
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				fmt.Fprintf(w, pageText, `{"dash_table":{"DataTable":["tooltips[]"]}}`, "2_0_0")
			default:
				writeJSON(w, `{"multi":true,"response":{"df":{"data":`+big+`},"page":{"children":{"props":{"id":"table","tooltips":`+
					`[{"props":{"id":"df"},"type":"Div","namespace":"h"}]},"type":"DataTable","namespace":"dash_table"}}}}`)
			}
		})
		s := newSite(t, stash(), "reverse_proxy "+app.Listener.Addr().String())
		s.do(t, http.MethodGet, "/", nil, "Accept: text/html")
		s.open(t)
		return s
	}
	t.Run("reload", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		gone := `{"$dashstash":"` + strings.Repeat("A", 80) + `"}`
		require.Contains(t, s.callback(t, reading(gone)).body, "reload.js")
		s.do(t, http.MethodGet, "/files/mine.html", nil, "Accept: text/html")
		require.Contains(t, s.callback(t, reading(gone)).body, "reload.js", "the app has got null in the place of another's data")
	})
	t.Run("places of components", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.do(t, http.MethodGet, "/files/mine.html", nil, "Accept: text/html")
		s.callback(t, request("page.children"))
		require.True(t, s.offloads(t), "rows of a table count as components")
	})
}

// An :authority with a slash in it is no host.
func TestAuthorityWithASlash(t *testing.T) {
	t.Parallel()
	app := newDash(t, answering(setting("df", big)))
	s := app.openSite(t, stash("on_missing error"))
	for _, path := range []string{"/a/_dash-layout", "/a/_dash-dependencies"} { // as of an app of its own
		s.do(t, http.MethodGet, path, nil)
	}
	require.Equal(t, "200", h2c(t, s, s.host, "/_dash-layout"))
	status := h2c(t, s, s.host+"/a", "/_dash-layout")
	require.Equal(t, "400", status)
}

// h2c sends a GET by HTTP/2, and returns its status.
func h2c(t *testing.T, s *site, authority, path string) (status string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	framer := http2.NewFramer(conn, conn)
	require.NoError(t, framer.WriteSettings())
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", authority}, {":path", path}} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}))
	decoder := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			status = f.Value
		}
	})
	for status == "" {
		frame, err := framer.ReadFrame()
		require.NoError(t, err)
		switch frame := frame.(type) {
		case *http2.HeadersFrame:
			_, err := decoder.Write(frame.HeaderBlockFragment())
			require.NoError(t, err)
		case *http2.RSTStreamFrame:
			return "reset"
		}
	}
	return status
}

// Two handlers that any matcher tells apart are two sites.
func TestSitesByAnyMatcher(t *testing.T) {
	t.Parallel()
	for name, matchers := range map[string][2]string{
		"expression":    {`expression {http.request.header.X}=="a"`, `expression {http.request.header.X}=="b"`},
		"not":           {"not header X a", "not header X b"},
		"vars":          {"vars {http.request.header.X} a", "vars {http.request.header.X} b"},
		"vars_regexp":   {"vars_regexp {http.request.header.X} a", "vars_regexp {http.request.header.X} b"},
		"query":         {"query x=a", "query x=b"},
		"header_regexp": {"header_regexp X a", "header_regexp X b"},
		"path_regexp":   {"path_regexp a", "path_regexp b"},
		"remote_ip":     {"remote_ip 10.0.0.0/8", "remote_ip 127.0.0.0/8"},
		"client_ip":     {"client_ip 10.0.0.0/8", "client_ip 127.0.0.0/8"},
		"method":        {"method GET", "method POST"},
		"protocol":      {"protocol http/2", "protocol http/1"},
		"host":          {"host a.test", "host b.test"},
	} {
		server, _ := provision(t, "@a "+matchers[0]+"\n@b "+matchers[1]+"\nhandle @a {\n"+stash()+"}\nhandle @b {\n"+stash()+"}")
		handlers := handlersIn(server.Routes)
		require.Len(t, handlers, 2, name)
		a, _ := wayTo(routesOf(server), handlers[0])
		b, _ := wayTo(routesOf(server), handlers[1])
		if name != "host" { // which the app's name has
			require.NotEqual(t, a, b, name)
		}
	}
}

// Two handlers in the routes for errors that only a header tells apart serve two apps.
func TestErrorRoutesAreTwoSites(t *testing.T) {
	t.Parallel()
	one, two := newDash(t, answering(setting("df", big))), newDash(t, answering(setting("df", big)))
	directive := stash("on_missing error")
	s := newSite(t, "error 503\nhandle_errors {\n@other header X-App other\nhandle @other {\n"+directive+"reverse_proxy "+two.Listener.Addr().String()+"\n}\nhandle {\n"+
		directive+"reverse_proxy "+one.Listener.Addr().String()+"\n}\n}")
	s.open(t)
	s.open(t, "X-App: other")
	token := storeData(t, s)
	require.Equal(t, http.StatusOK, s.callback(t, reading(token)).StatusCode)
	require.Equal(t, http.StatusGone, s.callback(t, reading(token), "X-App: other").StatusCode, "the other app has got this one's data")
}
