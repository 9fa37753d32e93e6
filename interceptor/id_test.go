package interceptor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An id has one form, however it was written down.
func TestCanonicalID(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"text", "df", "df"},
		{"text that is not ASCII", "dée 日本", "dée 日本"},
		{"empty", "", ""},
		{"sorted already", `{"index":1,"type":"df"}`, `{"index":1,"type":"df"}`},
		{"keys in another order", `{"type":"df","index":1}`, `{"index":1,"type":"df"}`},
		{"white space", ` {"a":1}`, ` {"a":1}`}, // Dash writes none in front: this is a text id
		{"white space inside", "{ \"type\" : \"df\",\n\"index\":1 }", `{"index":1,"type":"df"}`},
		{"escapes", `{"type":"\u00e9\u2028\/<&>"}`, `{"type":"é\u2028/<&>"}`},
		{"the same without escapes", "{\"type\":\"é\u2028/<&>\"}", `{"type":"é\u2028/<&>"}`},
		{"quotes", `{"type":"\"\\"}`, `{"type":"\"\\"}`},
		{"numbers as a browser writes them", `{"a":1.50,"b":12345678901234567890,"c":-0}`, `{"a":1.5,"b":12345678901234567000,"c":0}`},
		{"booleans and null", `{"c":null,"b":false,"a":true}`, `{"a":true,"b":false,"c":null}`},
		{"wildcard", `{"type":"df","index":["ALL"]}`, `{"index":["ALL"],"type":"df"}`},
		{"empty dict", `{}`, `{}`},
		{"no JSON", `{df`, `{df`},
		{"more behind it", `{"a":1} x`, `{"a":1} x`},
		{"dict in a dict", `{"b":{"a":1},"a":1}`, `{"b":{"a":1},"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, canonicalID(tt.text))
			require.Equal(t, tt.want, canonicalID(tt.want), "the canonical form has another one")
		})
	}
}

// A pattern means the ids that a reader would take it for, and no others.
func TestIDPattern(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		exact   bool
		matches []string
		others  []string
	}{
		{"df", true, []string{"df"}, []string{"", "d", "dff", "adf", "DF", "*"}},
		{"*", false, []string{"", "df", `{"a":1}`}, nil},
		{"df-*", false, []string{"df-", "df-1", "df-*"}, []string{"df", "xdf-1"}},
		{"*-df", false, []string{"-df", "a-df", "-df-df"}, []string{"df", "-dff"}},
		{"a*b*c", false, []string{"abc", "a1b2c", "abbc", "abcbc"}, []string{"acb", "ab", "ac", "abcd"}},
		{"ab*ba", false, []string{"abba", "ab-ba"}, []string{"aba", "ab", "ba"}}, // the ends do not overlap
		{"a*bb*b", false, []string{"abbb", "a-bb-b"}, []string{"abb", "ab"}},
		{"**", false, []string{"", "x"}, nil},
		{"é*", false, []string{"é", "école"}, []string{"e"}},
		{"df?[a]", true, []string{"df?[a]"}, []string{"dfxa"}},
		{`{"type":"df","index":1}`, true, []string{`{"index":1,"type":"df"}`},
			[]string{`{"index":2,"type":"df"}`, `{"index":"1","type":"df"}`, `{"index":1}`, `{"a":0,"index":1,"type":"df"}`, "df"}},
		{`{"type":"df","index":*}`, false, []string{`{"index":1,"type":"df"}`, `{"index":"x","type":"df"}`, `{"index":true,"type":"df"}`},
			[]string{`{"index":1,"type":"d"}`, `{"type":"df"}`, `{"i":1,"type":"df"}`, `{"a":1,"index":1,"type":"df"}`}},
		{`{ "type" : * , "index" : * }`, false, []string{`{"index":1,"type":"df"}`}, []string{`{"index":1}`, `{}`}},
		{`{"type":"df-*"}`, true, []string{`{"type":"df-*"}`}, []string{`{"type":"df-1"}`}}, // * within a text is a star
		{`{"type":"a\"*","index":*}`, false, []string{`{"index":1,"type":"a\"*"}`}, []string{`{"index":1,"type":"a\"b"}`}},
		{`{"a*":1,"\\":*}`, false, []string{`{"\\":3,"a*":1}`}, []string{`{"\\":3,"ab":1}`}},
		{`{"type":"\u00e9"}`, true, []string{`{"type":"é"}`}, []string{`{"type":"e"}`}},
		{`{"on":true,"n":null,"f":1.5}`, true, []string{`{"f":1.5,"n":null,"on":true}`},
			[]string{`{"f":1.5,"n":null,"on":false}`, `{"f":1.5,"n":0,"on":true}`, `{"f":1.5,"n":null,"on":"true"}`}},
		{`{"index":["MATCH"],"type":"df"}`, false, []string{`{"index":5,"type":"df"}`}, []string{`{"index":5,"type":"x"}`}},
		{`{}`, true, []string{`{}`}, []string{`{"a":1}`, ""}},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			p, err := parseIDPattern(tt.pattern)
			require.NoError(t, err)
			require.Equal(t, tt.exact, p.exact(), "exact")
			for _, id := range tt.matches {
				require.True(t, p.matches(id), "%s should match", id)
			}
			for _, id := range tt.others {
				require.False(t, p.matches(id), "%s should not match", id)
			}
		})
	}
}

// A pattern that cannot be read says what it is and what would be right.
func TestIDPatternErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"type":"df"`, `{type:"df"}`, `{"a":{"b":1}}`, `{"a":1}}x`, `{*:1}`, `{"a":**}`, `{"a"}`} {
		_, err := parseIDPattern(text)
		require.ErrorContains(t, err, `is not a dict id: write it as JSON, with * for any value, like {"type":"df","index":*}`, text)
	}
	_, err := parseIDPattern("")
	require.ErrorContains(t, err, `"" is no id`)
}
