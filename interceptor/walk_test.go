package interceptor

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// component is a component in a tree, as Dash writes it.
func component(kind, props string) string {
	return `{"props":{` + props + `},"type":"` + kind + `","namespace":"dash_core_components"}`
}

// Stores' data is found wherever an answer carries it, in any chunking; all else passes as it is. In the tables, ⟦…⟧ is what
// is offloaded.
func TestWalk(t *testing.T) {
	t.Parallel()
	callback, layout := Answer{}, LayoutAnswer
	big := `[` + strings.Repeat("1.50,", holdSize/2) + `1.50]`
	tests := []struct {
		name   string
		answer Answer
		body   string
	}{
		{"sideUpdate by id", callback, `{"sideUpdate":{"df":{"data":⟦[5.0]⟧,"clear_data":1.0}}}`},
		{"sideUpdate by id and prop", callback, `{"sideUpdate":{"df.data":⟦[5.0]⟧,"df.other":[5.0],"x.data":[5.0]}}`},
		{"progress", callback, `{"progress":{"df.data":⟦[1]⟧,"bar.value":1.0},"progressDefault":{"df.data":⟦[2]⟧}}`},
		{"dict id and prop", callback, `{"progress":{"{\"index\":\"a.b\",\"type\":\"df\"}.data":⟦[1]⟧}}`},
		{"dict id", callback, `{"sideUpdate":{"{\"index\":\"a.b\",\"type\":\"df\"}":{"data":⟦[1]⟧}}}`},
		{"wildcard", callback, `{"progress":{"{\"index\":[\"MATCH\"],\"type\":\"df\"}.data":1.0}}`},
		{"props of Dash 1.9", Answer{name: "df.data"}, `{"response":{"props":{"data":⟦[5.0]⟧}}}`},
		{"props of Dash 1.9, not a Store's", Answer{name: "x.data"}, `{"response":{"props":{"data":[5.0]}}}`},
		{"a Store with the id props", Answer{name: "props.data"}, `{"response":{"props":{"data":⟦[5.0]⟧}}}`},
		{"props among several", Answer{name: "..df.data...props.data.."}, `{"response":{"df":{"data":⟦[1]⟧},"props":{"data":⟦[2]⟧}}}`},

		{"children", callback, `{"response":{"page":{"children":` + component("Div", `"children":[`+component("Store", `"id":"new","data":⟦{"a":5.0}⟧,"storage_type":"memory"`)+`,5.0]`) + `}}}`},
		{"a component as prop", callback, `{"response":{"tab":{"label":` + component("Store", `"id":"new","data":⟦[5.0]⟧`) + `,"x":5.0}}}`},
		{"a component as a prop that has none", callback, `{"response":{"tab":{"title":` + component("Store", `"id":"new","data":[5.0]`) + `,"x":5.0}}}`},
		{"a component as prop of what is no tab", callback, `{"response":{"other":{"label":` + component("Store", `"id":"new","data":[5.0]`) + `,"x":5.0}}}`},
		{"a component in a list in a prop", callback, `{"response":{"radio":{"options":[{"label":` + component("Store", `"id":"new","data":⟦[5.0]⟧`) + `,"value":` + component("Store", `"id":"b","data":[5.0]`) + `}]}}}`},
		{"components in props of what comes", layout, component("Tab", `"label":`+component("Store", `"id":"new","data":⟦[5.0]⟧`)+`,"title":`+component("Store", `"id":"b","data":[5.0]`))},
		{"what looks like a component in a prop of what has none there", layout, component("Div", `"label":`+component("Store", `"id":"new","data":[5.0]`))},
		{"within one another", layout, component("Tab", `"label":`+component("Radio", `"options":[{"label":`+component("Div", `"children":`+component("Store", `"id":"new","data":⟦[5.0]⟧`))+`}]`))},
		{"within one another, where the outer has none", layout, component("Div", `"label":`+component("Radio", `"options":[{"label":`+component("Store", `"id":"new","data":[5.0]`)+`}]`))},
		{"within one another, where the inner has none", layout, component("Tab", `"label":`+component("Div", `"options":[{"label":`+component("Store", `"id":"new","data":[5.0]`)+`}]`))},
		{"values of an object in a prop", layout, component("Slots", `"slots":{"a":`+component("Store", `"id":"new","data":⟦[5.0]⟧`)+`,"b":{"c":`+component("Store", `"id":"b","data":[5.0]`)+`}}`)},
		{"rows of a table that look like components", callback, `{"response":{"grid":{"rowData":[` + component("Store", `"id":"df","data":[5.0]`) + `,` + component("Div", `"id":"df"`) + `]}},"sideUpdate":{"df.data":⟦[5.0]⟧}}`},
		{"a Patch of children", callback, `{"response":{"page":{"children":` + treePatch("Append", `[]`, component("Store", `"id":"new","data":⟦[5.0]⟧`)) + `}}}`},
		{"a Patch of data in children", callback, `{"response":{"page":{"children":` + treePatch("Assign", `[0,"props","rows"]`, component("Store", `"id":"new","data":[5.0]`)) + `}}}`},
		{"a tree in sideUpdate", callback, `{"sideUpdate":{"page.children":[` + component("Store", `"id":"new","data":⟦[5.0]⟧`) + `]}}`},
		{"layout", layout, component("Div", `"children":[`+component("Store", `"id":"new","data":⟦[5.0]⟧`)+`,`+component("Store", `"id":{"type":"n","index":1},"data":⟦"x"⟧`)+`]`)},
		{"layout that is a Store", layout, component("Store", `"id":"new","data":⟦[5.0]⟧`)},
		{"data before id", layout, component("Store", `"data":⟦[5.0]⟧,"modified_timestamp":1.0,"id":"new"`)},
		{"type before props", layout, `{"type":"Store","namespace":"dash_core_components","props":{"id":"new","data":⟦[5.0]⟧}}`},
		{"white space", layout, ` { "props" : { "id" : "new" , "data" : ⟦[ 5.0 ]⟧ } , "type" : "Store" , "namespace" : "dash_core_components" } `},
		{"escaped keys", layout, `{"pr\u006fps":{"id":"new","d\u0061ta":⟦[5.0]⟧},"typ\u0065":"Store","namespace":"dash_core_components"}`},
		{"numbers and literals", callback, `{"response":{"df":{"data":1.0}},"sideUpdate":{"df":{"data":null},"df.data":true}}`},
		{"a number in a tree", layout, component("Store", `"id":"new","data":1.0`)},
		{"session", layout, component("Store", `"id":"new","data":1.50,"storage_type":"session"`)},
		{"excluded", layout, component("Store", `"id":"excluded","data":1.50`)},
		{"no id", layout, component("Store", `"data":1.50`)},
		{"read in the browser", layout, component("Store", `"id":"shown","data":1.50`)},
		{"large data before what says what it is", layout, `[` + component("Store", `"id":"new","data":⟦`+big+`⟧,"clear_data":false`) + `,5.0]`},
		{"no Store", layout, component("Table", `"id":"t","data":1`)},
		{"no Store, large", layout, `[` + component("Table", `"columns":[],"data":`+big) + `]`},
		{"no Store, by a prop behind its data", layout, component("Table", `"data":[1],"columns":1.0`)},
		{"another namespace", layout, `{"props":{"id":"new","data":[1]},"type":"Store","namespace":"mine"}`},
		{"Stores within the props of what has data", layout, component("Table", `"data":[2],"children":[`+component("Store", `"id":"new","data":⟦[5.0]⟧`)+`]`)},
		{"a Store in data", layout, component("Store", `"id":"new","data":⟦`+component("Store", `"id":"b","data":1`)+`⟧`)},
		{"a Store in a figure", layout, component("Graph", `"figure":`+component("Store", `"id":"b","data":1.0`))},
		{"a layout's words in a callback", callback, component("Store", `"id":"new","data":1.0`)},

		{"socket: response", SocketAnswer, `{"type":"callback_response","payload":{"status":"ok","data":{"response":{"df":{"data":⟦[5.0]⟧}},"sideUpdate":{"df":{"data":⟦[6.0]⟧}}}}}`},
		{"socket: set_props", SocketAnswer, `{"type":"set_props","payload":{"componentId":"df","props":{"data":⟦[5.0]⟧}}}`},
		{"socket: set_props of a dict id", SocketAnswer, `{"payload":{"componentId":"{\"type\":\"df\",\"index\":\"a.b\"}","props":{"data":⟦[5.0]⟧}}}`},
		{"socket: props before the id", SocketAnswer, `{"payload":{"props":{"data":5.0},"componentId":"df"}}`},
		{"socket: several", SocketAnswer, `[{"type":"heartbeat_ack"},{"payload":{"componentId":"df","props":{"data":⟦[5.0]⟧}}},7.0,[1.0]]`},
		{"socket: others", SocketAnswer, `{"type":"x","payload":"df","data":{"response":{"df":{"data":5.0}}}}`},
		{"socket: a text", SocketAnswer, `"df"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sent := strings.NewReplacer("⟦", "", "⟧", "").Replace(tt.body)
			for _, size := range []int{1, 2, 7, 1000, len(sent)} {
				if len(sent) > 10*size*size*size && size < 1000 {
					continue
				}
				app := newTestApp("df", "props", `{"index":"a.b","type":"df"}`, "shown")
				app.dependencies.browserIDs = usedBy("shown")
				app.learnPage(Page{}, parseChildren(map[string][]string{
					"dash_core_components.Tab": {"label"}, "dash_core_components.Radio": {"options[].label"}, "dash_core_components.Slots": {"slots{}"},
				}))
				app.learnParent("tab", "dash_core_components.Tab")
				app.learnParent("radio", "dash_core_components.Radio")
				store := &spyStore{Store: newMemory()}
				ic := newTestInterceptor(func(c *Config) { c.Selection.exclude = []idPattern{{text: "excluded"}} })
				var out strings.Builder
				o := ic.Offload(t.Context(), testSession(store, app), tt.answer, &out)
				feed(t, o, chopEvery(size, []byte(sent)))
				out.WriteString(closeOffload(t, o))
				got := out.String()
				for _, token := range tokensIn(got) {
					back, _ := rehydrate(t, ic, store, token)
					got = strings.Replace(got, token, "⟦"+back+"⟧", 1)
				}
				require.True(t, strings.NewReplacer("6.0]⟧", "6]⟧", "5.0 ]⟧", "5 ]⟧", "5.0]⟧", "5]⟧", "5.0}⟧", "5}⟧").Replace(
					strings.Replace(tt.body, "⟦"+big, "⟦"+strings.ReplaceAll(big, "1.50", "1.5"), 1)) == got, "in chunks of %d: %.2000s", size, got)
				require.Zero(t, store.writers)
			}
		})
	}
}

// A layout that carries a Store's data goes the same way each time, once tokens with it went out: a session Store in the browser
// compares it with what it has kept, and once a reload changed from a token to the data itself, and set off callbacks.
func TestWalkLayoutAgain(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	app := NewCatalog().App("", "app")
	learnDependencies(t, app, []byte(`[]`))
	for range 3 {
		require.True(t, ic.MayOffload(Session{App: app}, LayoutAnswer))
		o := ic.Offload(t.Context(), testSession(store, app), LayoutAnswer, nil)
		feed(t, o, [][]byte{[]byte(component("Store", `"id":"df","data":[1]`))})
		require.Len(t, tokensIn(closeOffload(t, o)), 1)
	}
	app = newTestApp("df")
	learnLayout(t, app, []byte(component("Store", `"id":"df"`)))
	require.False(t, ic.MayOffload(Session{App: app}, LayoutAnswer))
}

// An id that another component carries, too, stays inline: its data must reach the browser.
func TestWalkAmbiguous(t *testing.T) {
	t.Parallel()
	ic, store, app := newTestInterceptor(), newMemory(), newTestApp("df")
	table := `{"response":{"page":{"children":` + component("Table", `"id":"df","columns":[],"data":[1.0]`) + `},"df":{"data":[2.0]}}}`
	out, figures := offload(t, ic, store, app, []byte(table))
	require.Equal(t, table, out)
	require.Zero(t, figures.Stores)
}

// Whatever is nested in whatever, what comes back is what went in, few writers are open at a time, and all end.
func TestWalkNested(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		body := randomTree(r, 1+r.IntN(60))
		store := &spyStore{Store: newMemory()}
		ic, app := newTestInterceptor(), newTestApp()
		var early strings.Builder
		o := ic.Offload(t.Context(), testSession(store, app), LayoutAnswer, &early)
		for _, chunk := range chop(r, []byte(body)) {
			feed(t, o, [][]byte{chunk})
			require.LessOrEqual(t, store.writers, 2*maxPending+1)
		}
		out := early.String() + closeOffload(t, o)
		require.Equal(t, strings.Count(body, `"Store"`), len(tokensIn(out))+strings.Count(out, `"data":"`), "every Store's data, but for those that were let go")
		back, _ := rehydrate(t, ic, store, out)
		require.True(t, body == back, "%.1000s", body)
		require.Zero(t, store.writers)
	}
}

// randomTree returns a tree of n components, which have data before their children.
func randomTree(r *rand.Rand, n int) string {
	kind, props := "Table", `"data":[1,2],`
	if r.IntN(2) == 0 {
		kind, props = "Store", fmt.Sprintf(`"id":"s%d","data":"%s",`, n, strings.Repeat("x", oneOf(r, 1, 10, 3_000)))
		return component(kind, strings.TrimSuffix(props, ","))
	}
	var children []string
	for n--; n > 0; {
		k := 1 + r.IntN(n)
		children = append(children, randomTree(r, k))
		n -= k
	}
	return component(kind, props+`"children":[`+strings.Join(children, ",")+`]`)
}

// A tree that breaks off passes as it came, and stores nothing.
func TestWalkTruncated(t *testing.T) {
	t.Parallel()
	body := `[` + component("Table", `"data":[1],"children":`+component("Store", `"id":"new","data":[2]`)) + `]`
	for n := range len(body) {
		store := &spyStore{Store: newMemory()}
		o := newTestInterceptor().Offload(t.Context(), testSession(store, newTestApp()), LayoutAnswer, io.Discard)
		feed(t, o, chopEvery(3, []byte(body[:n])))
		require.Equal(t, body[:n], closeOffload(t, o))
		requireEmpty(t, store)
	}
}

// A string is read as encoding/json reads it, whatever is in it.
func TestUnquote(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{`"`, `a`, ` `, `~`, `\"`, `\\`, `\u0041`, `\ud83d\ude00`, `\ud83d`, `é`, "\x7f", "\xff", "\n", `\n`, `{`, `'`}
	for range 20_000 {
		literal := oneOf(r, `"`, ``)
		for range r.IntN(5) {
			literal += oneOf(r, parts...)
		}
		literal += oneOf(r, `"`, `"`, ``)
		var want string
		if json.Unmarshal([]byte(literal), &want) != nil {
			want = ""
		}
		require.Equal(t, want, unquote([]byte(literal)), "%q", literal)
	}
}
