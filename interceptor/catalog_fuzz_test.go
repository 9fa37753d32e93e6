package interceptor

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever an app says of itself, or somebody has put where that is saved: nothing panics, and what is known of the app is the
// same after it was saved and loaded.
func FuzzCatalog(f *testing.F) {
	for _, seed := range []string{
		`{"type":"Div","namespace":"h","props":{"children":[{"props":{"id":"df"},"type":"Store","namespace":"dash_core_components"},` +
			`{"props":{"id":{"type":"df","index":1},"storage_type":"local","data":[1,2]},"type":"Store","namespace":"dash_core_components"}]}}`,
		`[{"output":"df.data","inputs":[{"id":"{\"index\":[\"ALL\"],\"type\":\"df\"}","property":"data"}],"state":[],` +
			`"clientside_function":{"namespace":"a","function_name":"b"}},{"output":"..a.b...c.d..","inputs":[],"state":[{"id":"df","property":"data"}]}]`,
		`{"stores":[{"id":"df","types":"memory local","other":1796000000,"patched":true},{"id":"x","types":"","offloaded":true}],` +
			`"carriers":["a"],"gaps":true,"others":{"b":1796000000},"children":{"n.T":["a","b[].c","d{}"]},"ids":["df"],` +
			`"browser":{"x":{"callback":"f","seen":1796000000}},"browser_patterns":{"{\"index\":*}":{"callback":"g","seen":1}}}`,
		`{"props":{"id":"\ud800","data":{"__dash_patch_update":"__dash_patch_update","operations":[]}},"type":"Store"}`,
		`[[[[{"id":`, `null`, `{"stores":null}`,
	} {
		f.Add([]byte(seed), uint16(7))
	}
	ic := newTestInterceptor()
	f.Fuzz(func(t *testing.T, text []byte, chunk uint16) {
		store := newMemory()
		defer store.Close()
		app := NewCatalog().App("", testApp)
		layout := ic.Watch(t.Context(), testSession(store, app), LayoutAnswer)
		dependencies := app.LearnDependencies("")
		for _, part := range chopEvery(1+int(chunk), text) {
			_, _ = layout.Write(part)
			_, _ = dependencies.Write(part)
		}
		_ = layout.Close()
		_ = dependencies.Close()
		var facts savedFacts
		if json.Unmarshal(text, &facts) == nil && bytes.Contains(text, []byte("stores")) {
			app.takeIn(facts)
		}
		if !ic.Unsaved(app) {
			return
		}
		ic.SaveApp(t.Context(), store, app)
		loaded := NewCatalog().App("", testApp)
		require.True(t, ic.LoadApp(t.Context(), store, loaded))
		want, _ := app.facts()
		got, _ := loaded.facts()
		wantJSON, err := json.Marshal(want)
		require.NoError(t, err)
		gotJSON, err := json.Marshal(got)
		require.NoError(t, err)
		require.Equal(t, string(wantJSON), string(gotJSON))
	})
}
