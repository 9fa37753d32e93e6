package interceptor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each Reason has its reasons, and the first of several is the one that is given.
func TestDecide(t *testing.T) {
	t.Parallel()
	app := NewCatalog().App("", "app")
	app.learnStore("memory", storageMemory)
	app.learnStore("session", storageSession)
	app.learnStore("local", storageLocal)
	app.learnStore("shown", storageMemory)
	app.learnStore("patched", storageMemory)
	app.learnStore(`{"index":1,"type":"df"}`, storageMemory)
	app.learnStore(`{"index":1,"type":"shown"}`, storageMemory)
	app.learnPatched("patched")
	learnLayout(t, app, []byte(`[]`))
	dependencies := app.LearnDependencies("")
	feed(t, dependencies, [][]byte{[]byte(`[{"output":"x.y","clientside_function":{"namespace":"n"},"inputs":[
		{"id":"shown","property":"data"},{"id":"{\"index\":[\"ALL\"],\"type\":\"shown\"}","property":"data"}]}]`)})
	require.NoError(t, dependencies.Close())

	tests := []struct {
		name            string
		stores, exclude []string
		id              string
		want            Reason
	}{
		{"memory by default", nil, nil, "memory", Offloaded},
		{"dict id by default", nil, nil, `{"index":1,"type":"df"}`, Offloaded},
		{"session stays by default", nil, nil, "session", StorageType},
		{"local stays by default", []string{"auto"}, nil, "local", StorageType},
		{"session on request", []string{"auto", "session"}, nil, "session", Offloaded},
		{"memory not on request", []string{"auto", "session"}, nil, "memory", StorageType},
		{"all types", []string{"auto", "memory", "session", "local"}, nil, "local", Offloaded},
		{"unknown id", nil, nil, "other", Unknown},
		{"unknown id that is named", []string{"other"}, []string{"other"}, "other", Unknown},
		{"by id", []string{"memory"}, nil, "memory", Offloaded},
		{"by id, of any type", []string{"local"}, nil, "local", Offloaded},
		{"by another id", []string{"memory"}, nil, "session", NotSelected},
		{"by glob", []string{"x", "mem*"}, nil, "memory", Offloaded},
		{"by dict", []string{`{"type":"df","index":*}`}, nil, `{"index":1,"type":"df"}`, Offloaded},
		{"excluded", nil, []string{"mem*"}, "memory", Excluded},
		{"excluded and named", []string{"memory"}, []string{"memory"}, "memory", Excluded},
		{"excluded before its type", nil, []string{"session"}, "session", Excluded},
		{"not excluded", nil, []string{"session"}, "memory", Offloaded},
		{"read by the browser", nil, nil, "shown", Clientside},
		{"read by the browser, by wildcard", nil, nil, `{"index":1,"type":"shown"}`, Clientside},
		{"read by the browser, named", []string{"*"}, nil, "shown", Clientside},
		{"patched", nil, nil, "patched", Offloaded},
		{"not selected and patched", []string{"x"}, nil, "patched", NotSelected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := ParseSelection(tt.stores, tt.exclude)
			require.NoError(t, err)
			require.Equal(t, tt.want, s.decide(app, tt.id))
		})
	}
}

// What is not known in full is not touched: neither a Store without the app's dependencies, nor the other way round.
func TestDecideKnowingLittle(t *testing.T) {
	t.Parallel()
	selection, err := ParseSelection(nil, nil)
	require.NoError(t, err)
	app := NewCatalog().App("", "app")
	require.Equal(t, Unknown, selection.decide(app, "df"))
	app.learnStore("df", storageMemory)
	require.Equal(t, Unknown, selection.decide(app, "df"))
	learnDependencies(t, app, []byte(`[]`))
	require.Equal(t, Offloaded, selection.decide(app, "df"))
	require.Equal(t, Unknown, selection.decide(app, "other"))
}

// An error names the option, the word, and what would be right.
func TestParseSelectionErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		stores, exclude []string
		want            string
	}{
		{"no storage type", []string{"auto", "df"}, nil,
			`stores: "df" is no storage type: after auto write memory, session, local, or name ids without auto`},
		{"auto twice", []string{"auto", "auto"}, nil, `stores: "auto" is no storage type: after auto write memory, session, local, or name ids without auto`},
		{"auto behind ids", []string{"df", "auto"}, nil,
			`stores: auto and ids cannot be mixed: write either auto, with exclude for exceptions, or ids`},
		{"bad dict id", []string{"df", `{"a"`}, nil,
			`stores: "{\"a\"" is not a dict id: write it as JSON, with * for any value, like {"type":"df","index":*}`},
		{"bad dict id in exclude", nil, []string{`{a:1}`},
			`exclude: "{a:1}" is not a dict id: write it as JSON, with * for any value, like {"type":"df","index":*}`},
		{"empty id", []string{""}, nil, `stores: "" is no id: write the id of a dcc.Store`},
		{"empty id in exclude", []string{"auto"}, []string{""}, `exclude: "" is no id: write the id of a dcc.Store`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSelection(tt.stores, tt.exclude)
			require.EqualError(t, err, tt.want)
		})
	}
}
