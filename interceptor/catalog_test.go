package interceptor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dashBody returns what Dash 4.4.1 answers: see testdata/dash/make.py.
func dashBody(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/dash/" + name)
	require.NoError(t, err)
	return body
}

func learnLayout(t testing.TB, app *App, chunks ...[]byte) {
	t.Helper()
	w := newTestInterceptor().Watch(t.Context(), Session{App: app}, LayoutAnswer)
	feed(t, w, chunks)
	require.NoError(t, w.Close())
}

func learnDependencies(t testing.TB, app *App, chunks ...[]byte) {
	t.Helper()
	w := app.LearnDependencies("")
	feed(t, w, chunks)
	require.NoError(t, w.Close())
}

// storesOf returns the storage types of the Stores that an app is known to have.
func storesOf(app *App) map[string]string {
	stores := make(map[string]string)
	for id, facts := range app.stores.young {
		stores[id] = facts.types.String()
	}
	return stores
}

// All of Dash's Stores are found, with their storage types, wherever they are in the tree; what only looks like one is not.
func TestLearnLayoutOfDash(t *testing.T) {
	t.Parallel()
	layout := dashBody(t, "layout.json")
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		app := NewCatalog().App("", "app")
		learnLayout(t, app, chop(r, layout)...)
		require.Equal(t, map[string]string{
			"df":                        storageMemory,
			"session":                   storageSession,
			`{"index":1,"type":"df"}`:   storageLocal,
			`{"index":"é","type":"df"}`: storageMemory,
			"tree-as-data":              storageMemory,
			"in-list":                   storageMemory,
			`dée "p"`:                   storageMemory,
		}, storesOf(app))
	}
}

// treePatch is a Patch of one operation.
func treePatch(operation, location, value string) string {
	return `{"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"` + operation + `","location":` + location +
		`,"params":{"value":` + value + `}}]}`
}

// What Stores look like.
func TestLearnLayout(t *testing.T) {
	t.Parallel()
	store := func(props string) string {
		return `{"props":{` + props + `},"type":"Store","namespace":"dash_core_components"}`
	}
	tests := []struct {
		name, layout string
		want         map[string]string
	}{
		{"a Store alone", store(`"id":"df"`), map[string]string{"df": storageMemory}},
		{"with white space", strings.ReplaceAll(store(`"id" : "df", "storage_type" : "local"`), ",", " , "), map[string]string{"df": storageLocal}},
		{"type before props", `{"type":"Store","namespace":"dash_core_components","props":{"id":"df"}}`, map[string]string{"df": storageMemory}},
		{"dict id with a float", store(`"id":{"b":1.0,"a":[1]}`), map[string]string{`{"a":[1],"b":1}`: storageMemory}},
		{"escaped keys", `{"pr\u006fps":{"\u0069d":"\u0064f"},"type":"St\u006fre","namespace":"dash_core_components"}`, map[string]string{"df": storageMemory}},
		{"no id", store(`"data":1`), nil},
		{"other namespace", `{"props":{"id":"df"},"type":"Store","namespace":"mine"}`, nil},
		{"other type", `{"props":{"id":"df"},"type":"Storage","namespace":"dash_core_components"}`, nil},
		{"no props", `{"id":"df","type":"Store","namespace":"dash_core_components"}`, nil},
		{"id of a child", `{"props":{"children":{"props":{"id":"df"},"type":"P","namespace":"h"}},"type":"Store","namespace":"dash_core_components"}`, nil},
		{"props of props", store(`"props":{"id":"df"}`), nil},
		{"data that looks like a Store", store(`"data":` + store(`"id":"inner"`) + `,"id":"df"`), map[string]string{"df": storageMemory}},
		{"figure that looks like a Store", `{"props":{"figure":` + store(`"id":"inner"`) + `},"type":"Graph","namespace":"dash_core_components"}`, nil},
		{"storage_type in data", store(`"id":"df","data":{"storage_type":"local","id":"x"}`), map[string]string{"df": storageMemory}},
		{"Store within a Store's children", store(`"id":"df","children":` + store(`"id":"inner"`)), map[string]string{"df": storageMemory, "inner": storageMemory}},
		{"a long id", store(`"id":"` + strings.Repeat("x", maxIDText) + `"`), nil},
		{"a long title", `[{"props":{"id":"` + strings.Repeat("x", 9000) + `"},"type":"P","namespace":"h"},` + store(`"id":"df"`) + `]`, map[string]string{"df": storageMemory}},
		{"two of an id", `[` + store(`"id":"df"`) + `,` + store(`"id":"df","storage_type":"local"`) + `]`, map[string]string{"df": "memory, local"}},
		{"a storage type that nobody knows", store(`"id":"df","storage_type":"x"`), map[string]string{"df": "unknown"}},
		{"in a prop that has no components", `{"props":{"options":[` + store(`"id":"inner"`) + `]},"type":"Dropdown","namespace":"n"}`, nil},
		{"in a dict of children", `{"props":{"children":{"a":` + store(`"id":"inner"`) + `}},"type":"Div","namespace":"n"}`, nil},
		{"appended to children", `{"props":{"children":` + treePatch("Append", `[0,"props","children"]`, store(`"id":"df"`)) + `},"type":"Div","namespace":"n"}`, map[string]string{"df": storageMemory}},
		{"appended to options", `{"props":{"children":` + treePatch("Append", `[0,"props","options"]`, store(`"id":"df"`)) + `},"type":"Div","namespace":"n"}`, nil},
		{"merged into props", `{"props":{"children":` + treePatch("Assign", `[0,"props"]`, store(`"id":"df"`)) + `},"type":"Div","namespace":"n"}`, nil},
		{"null", `null`, nil},
		{"a text", `"Store"`, nil},
		{"list", `[[[` + store(`"id":"df"`) + `]]]`, map[string]string{"df": storageMemory}},
		{"deep", strings.Repeat("[", 4000) + store(`"id":"df"`) + strings.Repeat("]", 4000), map[string]string{"df": storageMemory}},
		{"too deep", `[` + store(`"id":"df"`) + "," + strings.Repeat("[", maxTreeDepth) + strings.Repeat("]", maxTreeDepth) + `]`, map[string]string{"df": storageMemory}},
		{"far too deep", strings.Repeat("[", maxTreeDepth) + store(`"id":"df"`) + strings.Repeat("]", maxTreeDepth), nil},
		{"broken in it", `[{"props":{"id":"df"},"type":"Store","namespace":"dash_core_components"]`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			if want == nil {
				want = map[string]string{}
			}
			for _, size := range []int{1, 3, 1000, len(tt.layout)} {
				app := NewCatalog().App("", "app")
				learnLayout(t, app, chopEvery(size, []byte(tt.layout))...)
				require.Equal(t, want, storesOf(app), "in chunks of %d", size)
			}
		})
	}
}

// An answer that breaks off, wherever, teaches only what the components are that were whole.
func TestLearnTruncated(t *testing.T) {
	t.Parallel()
	layout, dependencies := dashBody(t, "layout.json"), dashBody(t, "dependencies.json")
	layout, dependencies = []byte(strings.TrimSpace(string(layout))), []byte(strings.TrimSpace(string(dependencies)))
	app := NewCatalog().App("", "app")
	learnLayout(t, app, layout)
	whole := storesOf(app)
	app = NewCatalog().App("", "app")
	for n := range layout {
		learnLayout(t, app, layout[:n])
		require.Subset(t, whole, storesOf(app), "%d bytes", n)
		require.False(t, app.layout, "%d bytes", n)
	}
	for n := range dependencies {
		learnDependencies(t, app, dependencies[:n])
		require.Nil(t, app.dependencies, "%d bytes", n)
	}
}

// Dash's callbacks say which Stores the browser reads: those whose data is an input or state of a clientside callback, also by
// wildcard.
func TestLearnDependenciesOfDash(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		app := NewCatalog().App("", "app")
		learnDependencies(t, app, chop(r, dashBody(t, "dependencies.json"))...)
		for id, clientside := range map[string]bool{
			"session":                     true,
			"df":                          false, // only its modified_timestamp
			`{"index":1,"type":"df"}`:     true,  // MATCH
			`{"index":"x","type":"many"}`: true,  // ALL, as state
			`{"index":1,"type":"text"}`:   false, // an output
			"in-page":                     false, // a callback of the server
			"tree-as-data":                false,
		} {
			require.Equal(t, clientside, isUsedByBrowser(app, id), id)
		}
		for _, id := range []string{"graph", "session", "df", `{"index":1,"type":"df"}`, "table", "go", "page", "in-page", "tree-as-data"} {
			require.True(t, app.dependencies.ids[id], id)
		}
		require.False(t, app.dependencies.ids["menu"])
	}
}

// What answers say adds up: a stranger may be told of no callbacks. One that is too large, or no list of callbacks, adds nothing; and
// what none has said for a week is forgotten.
func TestLearnDependenciesAgain(t *testing.T) {
	t.Parallel()
	app := newTestApp("df")
	reads := `[{"output":"a.b","inputs":[{"id":"df","property":"data"}],"state":[],"clientside_function":{"namespace":"n","function_name":"f"}}]`
	learnDependencies(t, app, []byte(reads))
	require.True(t, app.store("df").clientside)
	for _, body := range []string{`{}`, `{"error":1}`, ``, `[1]`, `[{"output":1}]`, `[] []`} {
		learnDependencies(t, app, []byte(body))
		require.True(t, app.store("df").clientside, body)
	}
	other := strings.Replace(reads, `"df"`, `"other"`, 1)
	learnDependencies(t, app, []byte(strings.Replace(other, "[", "["+strings.Repeat(" ", maxDependencies), 1)))
	require.False(t, isUsedByBrowser(app, "other"))
	learnDependencies(t, app, []byte(`[`), []byte(strings.Repeat(" ", 1<<20)), []byte(`]`))
	learnDependencies(t, app, []byte(other))
	require.True(t, isUsedByBrowser(app, "other"))
	require.True(t, app.store("df").clientside)

	use := app.dependencies.browserIDs["df"]
	use.seen -= forgetAfter
	app.dependencies.browserIDs["df"] = use
	require.False(t, app.store("df").clientside)
	learnDependencies(t, app, []byte(reads))
	require.True(t, app.store("df").clientside)
}

// A layout that is learned again adds a storage type, and what else is known of the Store stays.
func TestLearnLayoutAgain(t *testing.T) {
	t.Parallel()
	app := newTestApp("df")
	app.learnPatched("df")
	learnLayout(t, app, []byte(`{"props":{"id":"df","storage_type":"local"},"type":"Store","namespace":"dash_core_components"}`))
	require.Equal(t, storeFacts{types: storageTypeOf(storageMemory) | storageTypeOf(storageLocal), patched: true}, app.store("df"))
	app.learnPatched("other")
	require.Zero(t, app.store("other"))
}

// Names in the option stores are looked up once the app is known; globs and wildcards are not names.
func TestUnseen(t *testing.T) {
	t.Parallel()
	patterns, err := parseIDPatterns([]string{"df", "dff", "menu", "in-page", "x*", `{"type":"df","index":1}`, `{"type":"df","index":2}`,
		`{"type":"y","index":*}`})
	require.NoError(t, err)
	app := NewCatalog().App("", "app")
	require.Empty(t, app.unseen(patterns))
	learnLayout(t, app, dashBody(t, "layout.json"))
	require.Empty(t, app.unseen(patterns))
	learnDependencies(t, app, dashBody(t, "dependencies.json"))
	require.Equal(t, []string{"dff", "menu", `{"type":"df","index":2}`}, app.unseen(patterns))

	book := new(logBook)
	ic := newTestInterceptor(func(c *Config) { c.Logger, c.Selection = book.logger(), Selection{ids: patterns} })
	ic.CheckNames(app)
	ic.CheckNames(app)
	require.Len(t, book.lines(), 3, "each name is to be warned of once")
	require.Contains(t, book.lines()[0], `app=app store=dff`)

	empty := NewCatalog().App("", "empty")
	learnDependencies(t, empty, []byte(`[]`))
	require.Empty(t, empty.unseen(patterns), "no layout was seen")
}

// A name has one app, until too many others have answered since. Names that nobody answers for push nothing out.
func TestCatalogApps(t *testing.T) {
	t.Parallel()
	c := NewCatalog()
	app := c.App("site", "app")
	require.Equal(t, "app", app.Name)
	require.False(t, app.Entered())
	learnDependencies(t, app, []byte(`[]`))
	require.True(t, app.Entered())
	require.NotSame(t, app, c.App("other site", "app"))
	for i := range 5 * maxApps {
		c.App("site", fmt.Sprint(i))
	}
	require.Same(t, app, c.App("site", "app"))
	require.Len(t, c.apps.all(), 1)
	require.LessOrEqual(t, len(c.candidates.all()), 2*maxCandidates)
	for i := range 5 * maxApps {
		c.App("site", fmt.Sprint(i)).enter()
		if i%1000 == 0 {
			require.Same(t, app, c.App("site", "app"))
		}
	}
	require.LessOrEqual(t, len(c.apps.all()), 2*maxApps)
	for i := range 3 * maxApps {
		c.App("site", fmt.Sprint("other", i)).enter()
	}
	require.NotSame(t, app, c.App("site", "app"))
}

// Of two that were known at the same time under a name, since many others were made up meanwhile, none is lost.
func TestCatalogEntersTwo(t *testing.T) {
	t.Parallel()
	c := NewCatalog()
	one := c.App("site", "app")
	for i := range 3 * maxCandidates {
		c.App("site", fmt.Sprint(i))
	}
	two := c.App("site", "app")
	require.NotSame(t, one, two)
	one.learnStore("one", storageMemory)
	two.learnStore("two", storageMemory)
	two.enter()
	one.enter()
	require.Equal(t, []string{"one", "two"}, c.App("site", "app").StoreIDs())
}

// Stores of which browsers have tokens are not pushed out by others; where they are all the same, it is known that there are gaps.
func TestStoresWithTokensStay(t *testing.T) {
	t.Parallel()
	app := newTestApp("df")
	app.learnOffloaded("df")
	for i := range 5 * maxStores {
		app.learnStore(fmt.Sprint(i), storageMemory)
	}
	require.True(t, app.store("df").offloaded)
	require.False(t, app.doubts("unknown", time.Hour))
	for i := range 5 * maxStores {
		app.learnStore(fmt.Sprint("offloaded ", i), storageMemory)
		app.learnOffloaded(fmt.Sprint("offloaded ", i))
	}
	require.True(t, app.doubts("unknown", time.Hour))
}

// recent keeps the entries used last: at least most, at most twice as many.
func TestRecent(t *testing.T) {
	t.Parallel()
	const most = 10
	r := recent[int]{most: most}
	require.True(t, len(r.all()) == 0)
	random := rand.New(rand.NewPCG(1, 1))
	var used []string // the last used are last
	values := make(map[string]int)
	use := func(key string) {
		for i, k := range used {
			if k == key {
				used = append(used[:i], used[i+1:]...)
				break
			}
		}
		used = append(used, key)
	}
	for i := range 10_000 {
		key := fmt.Sprint(random.IntN(40))
		if random.IntN(2) == 0 {
			r.put(key, i)
			values[key] = i
			use(key)
		} else if v, ok := r.get(key); ok {
			require.Equal(t, values[key], v, "a stale value")
			use(key)
		}
		require.LessOrEqual(t, len(r.young), most)
		require.LessOrEqual(t, len(r.older), most)
		require.Equal(t, len(used) == 0, len(r.all()) == 0)
		for _, key := range used[max(0, len(used)-most):] {
			_, young := r.young[key]
			_, older := r.older[key]
			require.True(t, young || older, "an entry that was used lately is gone")
		}
	}
}
