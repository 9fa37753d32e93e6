package interceptor

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Taken apart and put together again, a document is what encoding/json makes of it.
func TestSplit(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(31, 1))
	for range 2000 {
		d := newDocument(r, false)
		require.Equal(t, compact(t, d.text), string(rejoin(nil, d.text)), "%s", d.text)
	}
}

func TestSplitMembers(t *testing.T) {
	t.Parallel()
	var got []string
	for key, value := range membersOf([]byte(" { \"a\\\"}\" : [1, {\"b\":2}] ,\"\":\"x,\\\\\",\n\"c\":{} , \"d\" : -1.5e3 }")) {
		got = append(got, string(key), string(value))
	}
	require.Equal(t, []string{`a\"}`, `[1, {"b":2}]`, ``, `"x,\\"`, `c`, `{}`, `d`, `-1.5e3`}, got)
}

// What is no JSON must not make it fail, nor go on for ever.
func TestSplitGarbage(t *testing.T) {
	t.Parallel()
	text := `{"a":[1,{"b":"\""}],"c":{"d":null}}`
	for _, p := range []string{text, "[" + text + "]", strings.Repeat(`"`, 9), `{"a"`, `{"a":`, `{"a":}`, `{"\`, `[,]`, `[1,]`, `]`, `}`, `[:`, ``} {
		for end := range len(p) + 1 {
			for start := range end + 1 {
				rejoin(nil, []byte(p[start:end]))
			}
		}
	}
}

// rejoin takes a text apart, all the way, and puts it together again.
func rejoin(dst, text []byte) []byte {
	switch {
	case len(text) > 0 && text[0] == '{':
		dst = append(dst, '{')
		for key, value := range membersOf(text) {
			if dst[len(dst)-1] != '{' {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, '"'), key...), `":`...)
			dst = rejoin(dst, value)
		}
		return append(dst, '}')
	case len(text) > 0 && text[0] == '[':
		dst = append(dst, '[')
		for value := range elementsOf(text) {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			dst = rejoin(dst, value)
		}
		return append(dst, ']')
	}
	return append(dst, text...)
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, json.Compact(&out, text))
	return out.String()
}
