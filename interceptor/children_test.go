package interceptor

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Paths are read as Dash writes them; those that the renderer does not follow are left out.
func TestParseChildPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"label":                             "label",
		"options[].label":                   "options [] label",
		"a.b.c.d":                           "a b c d",
		"items[]":                           "items []",
		"slots{}":                           "slots {}",
		"slots{}.icon":                      "slots {} icon",
		"a.b{}":                             "a b {}",
		"rows[]{}":                          "rows [] {}",
		"a[].b{}":                           "a [] b {}",
		"a[].b[].c":                         "",
		"a{}.b{}":                           "",
		"a{}[]":                             "",
		"":                                  "",
		".a":                                "",
		"a..b":                              "",
		"[]":                                "",
		"a]":                                "",
		strings.Repeat("x", maxChildPath+1): "",
	} {
		path, ok := parseChildPath(text)
		require.Equal(t, want != "", ok, text)
		if ok {
			require.Equal(t, want, strings.Join(path.steps, " "))
		}
	}
}

// What pages tell adds up, and is bounded.
func TestChildrenAddUp(t *testing.T) {
	t.Parallel()
	app := NewCatalog().App("", testApp)
	learn := func(texts map[string][]string) uint64 {
		app.learnPage(Page{}, parseChildren(texts))
		return app.revision
	}
	require.EqualValues(t, 0, learn(nil))
	require.EqualValues(t, 1, learn(map[string][]string{"n.Tab": {"label"}}))
	require.EqualValues(t, 2, learn(map[string][]string{"n.Tab": {"icon"}, "n.Radio": {"options[].label"}}))
	require.EqualValues(t, 2, learn(map[string][]string{"n.Tab": {"icon", "label"}}))
	require.Equal(t, map[string][]string{"n.Tab": {"icon", "label"}, "n.Radio": {"options[].label"}}, app.children.texts())
	many := make(map[string][]string)
	for i := range 2 * maxChildPaths {
		many[fmt.Sprint("n.T", i)] = []string{"label"}
	}
	require.EqualValues(t, 2, learn(many), "what finds no room is no news")
	require.Len(t, app.children.texts(), 2)
}

// The page tells of the app's components, in whatever Dash writes it, and of which app it is.
func TestLearnPage(t *testing.T) {
	t.Parallel()
	const html = `<html><footer><script id="_dash-config" type="application/json">%s</script>` +
		`<script src="/_dash-component-suites/dash/dash-renderer/build/dash_renderer.v4_4_1m1.min.js"></script></footer></html>`
	tests := []struct {
		name, config string
		path, prefix string
		children     map[string][]string
	}{
		{"since 2.5", `{"requests_pathname_prefix":"\u002fa\u002f","children_props":{"dcc":{"Tab":["label"],"Div":[],"Old":null},"__main__":{"My":null}}}`,
			"/a/", "/a", map[string][]string{"dcc.Tab": {"label"}}},
		{"at another path", `{"requests_pathname_prefix":"\u002fa\u002f","children_props":{"dcc":{"Tab":["label"]}}}`, "/a/uploads/", "none", nil},
		{"before", `{"url_base_pathname": null, "requests_pathname_prefix": "/", "ui": false}`, "", "", nil},
		{"Dash 4", `{"requests_pathname_prefix":"/","dash_version":"4.4.1","children_props":{"dash_core_components":{"Tab":["label"],"Dropdown":[]}}}`,
			"", "", map[string][]string{"dash_core_components.Tab": {"label"}, "dash_core_components.Dropdown": {"options[].label"},
				"dash_core_components.Checklist": {"options[].label"}, "dash_core_components.RadioItems": {"options[].label"}}},
		{"no prefix", `{"requests_pathname_prefix":null}`, "", "none", nil},
		{"no JSON", `{"requests_pathname_prefix":"/a/"`, "", "none", nil},
		{"odd paths", `{"requests_pathname_prefix":"/","children_props":{"dcc":{"Tab":["label","children",7]}}}`, "", "none", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewCatalog()
			w := c.LearnPage("site", "host", cmp.Or(tt.path, "/"))
			feed(t, w, chopEvery(100, fmt.Appendf(nil, html, tt.config)))
			require.NoError(t, w.Close())
			page, known := c.App("site", "host"+tt.prefix).Page()
			require.Equal(t, tt.prefix != "none", known)
			if known {
				require.Equal(t, Page{Prefix: tt.prefix + "/", RunsScripts: true}, page)
				require.Equal(t, tt.children, c.App("site", "host"+tt.prefix).children.texts())
			}
			require.Empty(t, c.apps.all(), "a page alone enters no app")
		})
	}
}

func noVisitor() string { return "" }

// What is known of a page counts until it is seen again.
func TestForgetPage(t *testing.T) {
	t.Parallel()
	app := NewCatalog().App("", testApp)
	require.True(t, app.Wants(noVisitor, PageEndpoint))
	app.learnPage(Page{Prefix: "/"}, nil)
	require.False(t, app.Wants(noVisitor, PageEndpoint))
	app.ForgetPage()
	require.True(t, app.Wants(noVisitor, PageEndpoint))
	page, known := app.Page()
	require.True(t, known)
	require.Equal(t, "/", page.Prefix)
}
