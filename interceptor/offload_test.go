package interceptor

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Stores' data gives way to tokens, and every other byte of a response stays as it was, whatever its form.
func TestOffload(t *testing.T) {
	t.Parallel()
	const dict, dictE = `{"index":1,"type":"df"}`, `{"index":"é","type":"df"}`
	tests := []struct{ name, response, want string }{ // T stands for a token, and is replaced
		{"one Store", `{"multi":true,"response":{"df":{"data":[1,2]}}}`, `{"multi":true,"response":{"df":{"data":T}}}`},
		{"multi behind", `{"response": {"df": {"data": [1,2]}}, "multi": true}`, `{"response": {"df": {"data": T}}, "multi": true}`},
		{"several Stores and others", `{"response":{"graph":{"figure":{"data":[1.0]}},"df":{"data":{}},"x":{"data":[5.0]},"agg":{"data":"a"}}}`,
			`{"response":{"graph":{"figure":{"data":[1.0]}},"df":{"data":T},"x":{"data":[5.0]},"agg":{"data":T}}}`},
		{"other props of a Store", `{"response":{"df":{"modified_timestamp":-1.0,"data":"a","clear_data":true}}}`,
			`{"response":{"df":{"modified_timestamp":-1.0,"data":T,"clear_data":true}}}`},
		{"white space", " {\n\"response\" :\t{ \"df\" : { \"data\" : [ 1 ] , \"x\":1.0} } }\r\n", " {\n\"response\" :\t{ \"df\" : { \"data\" : T , \"x\":1.0} } }\r\n"},
		{"dict id", `{"response":{"{\"index\":1,\"type\":\"df\"}":{"data":[]}}}`, `{"response":{"{\"index\":1,\"type\":\"df\"}":{"data":T}}}`},
		{"dict id as Python escapes it", `{"response":{"{\"index\":\"\\u00e9\",\"type\":\"df\"}":{"data":[]}}}`,
			`{"response":{"{\"index\":\"\\u00e9\",\"type\":\"df\"}":{"data":T}}}`},
		{"escaped id", `{"r\u0065sponse":{"d\u0066":{"d\u0061ta":[]}}}`, `{"r\u0065sponse":{"d\u0066":{"d\u0061ta":T}}}`},
		{"id that is not ASCII", `{"response":{"d\u00e9":{"data":[1]},"dé":{"data":[1]}}}`, `{"response":{"d\u00e9":{"data":T},"dé":{"data":T}}}`},
		{"duplicate keys", `{"response":{"df":{"data":[1],"data":[2]},"df":{"data":[3]}},"response":{"df":{"data":[4]}}}`,
			`{"response":{"df":{"data":T,"data":T},"df":{"data":T}},"response":{"df":{"data":T}}}`},
		{"numbers and literals", `{"response":{"df":{"data":1.50},"agg":{"data":NaN},"dé":{"data":false}}}`,
			`{"response":{"df":{"data":1.50},"agg":{"data":NaN},"dé":{"data":false}}}`},
		{"null", `{"response":{"df":{"data":null},"agg":{"data": null }}}`, `{"response":{"df":{"data":null},"agg":{"data": null }}}`},
		{"no Store", `{"response":{"x":{"data":[1.0]}}}`, `{"response":{"x":{"data":[1.0]}}}`},
		{"no props", `{"response":{"df":[{"data":1.0}],"agg":1.0}}`, `{"response":{"df":[{"data":1.0}],"agg":1.0}}`},
		{"data deeper", `{"response":{"df":{"children":{"data":1.0}}}}`, `{"response":{"df":{"children":{"data":1.0}}}}`},
		{"data elsewhere", `{"data":1.0,"df":{"data":1.0},"running":{"df":{"data":1.0}}}`, `{"data":1.0,"df":{"data":1.0},"running":{"df":{"data":1.0}}}`},
		{"response in a response", `{"x":{"response":{"df":{"data":1.0}}}}`, `{"x":{"response":{"df":{"data":1.0}}}}`},
		{"response is a list", `{"response":[{"df":{"data":1.0}}]}`, `{"response":[{"df":{"data":1.0}}]}`},
		{"response is a text", `{"response":"df"}`, `{"response":"df"}`},
		{"response is null", `{"response":null}`, `{"response":null}`},
		{"list at the top", `[{"response":{"df":{"data":1.0}}}]`, `[{"response":{"df":{"data":1.0}}}]`},
		{"text at the top", `"response"`, `"response"`},
		{"number at the top", `1.0`, `1.0`},
		{"empty object", `{}`, `{}`},
		{"empty", ``, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for size := 1; size <= len(tt.response)+1; size += 1 + size/10 {
				store := &spyStore{Store: newMemory()}
				out, figures := offload(t, newTestInterceptor(), store, newTestApp("df", "agg", "dé", dict, dictE), chopEvery(size, []byte(tt.response))...)
				tokens := tokensIn(out)
				for _, token := range tokens {
					require.LessOrEqual(t, len(token), 200)
					out = strings.Replace(out, token, "T", 1)
				}
				require.Equal(t, tt.want, out, "in chunks of %d", size)
				require.Equal(t, len(tokens), figures.Stores)
				require.Equal(t, figures.Stores > 0, figures.Any())
				require.Zero(t, store.writers)
			}
		})
	}
}

// What Dash 4.4.1 answers: two Stores, and a table whose data is no Store's.
func TestOffloadOfDash(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	app := NewCatalog().App("", "app")
	learnLayout(t, app, dashBody(t, "layout.json"))
	learnDependencies(t, app, []byte(`[]`))
	for range 100 {
		ic := newTestInterceptor(func(c *Config) { c.Selection.types = storageTypeNames })
		store := newMemory()
		out, figures := offload(t, ic, store, app, chop(r, dashBody(t, "callback.json"))...)
		require.Equal(t, 2, figures.Stores)
		require.Contains(t, out, `"table":{"data":[]}`)
		back, _ := rehydrate(t, ic, store, out)
		require.Equal(t, strings.NewReplacer("1.0", "1", "-0.0", "0", "1e+16", "10000000000000000").Replace(string(dashBody(t, "callback.json"))), back)
	}
}

// Data of min_size bytes and more is offloaded. Data below stays as it came, numbers and all.
func TestOffloadMinSize(t *testing.T) {
	t.Parallel()
	for _, minSize := range []int64{0, 1, 2, 41, 42, 43, 1000, writeSize - 1, writeSize, writeSize + 1, 3 * writeSize} {
		for size := max(3, minSize-2); size <= minSize+2; size++ {
			data := `"` + strings.Repeat("x", int(size)-2) + `"`
			response := `{"response":{"df":{"data":` + data + `}}}`
			store := newMemory()
			ic := newTestInterceptor(func(c *Config) { c.MinSize = minSize })
			out, figures := offload(t, ic, store, newTestApp("df"), chopEvery(777, []byte(response))...)
			if size < minSize {
				require.Equal(t, response, out)
				require.Zero(t, figures)
				require.Zero(t, store.Stats())
				continue
			}
			require.Equal(t, Figures{Stores: 1, StoreBytes: size}, figures, "%d of %d", size, minSize)
			require.Len(t, tokensIn(out), 1)
		}
	}
	ic := newTestInterceptor(func(c *Config) { c.MinSize = 10 })
	out, _ := offload(t, ic, newMemory(), newTestApp("df"), []byte(`{"response":{"df":{"data":[1.0]}}}`))
	require.Equal(t, `{"response":{"df":{"data":[1.0]}}}`, out)
}

// A Patch of a Store is recorded: the browser gets another in its place, which applied to what the browser has gives what comes
// back as the patched data. The app is known to patch that Store from then on, so that its data is offloaded whatever its size:
// also where the Patch is smaller than min_size. One that does nothing passes as it is.
func TestOffloadPatch(t *testing.T) {
	t.Parallel()
	patch := func(value string) string {
		return `{"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"Append","location":[],"params":{"value":` + value + `}}]}`
	}
	large := `"` + strings.Repeat("x", 200_000) + `"`
	tests := []struct {
		name, data, want string
		minSize          int64
	}{
		{"small", patch(`1.0`), `[5,1]`, 0},
		{"smaller than min_size", patch(`1.0`), `[5,1]`, 1024},
		{"large", patch(large), `[5,` + large + `]`, 1024},
		{"white space", strings.Replace(patch(`1.0`), "{", "{ \n\t\r", 1), `[5,1]`, 0},
		{"empty", `{"__dash_patch_update":"__dash_patch_update","operations":[]}`, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			response := `{"response":{"df":{"data":` + tt.data + `},"graph":{"figure":1.0}}}`
			for _, size := range []int{1, 7, 1000, len(response)} {
				if len(response) > 10_000 && size < 1000 {
					continue
				}
				store, app := &spyStore{Store: newMemory()}, newTestApp("df", "agg")
				ic := newTestInterceptor(func(c *Config) { c.MinSize = tt.minSize })
				out, _ := offload(t, ic, store, app, chopEvery(size, []byte(response))...)
				require.True(t, app.store("df").patched)
				require.False(t, app.store("agg").patched)
				require.Zero(t, store.writers)
				whole, _ := offload(t, ic, store, app, []byte(`{"response":{"df":{"data":[5.0]}}}`))
				require.Len(t, tokensIn(whole), 1, "patched, and inline")
				if tt.want == "" {
					require.Equal(t, response, out)
					continue
				}
				_, record, _ := strings.Cut(out, `"params":{"value":"`)
				back, _ := rehydrate(t, ic, store, strings.TrimSuffix(tokensIn(whole)[0], "}")+`,`+patchedKey+`:[["`+record[:TokenSize]+`"]]}`)
				require.True(t, tt.want == back, "in chunks of %d: %.1000s", size, back)
			}
		})
	}
}

// Data up to max_payload is offloaded; larger data stays, numbers aside, with one warning.
func TestOffloadMaxPayload(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{100, writeSize, 3*writeSize + 7} {
		for size := limit - 1; size <= limit+1; size++ {
			data := `"` + strings.Repeat("x", int(size)-2) + `"`
			response := `{"response":{"df":{"data":` + data + `},"agg":{"data":[5]}}}`
			book, store := new(logBook), &spyStore{Store: newMemory()}
			ic := newTestInterceptor(func(c *Config) { c.MaxPayload, c.Logger = limit, book.logger() })
			app := newTestApp("df", "agg")
			for range 2 {
				out, figures := offload(t, ic, store, app, chopEvery(1000, []byte(response))...)
				back, _ := rehydrate(t, ic, store, out)
				require.True(t, response == back, "%d bytes of %d", size, limit)
				require.Equal(t, size > limit, figures.Stores == 1)
				require.Equal(t, size > limit, strings.Contains(out, data))
				require.Zero(t, store.writers)
			}
			if size > limit {
				require.Len(t, book.lines(), 1)
				require.Contains(t, book.lines()[0], fmt.Sprintf("larger than max_payload\" max_payload=%d app=app store=df", limit))
			} else {
				require.Empty(t, book.lines())
			}
		}
	}
}

// Other output of any size passes, past 64 KiB as a stream, with the tokens in their places.
func TestOffloadStreams(t *testing.T) {
	t.Parallel()
	for _, size := range []int{holdSize - 200, holdSize - 100, holdSize, holdSize + 1, 300_000} {
		pad := strings.Repeat("x", size)
		response := `{"response":{"df":{"data":[1]},"x":{"children":"` + pad + `"},"agg":{"data":[2]},"y":{"children":"` + pad + `"}}}`
		store := &spyStore{Store: newMemory()}
		ic := newTestInterceptor()
		var early bytes.Buffer
		o := ic.Offload(t.Context(), testSession(store, newTestApp("df", "agg")), Answer{}, &early)
		feed(t, o, chopEvery(1000, []byte(response)))
		require.GreaterOrEqual(t, early.Len(), 2*size-holdSize, "held back more than it should")
		body, err := o.Close()
		require.NoError(t, err)
		_, err = early.ReadFrom(body.Reader(false))
		require.NoError(t, err)
		require.NoError(t, body.Close())
		require.Len(t, tokensIn(early.String()), 2)
		back, _ := rehydrate(t, ic, store, early.String())
		require.True(t, response == back, "%d", size)
		require.Zero(t, store.writers)
	}
}

// A writer that fails ends the work, with its error.
func TestOffloadBrowserGone(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	store := &spyStore{Store: newMemory()}
	o := newTestInterceptor().Offload(t.Context(), testSession(store, newTestApp("df")), Answer{}, failingWriter{gone})
	feed(t, o, [][]byte{[]byte(`{"response":{"df":{"data":[1`)})
	_, err := o.Write([]byte(`]},"x":{"children":"` + strings.Repeat("x", holdSize)))
	require.ErrorIs(t, err, gone)
	o.Abort()
	require.Zero(t, store.writers)
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// However many Stores a response has, few wait for its end, and all come out right.
func TestOffloadManyStores(t *testing.T) {
	t.Parallel()
	var response strings.Builder
	var ids []string
	for i := range 5*maxPending + 3 {
		id := fmt.Sprint("s", i)
		ids = append(ids, id)
		fmt.Fprintf(&response, `%s"%s":{"data":[%d]}`, map[bool]string{true: ",", false: `{"response":{`}[i > 0], id, i)
	}
	response.WriteString(`}}`)
	store, ic := &spyStore{Store: newMemory()}, newTestInterceptor()
	o := ic.Offload(t.Context(), testSession(store, newTestApp(ids...)), Answer{}, nil)
	for _, chunk := range chopEvery(5, []byte(response.String())) {
		feed(t, o, [][]byte{chunk})
		require.LessOrEqual(t, store.writers, maxPending+1)
	}
	out := closeOffload(t, o)
	require.Equal(t, len(ids), o.Figures().Stores)
	require.Zero(t, store.writers)
	back, _ := rehydrate(t, ic, store, out)
	require.Equal(t, response.String(), back)
}

// A Watcher counts what would be offloaded, and touches nothing. What it saw outside of the callback's outputs makes such an
// answer one to rewrite.
func TestWatch(t *testing.T) {
	t.Parallel()
	large := `"` + strings.Repeat("x", 3*writeSize) + `"`
	answer := []byte(`{"response":{"graph":{"figure":1}},"sideUpdate":{"df":{"data":` + large + `},"agg":{"data":[1.0]},"x":{"data":[1]},` +
		`"small":{"data":1},"patched":{"data":{"__dash_patch_update":1}}}}`)
	store := &spyStore{Store: newMemory(), failCreate: errors.New("a Watcher asked for a writer")}
	book, app := new(logBook), newTestApp("df", "agg", "small", "patched")
	ic := newTestInterceptor(func(c *Config) { c.MinSize, c.Logger = 3, book.logger() })
	figure := Answer{name: "graph.figure"}
	require.False(t, ic.MayOffload(Session{App: app}, figure))
	for _, size := range []int{1000, len(answer)} {
		w := ic.Watch(t.Context(), testSession(store, app), figure)
		feed(t, w, chopEvery(size, answer))
		require.NoError(t, w.Close())
		require.Equal(t, Figures{Stores: 2, StoreBytes: int64(len(large)) + 3}, sums(w.Figures()))
	}
	requireEmpty(t, store)
	require.Empty(t, book.lines())
	require.True(t, ic.MayOffload(Session{App: app}, figure))
	require.False(t, ic.MayOffload(Session{App: app}, Answer{name: "other.figure"}))
}
