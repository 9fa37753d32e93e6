package caddymodule

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOffloadAndRehydrate(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1 << 10, 100 << 10, 3 << 20} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			t.Parallel()
			data := repeated(size)
			app := newDash(t, answering(setting("df", data)))
			s := app.openSite(t, stash())

			out := s.callback(t, reading())
			require.NoError(t, out.err)
			token := tokenIn(t, out.body)
			require.Equal(t, setting("df", token), out.body)
			require.Equal(t, int64(len(out.body)), out.ContentLength)
			require.Equal(t, "application/json", out.Header.Get("Content-Type"))
			requireServerTiming(t, out, fmt.Sprintf("stored=1 stored_bytes=%d restored=0 restored_bytes=0 missed=0", size))

			in := s.callback(t, reading(token, "1", token))
			request := app.last(t)
			require.Equal(t, reading(data, "1", data), request.body)
			require.Equal(t, int64(len(request.body)), request.length)
			require.Empty(t, request.transfer)
			require.Equal(t, "identity", request.header.Get("Accept-Encoding"))
			requireServerTiming(t, in, fmt.Sprintf("stored=1 stored_bytes=%d restored=2 restored_bytes=%d missed=0", size, 2*size))
			require.Equal(t, token, tokenIn(t, in.body), "equal data, equal token")
		})
	}
}

// requireServerTiming wants our entry in the form in which Dash's dev tools read it.
func requireServerTiming(t *testing.T, r response, desc string) {
	t.Helper()
	require.Regexp(t, regexp.MustCompile(`^dash_stash;dur=\d+\.\d;desc="`+desc+` saved_bytes=-?\d+", dash_stash_saved_bytes;dur=\d+$`), r.Header.Get("Server-Timing"))
}

func TestInlineResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options []string
		answer  string
	}{
		"no Store":                  {answer: `{"multi":true,"response":{"graph":{"figure":` + repeated(5000) + `}}}`},
		"under min_size":            {answer: setting("df", repeated(1023))},
		"under a min_size of ours":  {options: []string{"min_size 5KiB"}, answer: setting("df", repeated(5119))},
		"over max_payload":          {options: []string{"max_payload 2KiB"}, answer: setting("df", repeated(2049))},
		"read by the browser":       {answer: setting("chart", repeated(5000))},
		"session Store":             {answer: setting("tab", repeated(5000))},
		"unknown Store":             {answer: setting("unknown", repeated(5000))},
		"excluded":                  {options: []string{"exclude d*"}, answer: setting("df", repeated(5000))},
		"not named":                 {options: []string{"stores other"}, answer: setting("df", repeated(5000))},
		"broken JSON":               {answer: setting("df", repeated(5000)) + "}"},
		"half a document":           {answer: setting("df", repeated(5000))[:3000]},
		"white space and odd forms": {answer: ` { "response" : { "df" : { "data" : null } } , "x" : NaN } `},
		"empty":                     {answer: ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Etag", `"app's"`)
				w.Header().Set("Server-Timing", "app;dur=1")
				writeJSON(w, test.answer)
			})
			got := app.openSite(t, stash(test.options...)).callback(t, reading())
			require.NoError(t, got.err)
			require.Equal(t, test.answer, got.body)
			require.Equal(t, strconv.Itoa(len(test.answer)), got.Header.Get("Content-Length"))
			require.Equal(t, []string{"app;dur=1"}, got.Header.Values("Server-Timing"), "nothing was done")
			require.Equal(t, `"app's"`, got.Header.Get("Etag"), "nothing was changed")
		})
	}
}

// A long response streams. What of it was held back once came past the scanner a second time, on its way out: nothing behind
// it was offloaded, or the response hung.
func TestLongResponses(t *testing.T) {
	t.Parallel()
	data := repeated(200 << 10)
	for name, answer := range map[string][2]string{
		"no Store":     {`{"multi":true,"response":{"graph":{"figure":`, `}}}`},
		"Store at end": {`{"multi":true,"response":{"graph":{"figure":`, `},"df":{"data":` + data + `}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start, end := answer[0]+repeated(1<<20), answer[1]
			got := newDash(t, answering(start+end)).openSite(t, stash()).callback(t, reading())
			require.NoError(t, got.err)
			require.True(t, strings.HasPrefix(got.body, start))
			require.Empty(t, got.Header.Get("Server-Timing"), "the header went before anything was done")
			if strings.Contains(end, data) {
				end = strings.Replace(end, data, tokenIn(t, got.body), 1)
			}
			require.Equal(t, end, got.body[len(start):])
		})
	}
}

func TestValidatorsOfRewrittenResponse(t *testing.T) {
	t.Parallel()
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		for _, name := range append(validators, "Set-Cookie", "Vary", "Server-Timing", "X-Own") {
			w.Header().Set(name, "app's")
		}
		writeJSON(w, setting("df", repeated(5000)))
	})
	got := app.openSite(t, stash()).callback(t, reading())
	require.Equal(t, setting("df", tokenIn(t, got.body)), got.body)
	for _, name := range validators {
		require.Empty(t, got.Header.Values(name), name)
	}
	for _, name := range []string{"Set-Cookie", "Vary", "X-Own"} {
		require.Equal(t, []string{"app's"}, got.Header.Values(name), name)
	}
	require.Len(t, got.Header.Values("Server-Timing"), 2)
}

func TestScope(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	s := app.openSite(t, stash("scope {http.request.cookie.user}"))
	token := tokenIn(t, s.callback(t, reading(), "Cookie: user=ann").body)

	require.Equal(t, token, tokenIn(t, s.callback(t, reading(token), "Cookie: user=ann").body))
	require.Equal(t, reading(data), app.last(t).body)
	require.NotEqual(t, token, tokenIn(t, s.callback(t, reading(token), "Cookie: user=bob").body))
	require.Equal(t, reading("null"), app.last(t).body)
	for _, user := range []string{"Cookie: user=", "Cookie: other=ann"} {
		require.Equal(t, setting("df", data), s.callback(t, reading(token), user).body, "nobody's data is offloaded")
		require.Equal(t, reading("null"), app.last(t).body, user)
	}
}

// For who has no value of the scope, whatever else stands in it, the app works as in plain Dash: nothing is offloaded, and no token
// opens.
func TestScopeSaysNothing(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	var answer atomic.Value
	answer.Store(setting("df", data))
	app := newDash(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, answer.Load().(string)) })
	for _, scope := range []string{"{http.auth.user.idd}", "user:{http.request.header.X-User}", "{http.request.header.X-User}{http.request.header.X-Other}"} {
		answer.Store(setting("df", data))
		s := app.openSite(t, stash("scope "+scope))
		require.Equal(t, setting("df", data), s.callback(t, reading(), "X-Other: o").body, scope)
		patch := setting("df", `{"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"Append","location":[],"params":{"value":1}}]}`)
		answer.Store(patch)
		require.Equal(t, patch, s.callback(t, reading()).body)
		if !strings.Contains(scope, "X-User") {
			continue
		}
		answer.Store(setting("df", data))
		token := tokenIn(t, s.callback(t, reading(), "X-User: ann", "X-Other: o").body)
		require.Equal(t, setting("df", data), s.callback(t, reading(token), "X-Other: o").body)
		require.Equal(t, reading("null"), app.last(t).body)
		answer.Store(patch)
		require.Equal(t, patch, s.callback(t, reading()).body)
	}
}

// Of two apps behind one site, none opens the other's tokens, also where their prefixes are stripped.
func TestAppsAreApart(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	s := newSite(t, "route {\n uri strip_prefix /a\n uri strip_prefix /b\n"+stash(), app.proxy()+"\n}")
	call := func(prefix string, values ...string) response {
		return s.do(t, http.MethodPost, prefix+callbackPath, strings.NewReader(reading(values...)))
	}
	token := tokenIn(t, call("/a").body)
	require.Equal(t, token, tokenIn(t, call("/a", token).body))
	require.Equal(t, reading(data), app.last(t).body)
	for _, prefix := range []string{"/b", ""} {
		require.NotEqual(t, token, tokenIn(t, call(prefix, token).body))
		require.Equal(t, reading("null"), app.last(t).body, prefix)
	}
}

// Of two handlers in a row, each opens its own tokens. The inner one once found null in place of its own: it reads the
// request before it forwards it, and that was when the outer one asked whether there is an inner one.
func TestTwoHandlers(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	both := `{"multi":true,"response":{"df":{"data":` + data + `},"other":{"data":` + data + `}}}`
	app := newDash(t, answering(both))
	route := func(handlers ...string) string {
		return "route {\n" + strings.Join(append(handlers, app.proxy()), "\n") + "\n}"
	}
	outer, inner := stash("namespace outer", "stores df"), stash("namespace inner", "stores other")
	s := newSite(t, route(outer, inner))
	s.open(t)
	tokens := tokenPattern.FindAllString(s.callback(t, reading()).body, -1)
	require.Len(t, tokens, 2)
	require.NotEqual(t, tokens[0], tokens[1])

	masked := fmt.Sprintf("%-*s", len(tokens[0]), "null")
	third := stash("namespace third")
	for name, test := range map[string]struct{ site, request, want string }{
		"both":                           {route(outer, inner), reading(tokens...), reading(data, data)},
		"the outer one's":                {route(outer, inner), reading(tokens[0]), reading(data)},
		"the inner one's":                {route(outer, inner), reading(tokens[1]), reading(data)},
		"none":                           {route(outer, inner), reading("1"), reading("1")},
		"in the other order":             {route(inner, outer), reading(tokens...), reading(data, data)},
		"no inner one":                   {route(outer), reading(tokens...), reading(data, masked)},
		"an inner one of a third":        {route(outer, third), reading(tokens...), reading(data, masked)},
		"two inner ones":                 {route(third, outer, inner), reading(tokens...), reading(data, data)},
		"nobody's, through two handlers": {route(third, outer), reading(tokens[1]), reading(masked)},
	} {
		t.Run(name, func(t *testing.T) {
			other := newSite(t, test.site)
			other.host = s.host // the same app
			other.callback(t, test.request)
			got := app.last(t)
			require.True(t, test.want == got.body, "got %.300s", got.body)
			require.Equal(t, int64(len(test.want)), got.length)
		})
	}
}
