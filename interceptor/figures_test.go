package interceptor

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// What is told of each value of a Store in an answer.
func TestOffloadEvents(t *testing.T) {
	t.Parallel()
	large := `"` + strings.Repeat("x", 998) + `"` // 1000 bytes
	answer := func(id, value string) string { return `{"response":{"` + id + `":{"data":` + value + `}}}` }
	tree := func(id, value, kind string) string {
		return `{"response":{"page":{"children":{"props":{"id":"` + id + `","data":` + value + `},"type":"` + kind +
			`","namespace":"dash_core_components"}}}}`
	}
	patch := `{"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"Append","location":["rows"],"params":{"value":"` +
		strings.Repeat("x", 1000) + `"}}]}`
	full := func(s *spyStore) { s.failCreate = storage.ErrFull }
	refused := func(s *spyStore) { s.failCommit = storage.ErrFull }
	tests := []struct {
		name, answer string
		store        func(*spyStore)
		want         []Event
	}{
		{"offloaded", answer("df", large), nil, []Event{{Store: "df", Stored: true, Bytes: 1000, Saved: 1000 - int64(tokenLength)}}},
		{"numbers", answer("df", "["+strings.Repeat("1.0,", 300)+"1]"), nil,
			[]Event{{Store: "df", Stored: true, Bytes: 603, Saved: 1203 - int64(tokenLength)}}},
		{"small", answer("df", `[1, 2]`), nil, []Event{{Store: "df", Inline: BelowMinSize, Bytes: 6}}},
		{"too large", answer("df", `["`+strings.Repeat("x", 300_000)+`"]`), nil, []Event{{Store: "df", Inline: AboveMaxPayload, Bytes: 300_004}}},
		{"a number", answer("df", `12345678`), nil, []Event{{Store: "df", Inline: NoContainer, Bytes: 8}}},
		{"excluded", answer("excluded", large), nil, []Event{{Store: "excluded", Inline: Excluded, Bytes: 1000}}},
		{"of a clientside callback", answer("shown", large), nil, []Event{{Store: "shown", Inline: Clientside, Bytes: 1000}}},
		{"of another type", answer("session", large), nil, []Event{{Store: "session", Inline: StorageType, Bytes: 1000}}},
		{"no Store", answer("table", large), nil, nil},
		{"no room", answer("df", large), full, []Event{{Store: "df", Inline: StorageFailed, Bytes: 1000}}},
		{"refused in the end", answer("df", large), refused, []Event{{Store: "df", Inline: StorageFailed, Bytes: 1000}}},
		{"in a tree", tree("new", large, "Store"), nil, []Event{{Store: "new", Stored: true, Bytes: 1000, Saved: 1000 - int64(tokenLength)}}},
		{"small in a tree", tree("new", `[1]`, "Store"), nil, []Event{{Store: "new", Inline: BelowMinSize, Bytes: 3}}},
		{"excluded in a tree", tree("excluded", large, "Store"), nil, []Event{{Store: "excluded", Inline: Excluded, Bytes: 1000}}},
		{"no Store in a tree", tree("new", large, "Table"), nil, nil},
		{"not whole", answer("df", large)[:900], nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 100, len(tt.answer)} {
				app := newTestApp("df", "excluded", "shown")
				app.learnStore("session", storageSession)
				app.dependencies.browserIDs = usedBy("shown")
				store := &spyStore{Store: newMemory()}
				if tt.store != nil {
					tt.store(store)
				}
				selection, err := ParseSelection(nil, []string{"excluded"})
				require.NoError(t, err)
				ic := newTestInterceptor(func(c *Config) { c.MinSize, c.MaxPayload, c.Selection = 10, 200_000, selection })
				o := ic.Offload(t.Context(), testSession(store, app), Answer{}, &strings.Builder{})
				feed(t, o, chopEvery(size, []byte(tt.answer)))
				closeOffload(t, o)
				require.Equal(t, tt.want, o.Figures().Events, "in chunks of %d", size)
				require.EqualValues(t, len(tt.answer), o.Size())
			}
		})
	}
	t.Run("Patch", func(t *testing.T) {
		t.Parallel()
		ic, store, app := newTestInterceptor(), newMemory(), newTestApp("df")
		o := ic.Offload(t.Context(), testSession(store, app), Answer{}, nil)
		feed(t, o, chopEvery(50, []byte(answer("df", patch))))
		out := closeOffload(t, o)
		require.Len(t, o.Figures().Events, 1)
		event := o.Figures().Events[0]
		require.True(t, event.Stored)
		require.EqualValues(t, len(answer("df", patch))-len(out), event.Saved)
	})
}

// What is told of each token in a request: whose it is, where a browser wrote the request, and why its data is missing.
func TestRehydrateEvents(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	token, gone, short := stash(t, ic, store, "[1,2]"), stash(t, ic, store, `"gone"`), stash(t, ic, store, "[1,2,3]")
	require.NoError(t, store.Delete(t.Context(), refOf(ic.keys, `"gone"`).key))
	require.NoError(t, store.Delete(t.Context(), refOf(ic.keys, "[1,2,3]").key))
	require.NoError(t, storePayload(t.Context(), store, refOf(ic.keys, "[1,2,3]"), []byte("[1,2]")))
	forged := token[:len(token)-6] + "AAAA" + token[len(token)-2:]
	restored := func(id string) Event {
		return Event{Store: id, Restored: true, Bytes: 5, Saved: 5 - int64(tokenLength)}
	}
	tests := []struct {
		name, request string
		want          []Event
	}{
		{"text id", `{"inputs":[{"id":"df","property":"data","value":` + token + `}]}`, []Event{restored("df")}},
		{"escapes", `{"inputs":[{"id":"Gr\u00f6\u00dfe \"1\"","property":"data","value":` + token + `}]}`, []Event{restored(`Größe "1"`)}},
		{"dict id", `{"inputs":[{"id":{"type":"df","index":1},"property":"data","value":` + token + `}]}`, []Event{restored(`{"index":1,"type":"df"}`)}},
		{"dict id with such a key", `{"inputs":[{"id":{"id":"x"},"property":"data","value":` + token + `}]}`, []Event{restored(`{"id":"x"}`)}},
		{"two", `{"inputs":[{"id":"a","property":"data","value":` + token + `},{"id":"b","property":"data","value":` + token + `}]}`,
			[]Event{restored("a"), restored("b")}},
		{"another prop", `{"inputs":[{"id":"df","property":"figure","value":` + token + `}]}`, []Event{restored("")}},
		{"within a value", `{"inputs":[{"id":"df","property":"data","value":{"a":` + token + `}}]}`, []Event{restored("")}},
		{"in another order, told where all is walked through", `{"inputs":[{"property":"data","id":"df","value":` + token + `}],"x":"\u0041"}`,
			[]Event{restored("df")}},
		{"no request", token, []Event{restored("")}},
		{"gone", `{"inputs":[{"id":"df","property":"data","value":` + gone + `}]}`, []Event{{Store: "df", Missed: Gone}}},
		{"forged", `{"inputs":[{"id":"df","property":"data","value":` + forged + `}]}`, []Event{{Store: "df", Missed: Unreadable}}},
		{"of another size", `{"inputs":[{"id":"df","property":"data","value":` + short + `}]}`, []Event{{Store: "df", Missed: Damaged}}},
	}
	for _, tt := range tests {
		body, figures, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(tt.request), int64(len(tt.request)))
		require.NoError(t, err, tt.name)
		require.NoError(t, body.Close())
		require.Equal(t, tt.want, figures.Events, tt.name)
	}
}

// A dry run says of an answer, and of the request that follows, what would have been done.
func TestDryRunSaysWhatIsDone(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"df": `[1,2,3,"` + strings.Repeat("x", 100) + `"]`, "small": `[1]`, `{"index":1,"type":"df"}`: `{"a":"` + strings.Repeat("y", 2000) + `"}`,
		"number": "1", "table": `"` + strings.Repeat("z", 200) + `"`, "text": `"` + strings.Repeat("z", 200) + `"`,
	}
	app := newTestApp("df", "small", `{"index":1,"type":"df"}`, "number", "text")
	ic, store := newTestInterceptor(func(c *Config) { c.MinSize = 20 }), newMemory()
	for id, value := range values {
		quoted := string(appendQuotedJS(nil, id))
		answer := []byte(`{"response":{` + quoted + `:{"data":` + value + `}}}`)
		if !strings.HasPrefix(id, "{") {
			id = quoted
		}
		request := func(value string) string {
			return `{"output":"x.y","inputs":[[{"id":` + id + `,"property":"data","value":` + value + `}]],"state":[{"id":"df","property":"data"},` +
				`{"id":"df","property":"other","value":[1]}]}`
		}
		out, _ := offload(t, ic, store, app, answer)
		o := ic.Offload(t.Context(), testSession(store, app), Answer{}, nil)
		feed(t, o, [][]byte{answer})
		closeOffload(t, o)
		w := ic.Watch(t.Context(), testSession(store, app), Answer{})
		feed(t, w, chopEvery(7, answer))
		require.NoError(t, w.Close())
		require.Equal(t, o.Figures(), w.Figures(), id)
		require.Equal(t, o.Size(), w.Size())

		var done Figures
		if tokens := tokensIn(out); len(tokens) == 1 {
			sent := request(tokens[0])
			body, figures, err := ic.Rehydrate(t.Context(), testSession(store, app), strings.NewReader(sent), int64(len(sent)))
			require.NoError(t, err)
			require.NoError(t, body.Close())
			done = figures
		}
		for _, sent := range []string{request(value), `{"type":"callback_request","payload":` + request(value) + `}`} {
			figures := ic.WatchRequest(Session{App: app}, strings.NewReader(sent), int64(len(sent)))
			require.Equal(t, sums(done), sums(figures), id)
			require.Equal(t, done.Saved(), figures.Saved(), id)
		}
	}
	for _, odd := range []string{"", "[]", "{", `{"inputs":1}`, `{"inputs":[1,[2],{"id":1}]}`, `{"inputs":[{"id":"df","property":"data","value":`} {
		require.Empty(t, ic.WatchRequest(Session{App: app}, strings.NewReader(odd), int64(len(odd))).Events, odd)
	}
}

func TestPlus(t *testing.T) {
	t.Parallel()
	one := Figures{Callbacks: 1}
	one.Note(Event{Stored: true, Bytes: 3, Saved: 2})
	other := Figures{Callbacks: 2}
	other.Note(Event{Restored: true, Bytes: 5, Saved: -1})
	other.Note(Event{Missed: Gone})
	require.False(t, Figures{Callbacks: 1}.Any())
	require.True(t, one.Any())
	sum := one.Plus(other)
	require.Equal(t, Figures{
		Callbacks: 3, Stores: 1, StoreBytes: 3, Tokens: 1, TokenBytes: 5, Missed: 1, Events: append(one.Events, other.Events...),
	}, sum)
	require.EqualValues(t, 1, sum.Saved())
	require.Equal(t, Damaged, causeOf(errors.Join(storage.ErrNotFound, ErrDamaged)))
}
