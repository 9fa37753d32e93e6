package interceptor

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An answer is rewritten if, and only if, a Store that is offloaded or a component tree is among the callback's outputs, or they
// cannot be told.
func TestMayOffload(t *testing.T) {
	t.Parallel()
	dict := `{"index":1,"type":"df"}`
	ic, app := newTestInterceptor(), newTestApp("df", dict, `{"index":"a.b","type":"df"}`)
	output := func(text string) string {
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		return fmt.Sprintf(`{"output":%s,"inputs":[{"id":"df","property":"data"}]}`, quoted)
	}
	tests := map[string]struct {
		request string
		want    bool
	}{
		"a Store":                {output("df.data"), true},
		"a Store among others":   {output("..graph.figure...df.data...out.children.."), true},
		"several without Store":  {output("..graph.figure...out.value.."), false},
		"a tree":                 {output("page.children"), true},
		"a tree among others":    {output("..graph.figure...out.children.."), true},
		"no outputs":             {output("d2f1a9"), true},
		"dots in an id":          {output(`{"index":"a\.b","type":"df"}.data`), true},
		"another":                {output("graph.figure"), false},
		"data of another":        {output("table.data"), false},
		"another prop of it":     {output("df.clear_data"), false},
		"allow_duplicate":        {output("df.data@9f8e"), true},
		"dict id":                {output(dict + ".data"), true},
		"dict id in other order": {output(`{"type": "df", "index": 1}.data`), true},
		"another dict id":        {output(`{"index":2,"type":"df"}.data`), false},
		"wildcard":               {output(`{"index":["ALL"],"type":"df"}.data`), true},
		"wildcard of a figure":   {output(`{"index":["MATCH"],"type":"df"}.figure`), false},
		"white space":            {` { "output" : "graph.figure" } `, false},
		"behind others":          {`{"inputs":[{"output":"df.data"}],"output":"graph.figure"}`, false},
		"none told":              {`{"inputs":[]}`, true},
		"empty":                  {`{"output":""}`, true},
		"no text":                {`{"output":["graph.figure"]}`, true},
		"no object":              {`["graph.figure"]`, true},
		"no JSON":                {`output=graph.figure`, true},
		"nothing":                {``, true},
		"far behind":             {`{"inputs":"` + strings.Repeat("x", maxOutput) + `","output":"graph.figure"}`, true},
		"cut":                    {`{"output":"graph.fig`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, ic.MayOffload(Session{App: app}, CallbackAnswer(held(t, test.request), int64(len(test.request)))))
		})
	}
}
