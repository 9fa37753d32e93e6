package interceptor

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// A clientside callback that is new may have been shown a token. That is logged once, for the Store that it uses alone; the app
// gets the data as ever.
func TestWarnShown(t *testing.T) {
	t.Parallel()
	const dict = `{"index":1,"type":"df"}`
	book, store := new(logBook), newMemory()
	ic := newTestInterceptor(func(c *Config) { c.Logger = book.logger() })
	app := newTestApp("shown", "other", dict)
	token := stash(t, ic, store, `[1]`)
	request := fmt.Sprintf(`{"inputs":[{"id":"other","property":"data","value":%[1]s},[{"id":%[2]s,"property":"data","value":%[1]s}]],`+
		`"state":[{"id":"shown","property":"data","value":%[1]s},{"id":"shown","property":"modified_timestamp","value":1}]}`, token, dict)
	for range 2 {
		back, _ := rehydrateIn(t, ic, testSession(store, app), request)
		require.NotContains(t, back, tokenKey)
	}
	require.Empty(t, book.lines())

	learnDependencies(t, app, []byte(`[{"output":"x.y","clientside_function":{"namespace":"n"},"inputs":[
		{"id":"shown","property":"data"},{"id":"{\"index\":[\"ALL\"],\"type\":\"df\"}","property":"data"}]}]`))
	for range 2 {
		back, _ := rehydrateIn(t, ic, testSession(store, app), request)
		require.NotContains(t, back, tokenKey)
	}
	require.Len(t, book.lines(), 2)
	require.Contains(t, book.lines()[0], `store="{\"index\":1,\"type\":\"df\"}"`)
	require.Contains(t, book.lines()[1], `store=shown`)
}
