package interceptor

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	deleteKey = `{"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"Delete","location":["k"],"params":{}}]}`
	bigData   = `{"k":"secret","rows":[1,2,3]}`
)

func answerOf(id, data string) string {
	return fmt.Sprintf(`{"multi":true,"response":{%q:{"data":%s}}}`, id, data)
}

// learnDeps teaches an app a list of callbacks.
func learnDeps(t testing.TB, app *App, visitor, list string) {
	t.Helper()
	w := app.LearnDependencies(visitor)
	_, err := w.Write([]byte(list))
	require.NoError(t, err)
	require.NoError(t, w.Close())
}

const readsDF = `[{"output":"graph.figure","inputs":[{"id":"df","property":"data"}],"state":[],` +
	`"clientside_function":{"namespace":"app","function_name":"draw"}}]`

// What another user is told of a clientside callback does not have a Patch applied to the token of a page that is open.
func TestPatchAfterAnothersClientsideCallback(t *testing.T) {
	t.Parallel()
	ic, store, app := newTestInterceptor(), newMemory(), newTestApp("df")
	browser, _ := offload(t, ic, store, app, []byte(answerOf("df", bigData)))
	require.Contains(t, browser, "$dashstash")
	learnDeps(t, app, "another", readsDF)
	o := ic.Offload(t.Context(), testSession(store, app), Answer{}, nil)
	feed(t, o, [][]byte{[]byte(answerOf("df", deleteKey))})
	rest := closeOffload(t, o)
	require.True(t, o.Doubtful() || !strings.Contains(rest, `"Delete"`) || strings.Contains(rest, "$dashstash_patches"),
		"the browser applies this to a token: %s", rest)
}

// A page that stays open for more than a week keeps what it had: what its clientside callbacks read stays in the browser, and so does
// the data of a table whose id is a Store's on another page.
func TestPageOpenForMoreThanAWeek(t *testing.T) {
	for _, id := range []string{"df", "table"} {
		t.Run(id, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ic, store, app := newTestInterceptor(), newMemory(), newTestApp("df", "table")
				learnDeps(t, app, "user", readsDF)
				app.learnOther("table")
				for day := range 9 {
					browser, _ := offload(t, ic, store, app, []byte(answerOf(id, bigData)))
					require.NotContains(t, browser, "$dashstash", "on day %d", day)
					time.Sleep(24 * time.Hour)
				}
			})
		})
	}
}

// Many components in a tree that a user has made do not have forgotten what another's component is that a callback names.
func TestManyComponentsOfAUser(t *testing.T) {
	t.Parallel()
	ic, store, app := newTestInterceptor(), newMemory(), newTestApp("df")
	learnDeps(t, app, "user", `[{"output":"table.data","inputs":[]}]`)
	offload(t, ic, store, app, []byte(`{"response":{"page":{"children":{"props":{"id":"table"},"type":"DataTable","namespace":"dash_table"}}}}`))
	browser, _ := offload(t, ic, store, app, []byte(answerOf("table", bigData)))
	require.NotContains(t, browser, "$dashstash")
	var crowd strings.Builder
	crowd.WriteString(`{"response":{"shown":{"children":[`)
	for n := range 2*maxOthers + 10 {
		fmt.Fprintf(&crowd, `{"props":{"id":"o%d"},"type":"P","namespace":"h"},`, n)
	}
	crowd.WriteString(`{"props":{"id":"table"},"type":"Store","namespace":"dash_core_components"}]}}}`)
	offload(t, ic, store, app, []byte(crowd.String()))
	browser, _ = offload(t, ic, store, app, []byte(answerOf("table", bigData)))
	require.NotContains(t, browser, "$dashstash", "a table gets a token")
}

// A clientside callback's use of a Store is known by its id, however a number in that is written: the browser takes 1.0 for 1.
func TestClientsideUseOfANumberedStore(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"1", "1.0", "1e3", "1000000000000000000000"} {
		ic, store, app := newTestInterceptor(), newMemory(), newTestApp()
		learnDeps(t, app, "user", `[{"output":"graph.figure","inputs":[{"id":"{\"index\":`+number+`,\"type\":\"s\"}","property":"data"}],"state":[],`+
			`"clientside_function":{"namespace":"app","function_name":"draw"}}]`)
		browser, _ := offload(t, ic, store, app, []byte(`{"response":{"page":{"children":{"props":{"id":{"index":`+number+
			`,"type":"s"},"data":`+bigData+`},"type":"Store","namespace":"dash_core_components"}}}}`))
		require.NotContains(t, browser, "$dashstash", number)
	}
}

// A chain of records of one Store is a miss as the data of another, also when its value has been made.
func TestChainUnderAnotherID(t *testing.T) {
	t.Parallel()
	ic, store, app := newTestInterceptor(), newMemory(), newTestApp("df", "kept")
	data, _ := offload(t, ic, store, app, []byte(answerOf("df", bigData)))
	token := data[strings.Index(data, `{"$dashstash"`) : strings.Index(data, `{"$dashstash"`)+tokenLength]
	patch, _ := offload(t, ic, store, app, []byte(answerOf("df", deleteKey)))
	at := strings.Index(patch, `"value":"`) + len(`"value":`)
	chain := token[:len(token)-1] + `,"$dashstash_patches":[[` + patch[at:at+TokenSize+2] + `]]}`
	request := `{"output":"a.b","inputs":[{"id":%q,"property":"data","value":%s}]}`
	_, figures := rehydrateIn(t, ic, testSession(store, app), fmt.Sprintf(request, "kept", chain))
	require.Equal(t, 1, figures.Missed, "before its value was made")
	got, figures := rehydrateIn(t, ic, testSession(store, app), fmt.Sprintf(request, "df", chain))
	require.Zero(t, figures.Missed)
	require.Contains(t, got, `{"rows":[1,2,3]}`)
	_, figures = rehydrateIn(t, ic, testSession(store, app), fmt.Sprintf(request, "kept", chain))
	require.Equal(t, 1, figures.Missed, "after its value was made")
}

// A component called "props" is itself in a side update.
func TestComponentCalledProps(t *testing.T) {
	t.Parallel()
	ic, store, app := newTestInterceptor(), newMemory(), newTestApp("df")
	app.learnOther("props")
	var out strings.Builder
	request := `{"output":"df.data","inputs":[]}`
	o := ic.Offload(t.Context(), testSession(store, app), CallbackAnswer(held(t, request), int64(len(request))), &out)
	feed(t, o, [][]byte{[]byte(`{"response":{"df":{"data":1}},"sideUpdate":{"props":{"data":` + bigData + `}}}`)})
	require.NotContains(t, closeOffload(t, o), "$dashstash", "the data of the component props is a token of df")
}

// However many paths a page names, those that were known stay.
func TestManyChildrenProps(t *testing.T) {
	t.Parallel()
	app := newTestApp()
	learn := func(children string) {
		w := app.LearnPage()
		_, err := w.Write([]byte(`<script id="_dash-config">{"requests_pathname_prefix":"/","children_props":` + children +
			`}</script><script src="dash_renderer.v3_0_0.js">`))
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	learn(`{"dash_bootstrap_components":{"Tab":["label"]}}`)
	require.NotEmpty(t, app.childrenProps().of("dash_bootstrap_components.Tab"))
	var paths []string
	for n := range maxChildPaths + 1 {
		paths = append(paths, fmt.Sprintf(`"p%d"`, n))
	}
	learn(`{"a":{"A":[` + strings.Join(paths, ",") + `]}}`)
	require.NotEmpty(t, app.childrenProps().of("dash_bootstrap_components.Tab"))
}

// A user who has the app show many Stores does not keep from being saved what is learned later.
func TestFactsThatAreTooLargeToSave(t *testing.T) {
	t.Parallel()
	m := newMachines(2)
	m[0].opened(t, readsNothing, hasStore)
	for n := range maxStores {
		m[0].app.learnStore(fmt.Sprintf("%0600d", n), storageMemory)
	}
	m[0].save(t)
	m[0].opened(t, readsStore, hasStore)
	require.Equal(t, Clientside, m[0].ic.Selection.decide(m[0].app, "df"))
	if m[1].ic.LoadApp(t.Context(), m[1].store, m[1].app) {
		require.Equal(t, Clientside, m[1].ic.Selection.decide(m[1].app, "df"), "what was saved is older than what is known")
	}
}

// A component whose id is too long to be kept is not the Store that has none.
func TestLongKeyOfAnAnswer(t *testing.T) {
	t.Parallel()
	ic, store, app := newTestInterceptor(), newMemory(), newTestApp()
	offload(t, ic, store, app, []byte(`{"response":{"shown":{"children":{"props":{"id":null},"type":"Store","namespace":"dash_core_components"}}}}`))
	browser, _ := offload(t, ic, store, app, []byte(answerOf(`{"index":"`+strings.Repeat("x", maxKeyText)+`"}`, bigData)))
	require.NotContains(t, browser, "$dashstash")
}
