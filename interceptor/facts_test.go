package interceptor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An id that a Store shares with another component stays inline from when both are known, whichever was seen first, until the other has
// not been seen for a week. While a browser may have a token of it, a Patch is in doubt.
func TestLearnOther(t *testing.T) {
	t.Parallel()
	ic, ttl := newTestInterceptor(), time.Hour
	app := newTestApp("df", "other")
	decide := func(id string) Reason { return ic.decide(Session{App: app}, id) }
	app.learnOther("df")
	app.learnOther("later")
	app.learnStore("later", storageMemory)
	require.Equal(t, []Reason{Ambiguous, Ambiguous, Offloaded, Unknown}, []Reason{decide("df"), decide("later"), decide("other"), decide("x")})
	require.False(t, app.doubts("df", ttl), "nobody has a token")

	app.learnOffloaded("other")
	require.False(t, app.doubts("other", ttl))
	app.learnOther("other")
	require.Equal(t, Ambiguous, decide("other"))
	require.True(t, app.doubts("other", ttl))
	require.False(t, app.doubts("df", ttl))
	require.False(t, app.outlived("other", ttl))
	known, _ := app.stores.get("other")
	known.inlineSince -= int64(ttl / time.Second)
	require.False(t, app.doubts("other", ttl), "once for as long as data is kept")
	require.True(t, app.outlived("other", ttl), "tokens from before are good no longer")

	known.other -= forgetAfter
	require.False(t, app.outlived("other", ttl))
	require.Equal(t, Offloaded, decide("other"))
	app.learnOther("other")
	require.Equal(t, Ambiguous, decide("other"))
}

// Stores of one id that have several storage types are offloaded only where all of these are asked for.
func TestStorageTypesOfAnID(t *testing.T) {
	t.Parallel()
	app := newTestApp("df")
	app.learnStore("df", storageLocal)
	for words, want := range map[string]Reason{"auto": StorageType, "auto local": StorageType, "auto memory local": Offloaded, "df": Offloaded} {
		selection, err := ParseSelection(strings.Fields(words), nil)
		require.NoError(t, err)
		require.Equal(t, want, selection.decide(app, "df"), words)
	}
	require.False(t, app.records("df"))
	app.learnOffloaded("df")
	require.True(t, app.records("df"), "of a Store whose tokens are out, Patches are recorded")
	app.learnOther("df")
	require.False(t, app.records("df"))
}

// An answer is a carrier from when it was seen to be one; a name of any length counts whole.
func TestCarriers(t *testing.T) {
	t.Parallel()
	app := NewCatalog().App("", "app")
	long := strings.Repeat("x", 100_000)
	for _, answer := range []string{"page.children", "..a.b...c.d..", long} {
		require.False(t, app.carries(answer))
		app.learnCarrier(answer)
		require.True(t, app.carries(answer))
	}
	require.False(t, app.carries(long+"x"))
	require.False(t, app.carries(""))
	for i := range 5 * maxCarriers {
		app.learnCarrier(fmt.Sprint(i))
	}
	require.LessOrEqual(t, len(app.carriers.all()), 2*maxCarriers)
}

// What the browser itself does with a Store's data is in clientside callbacks: what they read, and what they may patch.
func TestUsedByBrowser(t *testing.T) {
	t.Parallel()
	const function = `"clientside_function":{"namespace":"n","function_name":"f"}`
	tests := []struct {
		name, callback string
		uses, not      []string
	}{
		{"input", `{"output":"g.figure","inputs":[{"id":"df","property":"data"}],"state":[],` + function + `}`,
			[]string{"df"}, []string{"g", "DF"}},
		{"state", `{"output":"g.figure","inputs":[],"state":[{"id":"df","property":"data"}],` + function + `}`, []string{"df"}, nil},
		{"no state", `{"output":"g.figure","inputs":[{"id":"df","property":"data"}],` + function + `}`, []string{"df"}, nil},
		{"other property", `{"output":"g.figure","inputs":[{"id":"df","property":"modified_timestamp"}],"state":[],` + function + `}`,
			nil, []string{"df"}},
		{"on the server", `{"output":"g.figure","inputs":[{"id":"df","property":"data"}],"state":[],"clientside_function":null}`,
			nil, []string{"df"}},
		{"from before there were any", `{"output":"g.figure","inputs":[{"id":"df","property":"data"}],"state":[]}`, nil, []string{"df"}},
		{"output, which may be patched", `{"output":"..df.data...{\"i\":[\"MATCH\"]}.data@0a...x.y..","inputs":[],"state":[],` + function + `}`,
			[]string{"df", `{"i":7}`}, []string{"x", `{"i":7,"j":1}`}},
		{"dict id", `{"output":"g.figure","inputs":[{"id":"{\"b\":1,\"a\":\"x.y\"}","property":"data"}],"state":[],` + function + `}`,
			[]string{`{"a":"x.y","b":1}`}, []string{`{"a":"x.y","b":2}`}},
		{"wildcards", `{"output":"g.figure","inputs":[{"id":"{\"a\":[\"MATCH\"],\"t\":\"df\"}","property":"data"},` +
			`{"id":"{\"b\":[\"ALLSMALLER\"],\"t\":\"df\"}","property":"data"}],` +
			`"state":[{"id":"{\"c\":[\"ALL\"],\"t\":\"df\"}","property":"data"}],` + function + `}`,
			[]string{`{"a":1,"t":"df"}`, `{"b":"x","t":"df"}`, `{"c":true,"t":"df"}`}, []string{`{"d":1,"t":"df"}`, `{"a":1,"t":"x"}`}},
		{"what running sets", `{"output":"g.figure","inputs":[{"id":"go","property":"n_clicks"}],"state":[],"clientside_function":null,` +
			`"running":{"running":{"df.data":1},"runningOff":{"df.data":{"id":"df","property":"data"}}}}`, nil, []string{"df"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := NewCatalog().App("", "app")
			learnDependencies(t, app, []byte("["+tt.callback+"]"))
			for _, id := range tt.uses {
				require.True(t, isUsedByBrowser(app, id), id)
			}
			for _, id := range tt.not {
				require.False(t, isUsedByBrowser(app, id), id)
			}
		})
	}
}

// The revision counts what is new, and nothing else.
func TestRevision(t *testing.T) {
	t.Parallel()
	app := NewCatalog().App("", "app")
	deps := `[{"output":"a.b","inputs":[{"id":"{\"i\":[\"ALL\"]}","property":"data"}],"clientside_function":{}}]`
	for _, step := range []struct {
		name  string
		learn func()
	}{
		{"Store", func() { app.learnStore("df", storageMemory) }},
		{"storage type", func() { app.learnStore("df", storageLocal) }},
		{"patched", func() { app.learnPatched("df") }},
		{"carrier", func() { app.learnCarrier("a.children") }},
		{"offloaded", func() { app.learnOffloaded("df") }},
		{"layout", func() { app.learnedLayout("") }},
		{"children", func() { app.learnPage(Page{}, parseChildren(map[string][]string{"n.T": {"label"}})) }},
		{"dependencies", func() { learnDependencies(t, app, []byte(deps)) }},
		{"id in dependencies", func() { learnDependencies(t, app, []byte(strings.Replace(deps, "a.b", "c.b", 1))) }},
		{"wildcard in dependencies", func() { learnDependencies(t, app, []byte(strings.Replace(deps, `\"i\"`, `\"j\"`, 1))) }},
		{"no Store", func() { app.learnOther("df") }},
	} {
		before := app.revision
		step.learn()
		require.Equal(t, before+1, app.revision, step.name)
		step.learn()
		require.Equal(t, before+1, app.revision, "%s, again", step.name)
	}
	app.learnPatched("never seen")
	app.learnOther("never seen")
	require.Equal(t, uint64(11), app.revision)
}

// That an app was first known by asking it is known after a restart too; and what was saved of it and is lost is saved again.
func TestAskedIsSaved(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	app := NewCatalog().App("", testApp)
	app.Ask(t.Context(), "", CallbackEndpoint, func() { ic.LoadApp(t.Context(), store, app) }, func(missing Endpoint) {
		listener := app.LearnDependencies("")
		text := `[{"output":"table.data","inputs":[]}]`
		switch missing {
		case PageEndpoint:
			return
		case LayoutEndpoint:
			listener, text = ic.Watch(t.Context(), testSession(store, app), LayoutAnswer), `{"props":{"id":"table"},"type":"Table","namespace":"n"}`
		}
		feed(t, listener, [][]byte{[]byte(text)})
		require.NoError(t, listener.Close())
	})
	require.True(t, app.doubts("later", time.Hour))
	require.False(t, app.doubts("table", time.Hour))
	for range 2 {
		require.True(t, ic.Unsaved(app))
		ic.SaveApp(t.Context(), store, app)
		require.False(t, ic.Unsaved(app))
		loaded := NewCatalog().App("", testApp)
		require.True(t, ic.LoadApp(t.Context(), store, loaded))
		require.True(t, loaded.doubts("later", time.Hour))
		require.False(t, loaded.doubts("table", time.Hour), "a callback names it")
		require.NoError(t, store.Delete(t.Context(), ic.savers[0].key(ic.Namespace, app)))
		app.kept.Store(0)
		ic.KeepApp(t.Context(), store, app)
	}
}

// A component that a callback names is no Store's after a restart either, whatever the app shows of what somebody has put there.
func TestOthersAreSaved(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	app := NewCatalog().App("", testApp)
	app.learnOther("table")
	app.learnedLayout("")
	learnDependencies(t, app, []byte(`[{"output":"table.data","inputs":[]},{"output":"later.data","inputs":[]}]`))
	ic.SaveApp(t.Context(), store, app)
	app.learnOther("later")
	require.True(t, ic.Unsaved(app))
	ic.SaveApp(t.Context(), store, app)
	loaded := NewCatalog().App("", testApp)
	require.True(t, ic.LoadApp(t.Context(), store, loaded))
	require.False(t, ic.Unsaved(loaded))
	for _, id := range []string{"table", "later"} {
		loaded.learnStore(id, storageMemory)
		require.Equal(t, Ambiguous, ic.decide(Session{App: loaded}, id))
	}
}

// A fold gives all that the chain gives that it stands for: it is only in an answer to a request, or on a WebSocket, that has shown it.
func TestFoldForWhoHasShown(t *testing.T) {
	t.Parallel()
	ic, app, store := newTestInterceptor(), newTestApp("df"), newMemory()
	held := stash(t, ic, store, `{"rows":[]}`)
	patch := func(session Session, n int) string {
		o := ic.Offload(t.Context(), session, Answer{}, nil)
		reply, _, ok := o.patchReply("df", fmt.Appendf(nil, `{"operations":[{"operation":"Append","location":["rows"],"params":{"value":%d}}]}`, n))
		require.True(t, ok)
		return string(reply)
	}
	var records []string
	for n := range foldAfter {
		_, record, _ := strings.Cut(patch(testSession(store, app), n), `"value":`)
		records = append(records, record[:TokenSize+2])
	}
	chain := strings.TrimSuffix(held, "}") + "," + patchedKey + ":[[" + strings.Join(records, ",") + "]]}"
	request := `{"output":"df.data","state":[{"id":"df","property":"data","value":` + chain + `}]}`
	shown := testSession(store, app)
	rehydrateIn(t, ic, shown, request)
	require.NotContains(t, patch(testSession(store, app), 100), records[0], "another request")
	require.NotContains(t, patch(testSession(store, app), 101), "Remove", "another request")
	other := testSession(store, app)
	rehydrateIn(t, ic, other, strings.Replace(request, `"df"`, `"x"`, 1))
	require.NotContains(t, patch(other, 102), "Remove", "shown as another Store's")
	require.Contains(t, patch(shown, 103), "Remove")
	require.NotContains(t, patch(shown, 104), "Remove", "once")
}
