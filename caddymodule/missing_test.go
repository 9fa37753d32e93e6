package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withPage starts an app with a page, which answers each callback with answer.
func withPage(t testing.TB, page, answer string) *dash {
	return newDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(page))
			return
		}
		writeJSON(w, answer)
	})
}

// page is that of an app under a prefix, with a script.
func page(prefix, script string) string {
	return `<!DOCTYPE html><html><body><footer><script id="_dash-config" type="application/json">{"url_base_pathname":null,` +
		`"requests_pathname_prefix":"` + prefix + `","ui":false}</script><script src="` + script + `"></script></footer></body></html>`
}

func localScript(version string) string {
	return "/_dash-component-suites/dash/dash-renderer/build/dash_renderer.v" + version + "m1795508202.min.js"
}

// What a callback gets whose data is gone, and whether the app sees it, with null in the place of the data.
func TestOnMissing(t *testing.T) {
	t.Parallel()
	script := func(prefix string) string {
		return `{"dist":[{"type":"_js_dist","url":"` + prefix + `_dash-stash/reload.js?namespace=af1349b9"}],"multi":true,"response":{}}`
	}
	const none = `{"multi":true,"response":{}}`
	tests := map[string]struct {
		options, page string
		status        int
		contentType   string
		body          string
		called        bool
		warning       string
	}{
		"reload":                      {"", page(`\u002f`, localScript("4_4_1")), 200, jsonType, script("/"), false, ""},
		"reload, said so":             {"on_missing reload", page("/", localScript("2_18_0")), 200, jsonType, script("/"), false, ""},
		"reload, Dash under a prefix": {"", page(`\u002fa\u002fb\u002f`, localScript("3_0_0rc1")), 200, jsonType, script("/a/b/"), false, ""},
		"reload, an older Dash":       {"", page("/", localScript("2_17_1")), 200, jsonType, none, true, "needs Dash 2.18"},
		"reload, a much older Dash":   {"", page("/", "/_dash-component-suites/dash_renderer/dash_renderer.v1_2_2m1.min.js"), 200, jsonType, none, true, "needs Dash 2.18"},
		"reload, from a CDN":          {"", page("/", "https://unpkg.com/dash-renderer@1.21.0/build/dash_renderer.min.js"), 200, jsonType, script("/"), false, ""},
		"reload, older, from a CDN":   {"", page("/", "https://unpkg.com/dash-renderer@1.20.1/build/dash_renderer.min.js"), 200, jsonType, none, true, "needs Dash 2.18"},
		"reload, no page of Dash's":   {"", "<html>dash_renderer.v4_4_1m</html>", 200, jsonType, none, true, "does not tell its version"},
		"reload, a page without end":  {"", page("/", strings.Repeat("x", 2<<20)), 200, jsonType, none, true, "does not tell its version"},
		"null":                        {"on_missing null", page("/", localScript("4_4_1")), 200, jsonType, none, true, ""},
		"prevent_update":              {"on_missing prevent_update", page("/", localScript("4_4_1")), 204, "", "", false, ""},
		"error":                       {"on_missing error", page("/", localScript("4_4_1")), 410, "application/problem+json", missingProblem, false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := withPage(t, test.page, none)
			s := app.openSite(t, stash(test.options))
			for range 2 {
				calls := app.calls()
				got := s.callback(t, reading(`{"$dashstash":"`+strings.Repeat("A", 80)+`"}`))
				require.Equal(t, test.status, got.StatusCode)
				require.Equal(t, test.contentType, got.Header.Get("Content-Type"))
				require.Equal(t, test.body, got.body)
				requireServerTiming(t, got, "stored=0 stored_bytes=0 restored=0 restored_bytes=0 missed=1")
				if !test.called {
					require.Equal(t, calls, app.calls())
					require.Equal(t, "no-store", got.Header.Get("Cache-Control"))
					continue
				}
				require.Equal(t, reading("null"), app.last(t).body)
			}
		})
	}
}

// A page is asked for as its user, once, and again after another was opened.
func TestReloadAsksForThePage(t *testing.T) {
	t.Parallel()
	asked := 0
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.Header.Get("Cookie") == "user=ann" {
			asked++
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(page("/", localScript("4_4_1"))))
			return
		}
		writeJSON(w, `{"multi":true,"response":{}}`)
	})
	s := app.openSite(t, stash())
	missing := reading(`{"$dashstash":"` + strings.Repeat("A", 80) + `"}`)
	for want := 1; want <= 2; want++ {
		for range 3 {
			require.Contains(t, s.callback(t, missing, "Cookie: user=ann").body, "reload.js")
		}
		require.Equal(t, want, asked)
		s.open(t)
	}
	require.Contains(t, s.callback(t, missing).body, "reload.js", "what is known of the page counts for who may not see it, too")
}

// A browser that goes away while the page is asked for says nothing of the page: the next one's is reloaded.
func TestReloadAsksAgain(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	first := true
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" || r.Header.Get("Cookie") == "" {
			writeJSON(w, `{"multi":true,"response":{}}`)
			return
		}
		if first {
			first = false
			close(asked)
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page("/", localScript("4_4_1"))))
	})
	s := app.openSite(t, stash())
	missing := reading(`{"$dashstash":"` + strings.Repeat("A", 80) + `"}`)
	ctx, goAway := context.WithCancel(t.Context())
	go func() {
		<-asked
		goAway()
	}()
	const user = "Cookie: user=ann"
	_, err := s.trySend(s.request(t, http.MethodPost, callbackPath, strings.NewReader(missing), user).WithContext(ctx))
	require.ErrorIs(t, err, context.Canceled)
	require.Contains(t, s.callback(t, missing, user).body, "reload.js")
}

func TestReloadScript(t *testing.T) {
	t.Parallel()
	app := newDash(t, answering("{}"))
	s := app.openSite(t, stash())
	got := s.do(t, http.MethodGet, "/a/b/_dash-stash/reload.js?namespace=af1349b9", nil)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Equal(t, "text/javascript; charset=utf-8", got.Header.Get("Content-Type"))
	require.Equal(t, string(reloadScript), got.body)
}

// A browser learns which of its tokens are surely gone, and of no others anything.
func TestGone(t *testing.T) {
	t.Parallel()
	const path = "/_dash-stash/gone?namespace=af1349b9"
	app := newDash(t, answering(setting("df", repeated(5000))))
	s := app.openSite(t, stash("scope {http.request.cookie.user}"))
	ann := "Cookie: user=ann"
	token := tokenIn(t, s.callback(t, reading(), ann).body)
	forged := `{"$dashstash":"` + strings.Repeat("A", 80) + `"}`
	foreign := storeData(t, app.openSite(t, stash("namespace other")))
	kept := fmt.Sprintf(`[%s,%s,%s,{"rows":[1]},null]`, token, forged, foreign)
	ask := func(path, body string, header ...string) response {
		return s.do(t, http.MethodPost, path, strings.NewReader(body), header...)
	}

	require.Equal(t, "[false,true,false,false,false]", ask(path, kept, ann).body)
	require.Equal(t, "[true,true,false,false,false]", ask(path, kept, "Cookie: user=bob").body)
	require.Equal(t, "[]", ask(path, "[]").body)
	for body, status := range map[string]int{
		"": 400, "{}": 400, "[1": 400,
		"[" + strings.Repeat("0,", 1<<12) + "0]":          413,
		`["` + strings.Repeat("x", maxGoneRequest) + `"]`: 413,
	} {
		require.Equal(t, status, ask(path, body).StatusCode, "%.20s", body)
	}
	calls := app.calls()
	require.Equal(t, setting("df", repeated(5000)), ask("/_dash-stash/gone?namespace=00000000", kept).body, "it is for somebody behind this one")
	require.Equal(t, calls, app.calls())
}

// A payload that is found damaged while it goes to the app is a miss; the app does not run the callback with a part of it.
func TestDamagedOnTheWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		option string
		status int
		called int
	}{
		"null":  {"on_missing null", http.StatusOK, 1},
		"error": {"on_missing error", http.StatusGone, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			app := newDash(t, answering(setting("df", noise(200_000))))
			s := app.openSite(t, fmt.Sprintf("dash_stash {\n storage file %s\n %s\n}", folder, test.option))
			token := storeData(t, s)
			calls := app.calls()
			damage(t, folder)
			got := s.callback(t, reading(token))
			require.Equal(t, test.status, got.StatusCode)
			require.Equal(t, calls+test.called, app.calls())
			if test.called > 0 {
				require.Equal(t, reading("null"), app.last(t).body)
			}
		})
	}
}

// damage changes a byte in each payload of 5000 bytes or more in a folder.
func damage(t testing.TB, folder string) {
	t.Helper()
	damaged := 0
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".payload") {
			return err
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		if len(content) < 5000 {
			return nil
		}
		content[4000] ^= 1
		damaged++
		return os.WriteFile(path, content, 0o600)
	}))
	require.Positive(t, damaged)
}

// A request in an encoding that could hide a token does not reach the app.
func TestWideRequest(t *testing.T) {
	t.Parallel()
	app := newDash(t, answering("{}"))
	s := app.openSite(t, stash())
	require.Equal(t, http.StatusUnsupportedMediaType, s.callback(t, "{\x00}\x00").StatusCode)
	require.Zero(t, app.calls())
}

// Where all that was known of an app was lost while its pages were open, a Patch that may be meant for a token does not reach the
// browser; one that cannot be does.
func TestDoubtfulPatch(t *testing.T) {
	t.Parallel()
	const operation = `{"operation":"Append","location":[],"params":{"value":1}}`
	patch := func(id string) string { return setting(id, patchOf(operation)) }
	tree := func(id, kind string) string {
		return `{"multi":true,"response":{"page":{"children":{"props":{"id":"` + id + `"},"type":"` + kind + `","namespace":"dash_core_components"}}}}`
	}
	for name, test := range map[string]struct {
		options string
		known   bool // the page was opened before
		answers []string
		status  int
		body    string // what the last answer has in it
	}{
		"unknown":                {"", false, []string{patch("later")}, 200, "reload.js"},
		"unknown, null":          {"on_missing null", false, []string{patch("later")}, 204, ""},
		"unknown, error":         {"on_missing error", false, []string{patch("later")}, 410, missingProblem},
		"a dict id":              {"", false, []string{patch(`{"index":1,"type":"later"}`)}, 200, "reload.js"},
		"a side update":          {"", false, []string{`{"multi":true,"response":{},"sideUpdate":{"later.data":` + patchOf(operation) + `}}`}, 200, "reload.js"},
		"no Patch":               {"", false, []string{setting("later", "[1]")}, 200, setting("later", "[1]")},
		"of another prop":        {"", false, []string{strings.Replace(patch("later"), "data", "figure", 1)}, 200, operation},
		"a Store":                {"", false, []string{patch("df")}, 200, "$dashstash_patches"},
		"a Store of the browser": {"", false, []string{patch("chart")}, 200, operation},
		"a Store of an answer":   {"", false, []string{tree("later", "Store"), patch("later")}, 200, "$dashstash_patches"},
		"no Store":               {"", false, []string{tree("later", "Table"), patch("later")}, 200, operation},
		"the page was opened":    {"", true, []string{patch("later")}, 200, operation},
		"dry run":                {"dry_run", false, []string{patch("later")}, 200, operation},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := ""
			app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.Header().Set("Content-Type", "text/html")
					_, _ = w.Write([]byte(page("/", localScript("4_4_1"))))
					return
				}
				w.Header().Set("Etag", "app's")
				writeJSON(w, answer)
			})
			s := newSite(t, stash(test.options), app.proxy())
			if test.known {
				s.open(t)
			}
			var got response
			for _, answer = range test.answers {
				got = s.callback(t, request("page.children"))
			}
			require.Equal(t, test.status, got.StatusCode)
			require.Contains(t, got.body, test.body)
			require.Equal(t, strings.Contains(got.body, operation), strings.Contains(test.body, "Append"))
			if strings.Contains(got.body, "reload.js") {
				require.Empty(t, got.Header.Get("Etag"))
			}
		})
	}
	t.Run("too long to be held", func(t *testing.T) {
		t.Parallel()
		long := `{"multi":true,"response":{"page":{"title":` + noise(100_000) + `},"later":{"data":` + patchOf(operation) + `}}}`
		s := newSite(t, stash(), newDash(t, answering(long)).proxy())
		got, err := s.try(t, request("page.children"))
		require.True(t, err != nil || got.err != nil, "an answer that ended well")
		require.NotContains(t, got.body, operation)
	})
}

func patchOf(operation string) string {
	return `{"__dash_patch_update":"__dash_patch_update","operations":[` + operation + `]}`
}
