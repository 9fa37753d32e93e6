package interceptor

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Tokens give way to their payloads wherever they stand as a value, and every other byte stays as it was. T and U stand for two
// tokens, t for the text of the first.
func TestRehydrate(t *testing.T) {
	t.Parallel()
	const payload, other = `{"rows":[1,2.5,"é"]}`, `7`
	tests := []struct {
		name, request, want string // in want, P and Q are the payloads
		tokens, missed      int
	}{
		{"a Store", `{"inputs":[{"id":"df","property":"data","value":T}]}`, `{"inputs":[{"id":"df","property":"data","value":P}]}`, 1, 0},
		{"two Stores", `{"inputs":[{"value":T}],"state":[{"value":U}]}`, `{"inputs":[{"value":P}],"state":[{"value":Q}]}`, 2, 0},
		{"repeated", `[T,T,U,T]`, `[P,P,Q,P]`, 4, 0},
		{"deep", `{"a":[[{"b":{"c":[null,T]}}]]}`, `{"a":[[{"b":{"c":[null,P]}}]]}`, 1, 0},
		{"alone", `T`, `P`, 1, 0},
		{"behind all else", " [1, T ]\n", " [1, P ]\n", 1, 0},
		{"white space in it", "[{ \n\t\"$dashstash\"\r: \"t\" }]", `[P]`, 1, 0},
		{"no token", `{"inputs":[{"value":5.0}]}`, `{"inputs":[{"value":5.0}]}`, 0, 0},
		{"shorter than a token's key", `{}`, `{}`, 0, 0},
		{"empty", ``, ``, 0, 0},
		{"in a string", `["{\"$dashstash\":\"t\"}"]`, `["{\"$dashstash\":\"t\"}"]`, 0, 0},
		{"in a string, beside a real one", `["{\"$dashstash\":\"t\"}",T]`, `["{\"$dashstash\":\"t\"}",P]`, 1, 0},
		{"text alone", `["$dashstash","t"]`, `["$dashstash","t"]`, 0, 0},
		{"key in a list", `["$dashstash:t",{"a":"$dashstash"}]`, `["$dashstash:t",{"a":"$dashstash"}]`, 0, 0},
		{"another key", `[{"$dashstash_patches":["t"]},{"dashstash":"t"},{"$dashstash2":"t"}]`, `[{"$dashstash_patches":["t"]},{"dashstash":"t"},{"$dashstash2":"t"}]`, 0, 0},
		{"text too short", `[{"$dashstash":"abc"}]`, `[{"$dashstash":"abc"}]`, 0, 0},
		{"text too long", `[{"$dashstash":"tA"}]`, `[{"$dashstash":"tA"}]`, 0, 0},
		{"no text", `[{"$dashstash":1},{"$dashstash":null},{"$dashstash":["t"]},{"$dashstash":T}]`, `[{"$dashstash":1},{"$dashstash":null},{"$dashstash":["t"]},{"$dashstash":P}]`, 1, 0},
		{"cut off", `[T,{"$dashstash":"t`, `[P,{"$dashstash":"t`, 1, 0},
		{"cut off behind the text", `[T,{"$dashstash":"t"`, `[P,{"$dashstash":"t"`, 1, 0},
		{"look-alike with other keys", `[{"$dashstash":"N","a":1}]`, `[{"$dashstash":"N","a":1}]`, 0, 0},
		{"look-alike with a token in it", `[{"$dashstash":"N","a":T}]`, `[{"$dashstash":"N","a":P}]`, 1, 0},
		{"look-alike behind another key", `[{"a":1,"$dashstash":"N"},T]`, `[{"a":1,"$dashstash":"N"},P]`, 1, 0},
		{"behind another key", `[{"a":U,"$dashstash":"t"},T]`, `[null,P]`, 1, 1},
		{"behind a look-alike", `[{"$dashstash":"N","$dashstash":"t"},T]`, `[null,P]`, 1, 1},
		{"before a look-alike", `[{"$dashstash":"t","$dashstash":"N"},{"a":1,"$dashstash":"t","$dashstash":2},T]`, `[null,null,P]`, 1, 2},
		{"twice a look-alike", `[{"$dashstash":"N","$dashstash":"N"},{"a":1,"$dashstash":"N"}]`, `[{"$dashstash":"N","$dashstash":"N"},{"a":1,"$dashstash":"N"}]`, 0, 0},
		{"key in escapes", `[{"\u0024dashstash":"t"},{"$d\u0061shstash":"t","a":1},T]`, `[P,null,P]`, 2, 1},
		{"text in escapes", `[{"$dashstash":"\u0041s"},{"a":1,"$dashstash":"\u0041s"}]`, `[P,null]`, 1, 1},
		{"key in escapes, look-alike", `[{"\u0024dashstash":"abc"},{"\u0024dashstash":"N","a":T}]`, `[{"\u0024dashstash":"abc"},{"\u0024dashstash":"N","a":P}]`, 1, 0},
		{"escapes of an escape", `["\\u0024dashstash",{"\\u0024dashstash":"t"},T]`, `["\\u0024dashstash",{"\\u0024dashstash":"t"},P]`, 1, 0},
		{"escapes elsewhere", `["\u0024",{"\u0041":T}]`, `["\u0024",{"\u0041":P}]`, 1, 0},
		{"as a key", `[{"{\"$dashstash\":\"t\"}":T,"t":1}]`, `[{"{\"$dashstash\":\"t\"}":P,"t":1}]`, 1, 0},
		{"behind a byte order mark", "\ufeff" + `[{"a":1,"$dashstash":"t"},T]`, "\ufeff" + `[null,P]`, 1, 1},
		{"behind another key, no JSON", `[{"a":1,"$dashstash":"t"},T`, `[{"a":1,"$dashstash":"t"},P`, 1, 0},
		{"not made here", `[{"$dashstash":"N"},T]`, `[null,P]`, 1, 1},
		{"with other keys", `[{"$dashstash":"t","rows":[1,{"a":"}]"}]},T]`, `[null,P]`, 1, 1},
		{"with other keys and white space", "[ { \"$dashstash\" : \"t\" , \"rows\" : [ ] } ]", `[ null ]`, 0, 1},
		{"with a token in other keys", `[{"$dashstash":"t","a":U},U]`, `[null,Q]`, 1, 1},
		{"twice the key", `[{"$dashstash":"t","$dashstash":"t"}]`, `[null]`, 0, 1},
		{"with other keys, cut off", `[{"$dashstash":"t","rows":[1`, `[{"$dashstash":"t","rows":[1`, 0, 0},
		{"with other keys, broken: no JSON, and no more is looked at", `[{"$dashstash":"t","rows":[1}},T]`, `[{"$dashstash":"t","rows":[1}},T]`, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ic, store := newTestInterceptor(), newMemory()
			one, two := stash(t, ic, store, payload), stash(t, ic, store, other)
			fill := strings.NewReplacer("T", one, "U", two, `"t`, `"`+string(textOf(t, []byte(one))), `\"t`, `\"`+string(textOf(t, []byte(one))),
				`"N`, `"`+strings.Repeat("N", TokenSize), `\u0041s`, `\u0041`+string(textOf(t, []byte(one)))[1:], "P", payload, "Q", other)
			got, figures := rehydrate(t, ic, store, fill.Replace(tt.request))
			require.Equal(t, fill.Replace(tt.want), got)
			require.Equal(t, tt.tokens, figures.Tokens)
			require.Equal(t, tt.missed, figures.Missed)
			want := strings.Count(tt.want, "P")*len(payload) + strings.Count(tt.want, "Q")*len(other)
			require.EqualValues(t, want, figures.TokenBytes)
		})
	}
}

// A token opens in its own scope, under each of its secrets, and only there.
func TestRehydrateScope(t *testing.T) {
	t.Parallel()
	store := newMemory()
	before := newTestInterceptor(func(c *Config) { c.Secrets = [][]byte{[]byte("old")} })
	after := newTestInterceptor(func(c *Config) { c.Secrets = [][]byte{[]byte("new"), []byte("old")} })
	request := `[` + stash(t, before, store, "1") + `,` + stash(t, after, store, "1") + `]`
	got, _ := rehydrate(t, after, store, request)
	require.Equal(t, `[1,1]`, got)
	got, figures := rehydrate(t, before, store, request)
	require.Equal(t, `[1,null]`, got)
	require.Equal(t, 1, figures.Missed)

	for name, change := range map[string]func(*Session){
		"another scope": func(s *Session) { s.Scope = "bob" },
		"another app":   func(s *Session) { s.App = NewCatalog().App("", "app/two") },
	} {
		session := testSession(store, nil)
		change(&session)
		got, figures = rehydrateIn(t, after, session, request)
		require.Equal(t, "[null,null]", got, name)
		require.Equal(t, Figures{Missed: 2}, figures, name)
	}
}

// A token is found wherever in a large request it is, also across the ends of the window, and a look-alike is not.
func TestRehydrateWindow(t *testing.T) {
	t.Parallel()
	const window = 64 << 10
	ic, store := newTestInterceptor(), newMemory()
	token := stash(t, ic, store, "[1]")
	spaced := strings.NewReplacer("{", "{ \n", ":", " : ", "}", " \n}").Replace(token)
	pad := strings.Repeat("x", window+window/2)
	for at := window - len(spaced) - 5; at <= window+5; at++ {
		for _, tok := range []string{token, spaced} {
			before, after := `["`+pad[:at-4]+`",`, `,"`+pad+`"]`
			got, _ := rehydrate(t, ic, store, before+tok+after)
			require.True(t, before+"[1]"+after == got, "at %d", at)
			got, _ = rehydrate(t, ic, store, before+tok+"]")
			require.True(t, before+"[1]]" == got, "at %d, at the end", at)
			got, _ = rehydrate(t, ic, store, `["`+pad[:at]+`",`+tok+after+`,`+tok)
			require.True(t, `["`+pad[:at]+`",[1]`+after+`,[1]` == got, "at %d, two", at)
		}
		alike := `["` + pad[:at] + strings.ReplaceAll(token, `"`, `\"`) + pad + `"]`
		got, _ := rehydrate(t, ic, store, alike)
		require.True(t, alike == got, "at %d, in a string", at)
	}
	pad += pad
	wide := strings.Repeat(" ", 2*window)
	got, _ := rehydrate(t, ic, store, "["+strings.NewReplacer("{", "{"+wide, ":", wide+":"+wide, "}", wide+"}").Replace(token)+"]")
	require.Equal(t, "[[1]]", got)
	patched := strings.TrimSuffix(token, "}") + `,"a":["` + pad + `"]}`
	got, figures := rehydrate(t, ic, store, "["+patched+`,"`+pad+`",`+token+"]")
	require.True(t, `[null,"`+pad+`",[1]]` == got)
	require.Equal(t, 1, figures.Missed)
}

// A token of another namespace stays for another handler, or is read as null in as many bytes.
func TestRehydrateForeign(t *testing.T) {
	t.Parallel()
	store := newMemory()
	ic := newTestInterceptor()
	other := newTestInterceptor(func(c *Config) { c.Namespace = "other" })
	own, foreign := stash(t, ic, store, "[1,2]"), stash(t, other, store, "[3]")
	request := `[` + foreign + `,` + own + `,` + foreign + `]`
	for range 2 {
		body, figures, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
		require.NoError(t, err)
		require.True(t, body.HasForeign())
		require.Equal(t, Figures{Tokens: 1, TokenBytes: 5}, sums(figures))
		null := "null" + strings.Repeat(" ", len(foreign)-4)
		for range 2 { // several readers
			left, err := io.ReadAll(body.Reader(false))
			require.NoError(t, err)
			require.Equal(t, `[`+foreign+`,[1,2],`+foreign+`]`, string(left))
			masked, err := io.ReadAll(body.Reader(true))
			require.NoError(t, err)
			require.Equal(t, `[`+null+`,[1,2],`+null+`]`, string(masked))
			require.EqualValues(t, len(masked), body.Size())
		}
		back, _ := rehydrate(t, other, store, request)
		require.Equal(t, `[[3],`+own+`,[3]]`, back)
		require.NoError(t, body.Close())
	}
	body, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(own), int64(len(own)))
	require.NoError(t, err)
	require.False(t, body.HasForeign())
	require.NoError(t, body.Close())
}

// A payload that is gone is null or an error, as configured.
func TestRehydrateMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, request string
		missed        int
	}{
		{"one", `[T]`, 1},
		{"two", `[T,U,T]`, 2},
		{"not made here", `[{"$dashstash":"` + strings.Repeat("A", TokenSize) + `"}]`, 1},
		{"with other keys", `[{"$dashstash":"t","a":1}]`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store, ic := newMemory(), newTestInterceptor()
			gone, there := stash(t, ic, store, `"gone"`), stash(t, ic, store, `"there"`)
			require.NoError(t, store.Delete(t.Context(), refOf(ic.keys, `"gone"`).key))
			request := strings.NewReplacer("T", gone, "U", there, `"t"`, string(gone[len(tokenKey)+2:len(gone)-1])).Replace(tt.request)
			got, figures := rehydrate(t, ic, store, request)
			require.NotContains(t, got, tokenKey)
			require.Contains(t, got, "null")
			require.Equal(t, tt.missed, figures.Missed)

			require.True(t, isGone(t, ic, testSession(store, nil), request))
			require.False(t, isGone(t, ic, testSession(store, nil), there))
		})
	}
}

// A request that would grow beyond its limit is refused before anything is looked up.
func TestRehydrateTooLarge(t *testing.T) {
	t.Parallel()
	payload := `"` + strings.Repeat("x", 1000) + `"`
	store := &spyStore{Store: newMemory()}
	ic := newTestInterceptor()
	token := stash(t, ic, store, payload)
	request := `[` + token + `,` + token + `]`
	size := int64(len("[,]") + 2*len(payload))
	for _, limit := range []int64{0, 100, size - 1} {
		small := newTestInterceptor(func(c *Config) { c.MaxRequest = limit })
		body, figures, err := small.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
		require.ErrorIs(t, err, ErrTooLarge, "%d", limit)
		require.Nil(t, body)
		require.Zero(t, figures)
		require.Zero(t, store.opens)
	}
	enough := newTestInterceptor(func(c *Config) { c.MaxRequest = size })
	got, _ := rehydrate(t, enough, store, request)
	require.Len(t, got, int(size))
	require.Equal(t, 1, store.opens, "a payload is opened once for all its tokens")
	huge := string(ic.keys.token(payloadRef{length: maxPayloadSize}, testAudience))
	many := "[" + strings.Repeat(huge+",", maxTokens-1) + huge + "]"
	_, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(many), int64(len(many)))
	require.ErrorIs(t, err, ErrTooLarge)
}

// A request that Python would read, but that is not in UTF-8, is refused: what is in it cannot be seen here.
func TestRehydrateEncodings(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"UTF-16, big end first": "\x00[\x001\x00]", "UTF-16, little end first": "[\x001\x00]\x00", "UTF-16 with a mark": "\xfe\xff\x00[\x00]",
		"UTF-16 with the other mark": "\xff\xfe[\x00]\x00", "UTF-32": "\x00\x00\x00[\x00\x00\x00]", "UTF-32, little": "[\x00\x00\x00]\x00\x00\x00",
		"UTF-32 with a mark": "\xff\xfe\x00\x00[\x00\x00\x00]\x00\x00\x00",
	} {
		_, _, err := newTestInterceptor().Rehydrate(t.Context(), testSession(newMemory(), nil), strings.NewReader(text), int64(len(text)))
		require.ErrorIs(t, err, ErrEncoding, name)
	}
}

// A request that is made to cost much is refused, and looks nothing up.
func TestRehydrateBounds(t *testing.T) {
	t.Parallel()
	store := &spyStore{Store: newMemory()}
	ic := newTestInterceptor()
	token := stash(t, ic, store, "1")
	record := patchFixture(t, ic, store).Replace("R")
	for name, text := range map[string]string{
		"one token many times":        "[" + strings.Repeat(token+",", maxTokens) + token + "]",
		"the same, spelled otherwise": `[{"\u0041":1},` + strings.Repeat(token+",", maxTokens) + token + "]",
		"records of many values":      "[" + strings.Repeat(`{"$dashstash_patches":[["`+record+`"]]},`, maxTokens) + `{"$dashstash_patches":[["` + record + `"]]}]`,
		"many records":                `{"$dashstash_patches":[[` + strings.Repeat(`"`+record+`",`, maxRecords) + `"` + record + `"]]}`,
		"nested":                      strings.Repeat("[", maxNesting+1) + `{"a":1,"$dashstash":"x"}` + strings.Repeat("]", maxNesting+1),
	} {
		store.opens = 0
		_, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(text), int64(len(text)))
		require.ErrorIs(t, err, ErrTooLarge, name)
		require.Zero(t, store.opens, name)
	}
}
