package interceptor

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A word is found at its first place, whatever the text's length and wherever the search begins.
func TestFind(t *testing.T) {
	t.Parallel()
	const window = 64 << 10
	word := tokenKey
	for _, size := range []int{0, 1, len(word) - 1, len(word), len(word) + 1, 1000, window - 1, window, window + 1, 2*window + 17} {
		for _, at := range []int{0, 1, 500, size - len(word), window - len(word), window - 5, window, 2*window - 3} {
			if at < 0 || at+len(word) > size {
				continue
			}
			text := strings.Repeat(`"`, at) + word + strings.Repeat(`"`, size-at-len(word))
			for _, source := range []io.ReaderAt{strings.NewReader(text), held(t, text)} {
				w := newTextWindow(source, int64(size))
				require.EqualValues(t, at, w.find(word, 0), "size %d", size)
				require.EqualValues(t, at, w.find(word, int64(at)), "size %d", size)
				require.EqualValues(t, size, w.find(word, int64(at)+1), "size %d", size)
				require.EqualValues(t, at, w.find(word, 0), "back at the start, size %d", size)
				require.NoError(t, w.err)
			}
		}
		w := newTextWindow(strings.NewReader(strings.Repeat("$dashstash", size/10+1)), int64(size))
		require.EqualValues(t, size, w.find(word, 0), "size %d", size)
	}
}

// Texts that are made to be searched often take no longer than their length, several times.
func TestFindIsLinear(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	token := stash(t, ic, store, "1")
	open := strings.TrimSuffix(token, "}")
	fake := `{"$dashstash":"` + strings.Repeat("A", TokenSize) + `"`
	const n = 1 << 20
	patched := strings.TrimSuffix(patchFixture(t, ic, store).Replace(`{K:[["R"]]`), "}")
	for name, text := range map[string]string{
		"keys":                   strings.Repeat(tokenKey, n/len(tokenKey)),
		"braces and keys":        strings.Repeat(`{`+tokenKey, n/len(tokenKey)),
		"look-alikes, nested":    strings.Repeat(fake+`,"a":`, n/len(fake)),
		"tokens, nested":         strings.Repeat(open+`,"a":`, n/len(open)),
		"tokens, nested, closed": strings.Repeat(open+`,"a":`, n/len(open)) + "1" + strings.Repeat("}", n/len(open)),
		"records, nested":        strings.Repeat(patched+`,"a":`, n/len(patched)) + "1" + strings.Repeat("}", n/len(patched)),
		"keys of records":        strings.Repeat(`{`+patchedKey+`:[[`, n/30) + strings.Repeat(`]]}`, n/30),
		"spaces":                 strings.Repeat(`{    `+strings.Repeat(" ", 1000)+tokenKey, n/1000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reads := &countedReads{ReaderAt: strings.NewReader(text)}
			body, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), reads, int64(len(text)))
			if !errors.Is(err, ErrTooLarge) {
				require.NoError(t, err)
			}
			if body != nil {
				require.NoError(t, body.Close())
			}
			require.Less(t, reads.bytes, 12*len(text)) // what was patched is looked at in its place, not in a copy, maxNested times
		})
	}
}

type countedReads struct {
	io.ReaderAt
	bytes int
}

func (c *countedReads) ReadAt(p []byte, off int64) (int, error) {
	c.bytes += len(p)
	return c.ReaderAt.ReadAt(p, off)
}

// The end of a value is where encoding/json sees it, also behind the window.
func TestEndOfValue(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		value := newDocument(r, true).text
		before := strings.Repeat(" ", r.IntN(3)*40_000)
		w := newTextWindow(strings.NewReader(before+string(value)+`,"x"`), int64(len(before)+len(value)+4))
		end, ok := w.endOfValue(int64(len(before)))
		require.True(t, ok)
		require.EqualValues(t, len(before)+len(value), end, "%q", value)
	}
	long := `["` + strings.Repeat("x", 200_000) + `"]`
	w := newTextWindow(strings.NewReader(long+"]"), int64(len(long)+1))
	end, ok := w.endOfValue(0)
	require.True(t, ok)
	require.EqualValues(t, len(long), end)
	for _, text := range []string{"", "]", "[1", `{"a"`, "[}", "x"} {
		_, ok := newTextWindow(strings.NewReader(text), int64(len(text))).endOfValue(0)
		require.False(t, ok, text)
	}
}

// For any JSON, with tokens, in several spellings, wherever the digits 1 to 6 are in it, the app gets what a walk of the decoded request makes of it.
func FuzzRehydrate(f *testing.F) {
	for _, seed := range []string{
		`{"inputs":[{"id":"df","value":1}],"state":[2,1,[3]]}`, ` [1 , 4] `, `[5,6,{"a":6}]`, `{"$dashstash":2}`, `{"$dashstash":"1"}`, `[{"a":1,"b":2}]`, `"1"`,
		`[{"a":4,"\u0024dashstash":"x"},{"b":1,"$dashstash":2}]`,
		`[{"$dashstash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},3]`,
		`[{"$dashstash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","a":1}]`,
	} {
		f.Add([]byte(seed))
	}
	ic := newTestInterceptor()
	other := newTestInterceptor(func(c *Config) { c.Namespace = "other" })
	store := newMemory()
	f.Cleanup(func() { store.Close() })
	token := map[string]string{
		"1": stash(f, ic, store, `{"rows":[1,{"a":null}]}`),
		"2": strings.NewReplacer("{", "{ ", ":", "\n:\t", "}", " }").Replace(stash(f, ic, store, `"text"`)),
		"3": stash(f, other, store, `"foreign"`),
		"4": strings.TrimSuffix(stash(f, ic, store, `[]`), "}") + `,"rows":[1]}`,
		"5": strings.Replace(stash(f, ic, store, `"text"`), "{", `{"rows":[1],`, 1),
		"6": strings.Replace(stash(f, ic, store, `"text"`), "$d", `$\u0064`, 1),
	}
	payload := map[string]any{"1": map[string]any{"rows": []any{1.0, map[string]any{"a": nil}}}, "2": "text"}
	f.Fuzz(func(t *testing.T, template []byte) {
		if !json.Valid(template) {
			return
		}
		request := withTokens(template, token)
		var want any
		if json.Unmarshal([]byte(request), &want) != nil { // a number that is no float64
			return
		}
		if ambiguous(request) {
			return
		}
		got, _ := rehydrate(t, ic, store, request)
		texts := map[string]any{}
		for name, p := range payload {
			var object map[string]string
			require.NoError(t, json.Unmarshal([]byte(token[name]), &object))
			texts[object["$dashstash"]] = p
		}
		var back any
		require.NoError(t, json.Unmarshal([]byte(got), &back), "%q", got)
		require.Equal(t, walkTokens(ic, want, texts), back, "%q", request)
	})
}

// withTokens puts tokens where single digits stand as values.
func withTokens(template []byte, token map[string]string) string {
	var request strings.Builder
	done := 0
	g := grammar{p: template}
	var starts []int
	g.begin = func(at, _ int) { starts = append(starts, at) }
	g.end = func(end, _ int) {
		start := starts[len(starts)-1]
		starts = starts[:len(starts)-1]
		if tok, ok := token[string(template[start:end])]; ok {
			request.Write(template[done:start])
			request.WriteString(tok)
			done = end
		}
	}
	g.text()
	request.Write(template[done:])
	return request.String()
}

// ambiguous reports whether an object in a JSON text has the reserved key twice, where decoding tells less than the text.
func ambiguous(text string) bool {
	type object struct{ keys, tokens int } // a list has no keys
	open := []object{{}}
	decoder := json.NewDecoder(strings.NewReader(text))
	for isKey := false; ; {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		switch last := &open[len(open)-1]; token {
		case json.Delim('{'), json.Delim('['):
			open = append(open, object{})
			isKey = token == json.Delim('{')
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			if isKey && token == "$dashstash" {
				if last.tokens++; last.tokens > 1 {
					return true
				}
			}
			if isKey {
				isKey = false
				last.keys++
				continue
			}
		}
		isKey = open[len(open)-1].keys > 0
	}
}

// walkTokens is the oracle: what becomes of a decoded request.
func walkTokens(ic *Interceptor, value any, texts map[string]any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = walkTokens(ic, v[i], texts)
		}
	case map[string]any:
		text, isText := v["$dashstash"].(string)
		_, _, err := ic.keys.open(payloadToken, []byte(text), testAudience)
		switch {
		case isText && isTokenText([]byte(text)) && err == nil:
			if len(v) > 1 {
				return nil
			}
			return texts[text]
		case isText && isTokenText([]byte(text)) && len(v) == 1 && err == errInvalid:
			return nil
		}
		for key := range v {
			v[key] = walkTokens(ic, v[key], texts)
		}
	}
	return value
}
