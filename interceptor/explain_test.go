package interceptor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const explainedDependencies = `[
	{"output":"graph.figure","inputs":[{"id":"drawn","property":"data"}],"clientside_function":{"namespace":"shown","function_name":"draw"}},
	{"output":"..a.x...b.y@0123..","inputs":[{"id":"inline","property":"data"}],
		"clientside_function":{"namespace":"_dashprivate_clientside_funcs","function_name":"0123456789abcdef"}},
	{"output":"c.z","inputs":[{"id":"{\"index\":[\"ALL\"],\"type\":\"df\"}","property":"data"}],"clientside_function":{"namespace":"n","function_name":"f"}},
	{"output":"the-table.data","inputs":[{"id":"button","property":"n_clicks"}],"clientside_function":null}]`

func TestExplain(t *testing.T) {
	t.Parallel()
	app := newTestApp("drawn", "inline", `{"index":7,"type":"df"}`, "kept", "excluded")
	app.learnStore("local", storageLocal)
	learned := app.LearnDependencies("")
	feed(t, learned, [][]byte{[]byte(explainedDependencies)})
	require.NoError(t, learned.Close())
	selection, err := ParseSelection(nil, []string{"excluded"})
	require.NoError(t, err)
	ic := newTestInterceptor(func(c *Config) { c.Selection = selection })
	want := []Explanation{
		{"drawn", "memory", Clientside, "shown.draw -> graph.figure"},
		{"inline", "memory", Clientside, "JavaScript -> a.x, b.y"},
		{`{"index":7,"type":"df"}`, "memory", Clientside, "n.f -> c.z"},
		{"kept", "memory", Offloaded, ""},
		{"excluded", "memory", Excluded, ""},
		{"local", "local", StorageType, ""},
		{"the-table", "", Unknown, ""},
		{"nothing", "", Unknown, ""},
	}
	again := NewCatalog().App("", testApp)
	facts, _ := app.facts()
	again.takeIn(facts)
	for _, known := range []*App{app, again} { // what was saved tells as much
		for _, explanation := range want {
			require.Equal(t, explanation, ic.Explain(known, explanation.Store))
		}
		require.Equal(t, want[2], ic.Explain(known, `{"type": "df", "index": 7}`))
		require.Equal(t, []string{"drawn", "excluded", "inline", "kept", "local", `{"index":7,"type":"df"}`}, known.StoreIDs())
	}
}

func TestSimilar(t *testing.T) {
	t.Parallel()
	app := newTestApp("user-data", "df", "user-data-2")
	app.dependencies.ids = map[string]bool{"button": true, "user_table": true}
	for id, want := range map[string][]string{
		"user_data": {"user-data", "user-data-2"},
		"UserData":  {"user-data", "user-data-2"},
		"the df":    {"df"},
		"df":        nil,
		"user":      {"user-data", "user-data-2", "user_table"},
		"x":         nil,
	} {
		require.ElementsMatch(t, want, app.Similar(id), id)
	}
}

func TestCallbackNameIsBounded(t *testing.T) {
	t.Parallel()
	name := callback{Output: strings.Repeat("é", 1000) + ".x", Clientside: []byte(`{"namespace":"n","function_name":"f"}`)}.name()
	require.LessOrEqual(t, len(name), maxCallbackName+len("…"))
	require.NotContains(t, name, "\ufffd")
}
