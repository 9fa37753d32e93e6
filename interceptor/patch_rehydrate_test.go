package interceptor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// A patchFixture has a token T of the data P, the tokens' texts R and S of two records that append 1 and 2 to its list, N, which
// is no token, X and Y, a token and a record of another namespace, and F, a fold of T and R.
func patchFixture(t testing.TB, ic *Interceptor, store storage.Store) *strings.Replacer {
	other := newTestInterceptor(func(c *Config) { c.Namespace = "other" })
	token := stash(t, ic, store, `["p"]`)
	record := func(ic *Interceptor, scope string, value int) string {
		session := testSession(store, newTestApp("df"))
		session.Scope = scope
		o := ic.Offload(t.Context(), session, Answer{}, nil)
		reply, _, ok := o.patchReply("df", fmt.Appendf(nil, `{"operations":[{"operation":"Append","location":[],"params":{"value":%d}}]}`, value))
		require.True(t, ok)
		_, after, _ := strings.Cut(string(reply), `"value":"`)
		return after[:TokenSize]
	}
	one, two := record(ic, testAudience.scope, 1), record(ic, testAudience.scope, 2)
	o := ic.Offload(t.Context(), testSession(store, nil), Answer{}, nil)
	fold, err := o.storeFold(longChain{value: refOf(ic.keys, `["p"]`)}, []byte(`"`+one+`"`), owner{})
	require.NoError(t, err)
	return strings.NewReplacer("R", one, "S", two, "T", token, "t", string(textOf(t, []byte(token))), "N", strings.Repeat("N", TokenSize),
		"X", stash(t, other, store, "7"), "Y", record(other, testAudience.scope, 1), "Z", record(ic, "bob", 1),
		"F", strings.Trim(string(fold), `"`), "D", `"$dashstash"`, "K", `"$dashstash_patches"`)
}

// Patched data is known by its exact shape; all else is somebody's own.
func TestRehydratePatched(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, request, want string
		tokens, missed      int
	}{
		{"a token", `[{D:"t",K:[["R","S"]]}]`, `[["p",1,2]]`, 1, 0},
		{"alone", `{D:"t",K:[["R"]]}`, `["p",1]`, 1, 0},
		{"as a value", `{"inputs":[{"id":"df","property":"data","value":{D:"t",K:[["R"]]}}],"state":[T]}`,
			`{"inputs":[{"id":"df","property":"data","value":["p",1]}],"state":[["p"]]}`, 2, 0},
		{"white space", "[ { D : \"t\" ,\n K :\t[ [ \"R\" , \"S\" ] ] } , T ]", `[ ["p",1,2] , ["p"] ]`, 2, 0},
		{"only the first list counts", `[{D:"t",K:[["R"],["S","R"],["Y"]]}]`, `[["p",1]]`, 1, 0},
		{"a fold", `[{D:"t",K:[["F"]]}]`, `[["p",1]]`, 1, 0},
		{"a fold and a record", `[{D:"t",K:[["F","S"]]}]`, `[["p",1,2]]`, 1, 0},
		{"a fold of what was inline", `[{"0":"x",K:[["F","S"],["R"]]}]`, `[["p",1,2]]`, 1, 0},
		{"no base", `[{K:[["R"]]}]`, `[[1]]`, 1, 0},
		{"a list", `[{"0":"x","1":{"a":T},K:[["R"]]}]`, `[["x",{"a":["p"]},1]]`, 1, 0},
		{"an object", `[{"a":"x",K:[["R"]]}]`, `[[1]]`, 1, 0},
		{"patched data in it", `[{"0":{D:"t",K:[["S"]]},K:[["R"]]}]`, `[[["p",2],1]]`, 1, 0},
		{"the records are first", `[{K:[["R"]],"0":"x"}]`, `[["x",1]]`, 1, 0},

		{"a token and more", `[{D:"t","a":1,K:[["R"]]},T]`, `[null,["p"]]`, 1, 1},
		{"not made here", `[{D:"t",K:[["N"]]},{D:"N",K:[["R"]]},{D:"t",K:[["R","N"]]}]`, `[null,null,null]`, 0, 3},
		{"the same record twice", `[{D:"t",K:[["R","S","R"]]}]`, `[null]`, 0, 1},
		{"another scope", `[{D:"t",K:[["Z"]]}]`, `[null]`, 0, 1},
		{"a payload for a record", `[{D:"t",K:[["t"]]}]`, `[null]`, 0, 1},
		{"a record for a payload", `[{D:"R",K:[["R"]]},{D:"R"}]`, `[null,null]`, 0, 2},
		{"a fold for a payload", `[{D:"F"}]`, `[null]`, 0, 1},
		{"a fold that is not first", `[{D:"t",K:[["R","F"]]}]`, `[null]`, 0, 1},
		{"a record whose bytes are others", `[{D:"t",K:[[{"R":"00000000000000000000000000000000{\"operations\":[]}"}]]}]`, `[null]`, 0, 1},
		{"ours and foreign", `[{D:"t",K:[["R","Y"]]},X]`, `[null,X]`, 0, 1},
		{"a foreign token in the base", `[{"0":X,K:[["R"]]}]`, `[null]`, 0, 1},

		{"foreign", `[X,{"0":1,K:[["Y"]]}]`, `[X,{"0":1,K:[["Y"]]}]`, 0, 0},
		{"own data: no lists", `[{K:["R"]},{K:"R"},{K:null},{K:{"0":["R"]}}]`, `[{K:["R"]},{K:"R"},{K:null},{K:{"0":["R"]}}]`, 0, 0},
		{"own data: empty", `[{K:[]},{K:[[]]},{K:[["R"],[]]}]`, `[{K:[]},{K:[[]]},{K:[["R"],[]]}]`, 0, 0},
		{"own data: no records", `[{K:[["a"]]},{K:[["RR"]]},{K:[["R",1]]},{K:[["R"],["a"]]}]`, `[{K:[["a"]]},{K:[["RR"]]},{K:[["R",1]]},{K:[["R"],["a"]]}]`, 0, 0},
		{"own data: objects", `[{K:[[{"R":1}]]},{K:[[{}]]},{K:[[{"R":"","S":""}]]}]`, `[{K:[[{"R":1}]]},{K:[[{}]]},{K:[[{"R":"","S":""}]]}]`, 0, 0},
		{"own data: twice", `[{K:[["R"]],K:[["R"]]}]`, `[{K:[["R"]],K:[["R"]]}]`, 0, 0},
		{"own data around a token", `[{K:T}]`, `[{K:["p"]}]`, 1, 0},
		{"in a text", `["K:[[R]]","{K:[[\"R\"]]}"]`, `["K:[[R]]","{K:[[\"R\"]]}"]`, 0, 0},
		{"no JSON", `[{"0":1,K:[["R"]]}`, `[{"0":1,K:[["R"]]}`, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "in a text" {
				tt.request = strings.ReplaceAll(tt.request, "K", `$dashstash_patches`)
				tt.want = tt.request
			}
			ic, store := newTestInterceptor(), newMemory()
			fill := patchFixture(t, ic, store)
			for range 2 { // the second time, values are known
				got, figures := rehydrate(t, ic, store, fill.Replace(tt.request))
				require.Equal(t, fill.Replace(tt.want), got)
				require.Equal(t, tt.tokens, figures.Tokens)
				require.Equal(t, tt.missed, figures.Missed)
			}
		})
	}
}

// A record is of no use on the data of another Store, where that can be told; data that is copied elsewhere keeps its own.
func TestRehydratePatchedOfAnotherStore(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	fill := patchFixture(t, ic, store)
	for _, patched := range []string{`{D:"t",K:[["R"]]}`, `{"0":"x",K:[["F","S"]]}`} {
		value := fill.Replace(patched)
		request := func(id string) string {
			return `{"inputs":[{"id":` + id + `,"property":"data","value":` + value + `}]}`
		}
		for _, id := range []string{`"other"`, `{"index":1,"type":"df"}`} {
			got, figures := rehydrate(t, ic, store, request(id))
			require.Contains(t, got, `"value":null`)
			require.Equal(t, Figures{Missed: 1}, figures)
		}
		got, _ := rehydrate(t, ic, store, request(`"df"`))
		require.Contains(t, got, `"value":["p",1`)
		got, _ = rehydrate(t, ic, store, strings.Replace(request(`"df"`), `"data"`, `"children"`, 1))
		require.Contains(t, got, `"value":["p",1`)
	}
}

// Patches that would take very long are missed at once, and those that nobody waits for any longer end.
func TestRehydratePatchedBounds(t *testing.T) {
	t.Parallel()
	ic, store, app := newTestInterceptor(), newMemory(), newTestApp("df")
	token := stash(t, ic, store, `["`+strings.Repeat("x", 1<<20)+`"]`)
	var records []string
	for range maxPatchWork>>20 + 1 {
		reply, _ := offload(t, ic, store, app, []byte(setPatch(`{"operation":"Append","location":[],"params":{"value":1}}`)))
		_, after, _ := strings.Cut(reply, `"value":"`)
		records = append(records, `"`+after[:TokenSize]+`"`)
	}
	request := func(n int) string {
		return `[` + strings.TrimSuffix(token, "}") + `,"$dashstash_patches":[[` + strings.Join(records[:n], ",") + `]]}]`
	}
	got, figures := rehydrate(t, ic, store, request(len(records)))
	require.Equal(t, "[null]", got)
	require.Equal(t, Figures{Missed: 1}, figures)
	got, _ = rehydrate(t, ic, store, request(3))
	require.True(t, strings.HasSuffix(got, `,1,1,1]]`))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := ic.Rehydrate(ctx, testSession(store, app), strings.NewReader(request(5)), int64(len(request(5))))
	require.ErrorIs(t, err, context.Canceled)
}

// setPatch is an answer that patches df by an operation.
func setPatch(operation string) string {
	return `{"multi":true,"response":{"df":{"data":{"__dash_patch_update":"__dash_patch_update","operations":[` + operation + `]}}}}`
}

// Foreign patched data is masked as a foreign token is.
func TestRehydratePatchedMasked(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	request := patchFixture(t, ic, store).Replace(`[{"0":1,K:[["Y"]]},T]`)
	body, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
	require.NoError(t, err)
	defer body.Close()
	require.True(t, body.HasForeign())
	var text strings.Builder
	_, err = io.Copy(&text, body.Reader(true))
	require.NoError(t, err)
	require.Equal(t, `[null,["p"]]`, strings.ReplaceAll(text.String(), " ", ""))
	require.EqualValues(t, text.Len(), body.Size())
}

// Of patched data, all must be there: what is lost is missed, and what the storage cannot say is no miss.
func TestRehydratePatchedMissing(t *testing.T) {
	t.Parallel()
	const request = `[{D:"t",K:[["R","S"]]}]`
	for lost := range 3 {
		ic, store := newTestInterceptor(), &spyStore{Store: newMemory()}
		fill := patchFixture(t, ic, store)
		text := fill.Replace([]string{"t", "R", "S"}[lost])
		full := fill.Replace(request)
		session := testSession(store, nil)
		require.False(t, isGone(t, ic, session, full))
		ref, _, err := ic.keys.open([]tokenKind{payloadToken, recordToken, recordToken}[lost], []byte(text), testAudience)
		require.NoError(t, err)
		require.NoError(t, store.Delete(t.Context(), ref.key))
		require.True(t, isGone(t, ic, session, full))
		body, figures, err := ic.Rehydrate(t.Context(), session, strings.NewReader(full), int64(len(full)))
		require.NoError(t, err)
		require.Equal(t, Figures{Missed: 1}, sums(figures))
		require.Equal(t, "[null]", readAll(t, body))
		require.Zero(t, store.readers)
		require.Zero(t, store.writers)
	}
	ic, store := newTestInterceptor(), &spyStore{Store: newMemory()}
	full := patchFixture(t, ic, store).Replace(request)
	store.failOpen = storage.ErrClosed
	_, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(full), int64(len(full)))
	require.ErrorIs(t, err, ErrUnavailable)
}

// A value that is lost is made again; each use keeps all that it is made of.
func TestRehydratePatchedAgain(t *testing.T) {
	t.Parallel()
	ic, store := newTestInterceptor(), newMemory()
	request := patchFixture(t, ic, store).Replace(`{D:"t",K:[["R","S"]]}`)
	for range 3 {
		got, _ := rehydrate(t, ic, store, request)
		require.Equal(t, `["p",1,2]`, got)
		made := refOf(ic.keys, got)
		require.NoError(t, store.Delete(t.Context(), made.key))
	}
}

func TestRehydratePatchedTooLarge(t *testing.T) {
	t.Parallel()
	const want = `[["p",1,2],["p",1,2]]`
	for limit := int64(len(want)) - 1; limit <= int64(len(want)); limit++ {
		ic, store := newTestInterceptor(func(c *Config) { c.MaxRequest = limit }), &spyStore{Store: newMemory()}
		request := patchFixture(t, ic, store).Replace(`[{D:"t",K:[["R","S"]]},{D:"t",K:[["R","S"]]}]`)
		body, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
		if limit < int64(len(want)) {
			require.ErrorIs(t, err, ErrTooLarge)
			require.Zero(t, store.readers)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, readAll(t, body))
	}
}

// Whatever request is made of tokens and records, the app gets JSON.
func FuzzRehydratePatched(f *testing.F) {
	for _, seed := range []string{
		`{D:"t",K:[["R","S"],["F"]]}`, `{"0":T,K:[["F","S"]]}`, `{"0":{K:[["S"]]},K:[["R"]]}`, `{K:[[{"R":"a"}]],K:0}`, `[X,{K:[["Y"]]},{"id":"df","property":"data","value":{K:[["R"]]}}]`,
	} {
		f.Add([]byte(seed))
	}
	ic, store := newTestInterceptor(), newMemory()
	f.Cleanup(func() { store.Close() })
	fill := patchFixture(f, ic, store)
	f.Fuzz(func(t *testing.T, template []byte) {
		request := fill.Replace(string(template))
		if json.Valid([]byte(request)) {
			got, _ := rehydrate(t, ic, store, request)
			require.True(t, json.Valid([]byte(got)), "%s", got)
			return
		}
		body, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
		if err == nil && body != nil {
			err = body.Close()
		}
		require.True(t, err == nil || errors.Is(err, ErrEncoding) || errors.Is(err, ErrTooLarge), err)
	})
}
