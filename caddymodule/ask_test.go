package caddymodule

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/require"
)

// After a restart, with a page still open, the next callback is offloaded: by what was saved, or else because the app is asked.
func TestCatalogAfterRestart(t *testing.T) {
	t.Parallel()
	app := newDescribed(t, "")
	s := app.openSite(t, stash())
	require.Equal(t, append([]string{both[1]}, both...), app.paths(), "what the browser uses, before the first layout passes")
	require.True(t, s.offloads(t))
	require.True(t, s.forget().offloads(t))
	require.Empty(t, app.paths(), "it was saved")

	wipe(s.store)
	require.True(t, s.forget().offloads(t))
	require.Equal(t, both, app.paths(), "it was lost")
	require.True(t, s.forget().offloads(t))
	require.Empty(t, app.paths(), "it was saved again")
}

// A second proxy with the same storage knows what the first has learned, also later.
func TestSharedCatalog(t *testing.T) {
	t.Parallel()
	app := newDescribed(t, "")
	directive := stash()
	one := app.openSite(t, directive)
	two := newSite(t, directive, app.proxy()).forget()
	two.host = one.host
	app.paths()
	require.True(t, two.offloads(t))
	require.Empty(t, app.paths())

	app.change(func(d *described) { d.dependencies = strings.Replace(dependencies, `"chart"`, `"df"`, 1) })
	one.open(t)
	app.paths()
	three := newSite(t, directive, app.proxy()).forget()
	three.host = one.host
	require.False(t, three.offloads(t), "a clientside callback reads df now")
	require.Empty(t, app.paths())
}

// Many first requests at the same time wait for one ask.
func TestAskedOnce(t *testing.T) {
	t.Parallel()
	app := newDescribed(t, "")
	s := newSite(t, stash(), app.proxy())
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			got, err := s.try(t, reading())
			if err != nil || !tokenPattern.MatchString(got.body) {
				t.Errorf("not offloaded: %v", err)
			}
		})
	}
	group.Wait()
	require.Equal(t, both, app.paths())
}

// An app that does not answer is served as without us, and is not asked again with each callback. A page that is opened
// teaches all the same.
func TestAskedInVain(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(*http.Request) int{
		"error":         func(*http.Request) int { return http.StatusInternalServerError },
		"redirect":      func(*http.Request) int { return http.StatusFound },
		"no answer":     func(*http.Request) int { panic(http.ErrAbortHandler) },
		"nothing in it": func(*http.Request) int { return http.StatusNoContent },
		"dependencies missing": func(r *http.Request) int {
			if r.URL.Path == both[1] {
				return http.StatusNotFound
			}
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newDescribed(t, "")
			s := newSite(t, stash(), app.proxy())
			app.change(func(d *described) { d.refuse = refuse })
			for range 3 {
				require.False(t, s.offloads(t))
			}
			paths := app.paths()
			require.Contains(t, paths, both[1])
			require.NotEmpty(t, paths)
			for _, path := range both { // net/http itself may try once more what was broken off
				require.LessOrEqual(t, strings.Count(strings.Join(paths, " "), path), 2)
			}
			app.change(func(d *described) { d.refuse = nil })
			s.open(t)
			require.True(t, s.offloads(t))
		})
	}
}

// The app is asked in the name of the user whose request it is, for all of the answer, and without that request's body.
func TestAskingRequest(t *testing.T) {
	t.Parallel()
	app := newDescribed(t, "")
	app.change(func(d *described) {
		d.refuse = func(r *http.Request) int {
			cookie, err := r.Cookie("session")
			if err != nil || cookie.Value != "ada" || r.Header.Get("Authorization") != "Bearer x" {
				return http.StatusUnauthorized
			}
			return 0
		}
	})
	s := newSite(t, stash(), app.proxy())
	got := s.do(t, http.MethodPost, callbackPath+"?endId=1", strings.NewReader(reading()), "Content-Type: application/json",
		"Cookie: session=ada", "Authorization: Bearer x", "Accept-Encoding: br", `If-None-Match: "x"`, "Range: bytes=0-1", "X-Own: yes")
	tokenIn(t, got.body)
	require.Len(t, app.asked, 2)
	for _, asked := range app.asked {
		require.Equal(t, s.host, asked.Host)
		require.Equal(t, "", asked.URL.RawQuery)
		require.Zero(t, asked.ContentLength)
		require.Empty(t, asked.TransferEncoding)
		require.Equal(t, "yes", asked.Header.Get("X-Own"))
		require.Equal(t, "identity", asked.Header.Get("Accept-Encoding"))
		require.Equal(t, s.host, asked.Header.Get("X-Forwarded-Host"))
		for _, name := range []string{"Content-Type", "If-None-Match", "Range", "Content-Encoding", "Upgrade"} {
			require.NotContains(t, asked.Header, name)
		}
	}
}

// Apps behind one site, wherever their prefixes are taken off, are asked each for itself.
func TestAskedByPrefix(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		atApp string // the prefix below which the apps run
		route func(prefix, directive, proxy string) string
	}{
		"Dash's own prefix": {"own", func(prefix, directive, proxy string) string {
			return "handle " + prefix + "/* {\n" + directive + proxy + "\n}"
		}},
		"handle_path": {"", func(prefix, directive, proxy string) string {
			return "handle_path " + prefix + "/* {\n" + directive + proxy + "\n}"
		}},
		"strip_prefix in front": {"", func(prefix, directive, proxy string) string {
			return "handle " + prefix + "/* {\n route {\n uri strip_prefix " + prefix + "\n" + directive + proxy + "\n}\n}"
		}},
		"strip_prefix behind": {"", func(prefix, directive, proxy string) string {
			return "handle " + prefix + "/* {\n route {\n" + directive + "uri strip_prefix " + prefix + "\n" + proxy + "\n}\n}"
		}},
		"routes behind": {"", func(prefix, directive, proxy string) string {
			return "handle_path " + prefix + "/* {\n route {\n" + directive + "handle /none* {\n respond 404\n}\n handle {\n" + proxy + "\n}\n}\n}"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directive := stash()
			prefixes := []string{"/a", "/deep/b%20c"}
			var apps []*described
			var routes string
			for _, prefix := range prefixes {
				plain := strings.ReplaceAll(prefix, "%20", " ")
				apps = append(apps, newDescribed(t, map[string]string{"own": prefix}[test.atApp]))
				routes += test.route(`"`+plain+`"`, directive, apps[len(apps)-1].proxy()) + "\n"
			}
			routes = strings.ReplaceAll(routes, `"/*`, `/*"`)
			apps[1].change(func(d *described) { d.dependencies = strings.Replace(dependencies, `"chart"`, `"df"`, 1) })
			s := newSite(t, routes)
			for _, known := range []string{"asked", "saved"} {
				for i, prefix := range prefixes {
					got := s.do(t, http.MethodPost, prefix+callbackPath, strings.NewReader(reading()))
					require.Equal(t, http.StatusOK, got.StatusCode, prefix)
					require.Equal(t, i == 0, tokenPattern.MatchString(got.body), "%s of %s", prefix, known)
					require.Equal(t, known == "asked", len(apps[i].paths()) == 2)
				}
				s.forget()
			}
		})
	}
}

// Apps under two hosts of a site do not mix.
func TestAskedByHost(t *testing.T) {
	t.Parallel()
	app := newDescribed(t, "")
	s := newSite(t, stash(), app.proxy())
	require.True(t, s.offloads(t))
	require.Equal(t, both, app.paths())
	s.host = "other." + s.host
	app.change(func(d *described) { d.dependencies = strings.Replace(dependencies, `"chart"`, `"df"`, 1) })
	require.False(t, s.offloads(t))
	require.Equal(t, both, app.paths())
}

// Of two handlers in a row one asks, and the other lets that pass.
func TestAskedThroughTwoHandlers(t *testing.T) {
	t.Parallel()
	app := newDescribed(t, "")
	s := newSite(t, "route {\n"+stash("namespace a", "stores other")+stash("namespace b", "stores df")+app.proxy()+"\n}").forget()
	require.True(t, s.offloads(t))
	require.Equal(t, both, app.paths())
}

// A redeploy under the same address takes effect with the next page that is opened, as far as it asks for more care. What it no longer
// says counts on for a while: a stranger may have asked, whom the app shows less.
func TestRedeploy(t *testing.T) {
	t.Parallel()
	for name, redeployed := range map[string]func(d *described){
		"df is a table": func(d *described) {
			d.layout = strings.Replace(layout, `{"props":{"id":"df"},"type":"Store","namespace":"dash_core_components"}`,
				`{"props":{"id":"df","data":[]},"type":"DataTable","namespace":"dash_table"}`, 1)
		},
		"read by the browser": func(d *described) { d.dependencies = strings.Replace(dependencies, `"chart"`, `"df"`, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newDescribed(t, "")
			s := app.openSite(t, stash())
			require.True(t, s.offloads(t))
			for _, deploy := range []func(d *described){
				redeployed, func(d *described) { d.layout, d.dependencies = layout, dependencies }, func(d *described) { d.layout, d.dependencies = "[]", "[]" },
			} {
				app.change(deploy)
				s.open(t)
				require.False(t, s.offloads(t))
				require.False(t, s.forget().offloads(t), "after a restart")
			}
		})
	}
}

// What is in the request's context counts for the ask too, but for what is of the request itself.
func TestAskingContext(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/a"+callbackPath+"?x=1", strings.NewReader("body"))
	replacer := caddy.NewReplacer()
	r = caddyhttp.PrepareRequest(r, replacer, nil, nil)
	replacer.Set("http.auth.user.id", "ada")
	caddyhttp.SetVar(r.Context(), "own", "value")
	asking := askingRequest(r.Context(), r, "/a/_dash-layout", jsonType, httptest.NewRecorder())
	require.Equal(t, "ada GET /a/_dash-layout value", asking.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer).
		ReplaceAll("{http.auth.user.id} {http.request.method} {http.request.uri} {http.vars.own}", "?"))
	caddyhttp.SetVar(asking.Context(), "own", "changed")
	require.Equal(t, "value", caddyhttp.GetVar(r.Context(), "own"))
	require.Equal(t, "/a"+callbackPath+"?x=1", r.URL.String())
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "body", string(body))
	require.True(t, isAsk(asking))
	require.False(t, isAsk(r))
}

// However an ask ends, only an answer that is whole teaches anything, and nothing but an unknown panic comes out of it.
func TestAsk(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		next   caddyhttp.HandlerFunc
		closed int
		err    error
	}{
		"whole": {func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			writeJSON(w, layout)
			return nil
		}, 1, nil},
		"encoded": {func(w http.ResponseWriter, r *http.Request) error {
			answeringEncoded("gzip", encoded(t, "gzip", layout), true)(w, r)
			return nil
		}, 1, nil},
		"an error": {func(http.ResponseWriter, *http.Request) error { return broken }, 0, broken},
		"broken off": {func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, layout[:20])
			panic(http.ErrAbortHandler)
		}, 0, http.ErrAbortHandler},
		"endless": {func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "application/json")
			_, err := io.Copy(w, neverending{})
			return err
		}, 0, errAnswerTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lesson{}
			r := httptest.NewRequest(http.MethodPost, callbackPath, nil)
			err := ask(t.Context(), r, "/_dash-layout", jsonType, test.next, l)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.closed, l.closed)
			if test.closed > 0 {
				require.Equal(t, layout, l.String())
			}
		})
	}
	require.PanicsWithValue(t, "a bug", func() {
		_ = ask(t.Context(), httptest.NewRequest(http.MethodPost, callbackPath, nil), "/", jsonType, caddyhttp.HandlerFunc(
			func(http.ResponseWriter, *http.Request) error { panic("a bug") }), &lesson{})
	})
}
