package interceptor

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// What the app gets back is what it sent, each number as a browser would return it and every other byte as it was. This holds
// for any document and any chunking, with NaN and the infinities, in memory and in files. Node says what a browser returns.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	type response struct {
		documents     []*document
		before, after string
	}
	var responses []response
	var literals []string
	for i := range 1_500 {
		re := response{before: `{"multi":true,"response":{`, after: `},"sideUpdate":{"other":{"data":[1.0]}}}`}
		if i%3 == 0 {
			re.before, re.after = ` { "response" : { "other": { "children": "-1.50", "data": [1.0] } , `, "} , \"multi\" : true }\n"
		}
		for range 1 + r.IntN(3) {
			d := newDocument(r, true)
			re.documents = append(re.documents, d)
			literals = append(literals, d.literals()...)
		}
		responses = append(responses, re)
	}
	browser := numbersInNode(t, literals)

	stores := map[string]storage.Store{"memory": newMemory(), "file": newFile(t)}
	ic, app := newTestInterceptor(), newTestApp("s0", "s1", "s2")
	for _, re := range responses {
		sent, want := re.before, re.before
		inline := 0
		for i, d := range re.documents {
			start := fmt.Sprintf(`%s"s%d":{"data":`, map[bool]string{true: ","}[i > 0], i)
			sent += start + string(d.text) + `}`
			if strings.IndexByte(`{["`, d.text[0]) < 0 || string(d.text) == `""` { // stays as it is
				inline++
				want += start + string(d.text) + `}`
			} else {
				want += start + d.withNumbers(browser[:len(d.numbers)]) + `}`
			}
			browser = browser[len(d.numbers):]
		}
		sent, want = sent+re.after, want+re.after
		for name, store := range stores {
			chunks := chop(r, []byte(sent))
			out, figures := offload(t, ic, store, app, chunks...)
			require.Equal(t, len(re.documents)-inline, figures.Stores, "%s %q", name, chunks)
			require.Equal(t, len(re.documents)-inline, strings.Count(out, tokenPrefix), "%s %q", name, chunks)
			back, restored := rehydrate(t, ic, store, out)
			require.Equal(t, want, back, "%s %q", name, chunks)
			require.Equal(t, Figures{Tokens: figures.Stores, TokenBytes: figures.StoreBytes}, restored)
		}
	}
	require.Empty(t, browser)
}

// Equal data of a Store gives an equal token, whatever the chunking, and data that differs only in how its numbers are written is
// equal. Another Store's token is another, so that one can be purged without the other.
func TestRoundTripEqualTokens(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	out, _ := offload(t, ic, store, newTestApp("a", "b", "c"),
		chopEvery(3, []byte(`{"response":{"a":{"data":[1.0,2.5]},"b":{"data":[1,2.50]}},"sideUpdate":{"a":{"data":[1,2.50]},"c":{"data":[1,2.51]}}}`))...)
	tokens := tokensIn(out)
	require.Len(t, tokens, 4)
	require.Equal(t, tokens[0], tokens[2])
	require.NotEqual(t, tokens[0], tokens[1])
	require.NotEqual(t, tokens[0], tokens[3])
	require.EqualValues(t, 3, store.Stats().Entries)
}

// tokensIn returns the tokens in a text.
func tokensIn(text string) (tokens []string) {
	for {
		_, after, found := strings.Cut(text, tokenPrefix)
		if !found {
			return tokens
		}
		tokens = append(tokens, tokenPrefix+after[:TokenSize]+tokenSuffix)
		text = after
	}
}

// A payload of many megabytes comes back, hash and all, and neither way needs memory in proportion to it.
func TestRoundTripLarge(t *testing.T) { // not parallel: it watches the heap
	const size = 50 << 20
	ic, store, app := newTestInterceptor(), newFile(t), newTestApp("df")
	record := []byte(`{"carrier":"UA","delay":-5.0,"time":"2013-01-01T05:00:00Z","x":[1.5,0.1234567890123456,null,true]},`)
	want := bytes.ReplaceAll(record, []byte("-5.0"), []byte("-5"))
	block, wantBlock := bytes.Repeat(record, 300), bytes.Repeat(want, 300)
	blocks := size / len(block)

	heap := watchHeap(t)
	o := ic.Offload(t.Context(), testSession(store, app), Answer{}, nil)
	feed(t, o, [][]byte{[]byte(`{"response":{"df":{"data":[`)})
	for range blocks {
		feed(t, o, [][]byte{block})
		heap.look()
	}
	feed(t, o, [][]byte{[]byte(`null]}}}`)})
	out := closeOffload(t, o)
	require.Less(t, len(out), 200)

	request, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(out), int64(len(out)))
	require.NoError(t, err)
	defer request.Close()
	check := &expect{t: t, parts: [][]byte{[]byte(`{"response":{"df":{"data":[`)}}
	for range blocks {
		check.parts = append(check.parts, wantBlock)
	}
	check.parts = append(check.parts, []byte(`null]}}}`))
	n, err := check.readAll(request, heap)
	require.NoError(t, err)
	require.Equal(t, request.Size(), n)
	require.Less(t, heap.most(), int64(16<<20), "bytes that were added to the heap")
}
