package interceptor

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// When the storage refuses, wherever, the data goes to the browser: every byte of it, numbers aside. The log says why once,
// and nothing is left open.
func TestOffloadStorageFails(t *testing.T) {
	t.Parallel()
	full := errors.New("disk is full")
	large := `["` + strings.Repeat("x", 150_000) + `",` + strings.Repeat(`1.0,-2.50,"é",`, 10_000) + `{}]`
	response := ` {"response": {"df":{"data": ` + large + ` },"x":{"children":"3.0"},"agg":{"data":[7.0]}},"multi":true}`
	tests := []struct {
		name string
		fail func(*spyStore)
	}{
		{"Create", func(s *spyStore) { s.failCreate = full }},
		{"first Write", func(s *spyStore) { s.failWrite = full }},
		{"first Write, short", func(s *spyStore) { s.failWrite, s.failAt = full, 1 }},
		{"second Write", func(s *spyStore) { s.failWrite, s.failAt = full, writeSize+10 }},
		{"third Write, short", func(s *spyStore) { s.failWrite, s.failAt = full, 200_001 }},
		{"last Write", func(s *spyStore) { s.failWrite, s.failAt = full, int64(len(browserNumbers([]byte(large))))-1 }},
		{"Commit", func(s *spyStore) { s.failCommit = full }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{97, 5000, 70_000, len(response)} {
				book, store := new(logBook), &spyStore{Store: newFile(t)}
				tt.fail(store)
				ic, app := newTestInterceptor(func(c *Config) { c.Logger = book.logger() }), newTestApp("df", "agg")
				for range 2 {
					out, _ := offload(t, ic, store, app, chopEvery(size, []byte(response))...)
					require.False(t, strings.Contains(out[:200_000], tokenPrefix))
					back, _ := rehydrate(t, ic, store, out) // failing late, the storage may have taken what is small
					requireSameNumbers(t, response, back)
					require.Zero(t, store.writers)
				}
				require.Len(t, book.lines(), 1)
				require.Contains(t, book.lines()[0], `level=WARN msg="Stores stay in the browser, because their data cannot be stored" error="disk is full" app=app`)
			}
		})
	}
}

// requireSameNumbers says that two texts are equal but for how their numbers are written.
func requireSameNumbers(t testing.TB, want, got string, args ...any) {
	t.Helper()
	require.True(t, browserNumbers([]byte(want)) == browserNumbers([]byte(got)), args...)
}

// One Store that cannot be stored does not keep another from being offloaded.
func TestOffloadOneStoreFails(t *testing.T) {
	t.Parallel()
	store := &spyStore{Store: newMemory(), failWrite: errors.New("no room"), failAt: 5}
	response := `{"response":{"df":{"data":[1,2,3]},"agg":{"data":[1]}}}`
	out, figures := offload(t, newTestInterceptor(), store, newTestApp("df", "agg"), []byte(response))
	require.Equal(t, Figures{Stores: 1, StoreBytes: 3}, figures)
	require.Contains(t, out, `{"response":{"df":{"data":[1,2,3]},"agg":{"data":{"$dashstash"`)
	require.Zero(t, store.writers)
}

// A response that breaks off or is no JSON, wherever, stores nothing and comes out as it came in, numbers aside.
func TestOffloadTruncated(t *testing.T) {
	t.Parallel()
	response := ` {"multi":true,"response":{"df":{"data":[1,-2.5,"é\"",{"a":null}]},"x":{"data":5},"agg":{"data":"` +
		strings.Repeat("y", 60) + `"}, "n":{"data":[12.25]},"i":{"data":[-Infinity]}}} `
	whole := len(strings.TrimRight(response, " "))
	ic, app := newTestInterceptor(), newTestApp("df", "agg", "n", "i")
	for n := range whole {
		for _, size := range []int{1, 3, n + 1} {
			store := &spyStore{Store: newMemory()}
			out, figures := offload(t, ic, store, app, chopEvery(size, []byte(response[:n]))...)
			require.Equal(t, response[:n], out)
			require.Zero(t, figures)
			requireEmpty(t, store)
			for _, garbage := range []string{"\x00", "}]", "<html>"} {
				store := &spyStore{Store: newMemory()}
				broken := response[:n] + garbage + response[n:]
				if isWhole([]byte(broken)) { // garbage in a string
					continue
				}
				out, figures := offload(t, ic, store, app, chopEvery(size, []byte(broken))...)
				require.Equal(t, broken, out)
				require.Zero(t, figures)
				requireEmpty(t, store)
			}
		}
	}
	store := &spyStore{Store: newMemory()}
	_, figures := offload(t, ic, store, app, []byte(response[:whole]))
	require.Equal(t, 4, figures.Stores)
}

// The same with data that was written to the storage in part.
func TestOffloadTruncatedLarge(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	response := `{"response":{"df":{"data":[` + strings.Repeat(`1.50,"é",`, 50_000) + `1]},"agg":{"data":[` + strings.Repeat(`{"a":-1e5},`, 20_000) + `1]}}}`
	ic, app := newTestInterceptor(), newTestApp("df", "agg")
	for range 12 {
		n := r.IntN(len(response))
		store := &spyStore{Store: newMemory()}
		out, figures := offload(t, ic, store, app, chopEvery(1+r.IntN(40_000), []byte(response[:n]))...)
		requireSameNumbers(t, response[:n], out, "%d bytes", n)
		require.Zero(t, figures)
		requireEmpty(t, store)
	}
}

// A number of more bytes than are kept, cut by a chunk's end, once came out twice.
func TestOffloadLongNumber(t *testing.T) {
	t.Parallel()
	response := `{"response":{"df":{"data":["` + strings.Repeat("x", 100) + `",` + strings.Repeat("1", 3*maxNumber) + `]}}}`
	for _, size := range []int{1, 100, maxNumber - 1, maxNumber, maxNumber + 1, 2 * maxNumber, len(response)} {
		store := &spyStore{Store: newMemory()}
		out, _ := offload(t, newTestInterceptor(), store, newTestApp("df"), chopEvery(size, []byte(response))...)
		require.True(t, response == out, "in chunks of %d", size)
		requireEmpty(t, store)
	}
}

// Abort, at any point, leaves nothing.
func TestOffloadAbort(t *testing.T) {
	t.Parallel()
	response := []byte(`{"response":{"df":{"data":[1,2.0,"` + strings.Repeat("x", 100) + `"]},"agg":{"data":[5]}}}`)
	ic, app := newTestInterceptor(), newTestApp("df", "agg")
	for n := range len(response) + 1 {
		store := &spyStore{Store: newMemory()}
		o := ic.Offload(t.Context(), testSession(store, app), Answer{}, nil)
		feed(t, o, chopEvery(7, response[:n]))
		o.Abort()
		requireEmpty(t, store, "after %d bytes", n)
		o.Abort()
	}
	store := &spyStore{Store: newMemory()}
	o := ic.Offload(t.Context(), testSession(store, app), Answer{}, nil)
	feed(t, o, [][]byte{response})
	body, err := o.Close()
	require.NoError(t, err)
	o.Abort()
	require.EqualValues(t, 2, store.Stats().Entries, "Abort after Close is to do nothing")
	require.NotZero(t, body.Size())
}

// For any bytes in any chunks: what is JSON comes out as the same JSON, once the tokens are replaced; what is broken stores
// nothing, and comes out as it was, numbers aside.
func FuzzOffload(f *testing.F) {
	for _, seed := range []string{
		`{"multi":true,"response":{"df":{"data":[1.0,{"a":"b"},null]},"x":{"data":1}}}`,
		`{"response":{"df":{"data":[-Infinity]},"agg":{"data":1e5}}} `, `{"response":{"df":{"data":01}}}`, `{"response":{"df":{"data":null,"data":"\ud800"`,
		`{"response":{"df":{"data":{"__dash_patch_update":1}}}}`, `[]`, `{"response":{"d\u0066":{"data":{"$dashstash":"x"}}}}x`,
	} {
		f.Add([]byte(seed), uint64(1), uint8(0))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64, minSize uint8) {
		ic := newTestInterceptor(func(c *Config) { c.MinSize = int64(minSize) })
		store := &spyStore{Store: newMemory()}
		out, figures := offload(t, ic, store, newTestApp("df", "agg"), chop(rand.New(rand.NewPCG(seed, 0)), in)...)
		require.Zero(t, store.writers)
		require.Equal(t, figures.Stores > 0, store.Stats().Entries > 0)
		if !isWhole(in) && len(in) < holdSize && bytes.Count(in, []byte(`"`)) < 2*maxPending {
			require.Zero(t, store.Stats())
		}
		if figures.Stores == 0 {
			require.LessOrEqual(t, len(out), max(len(in), 22*len(in)), "numbers aside") // 1e20 has 21 digits
		}
		if !json.Valid(in) {
			return
		}
		back := out
		if body, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(out), int64(len(out))); body != nil {
			require.NoError(t, err)
			var whole bytes.Buffer
			_, err := whole.ReadFrom(body.Reader(false))
			require.NoError(t, err)
			require.NoError(t, body.Close())
			back = whole.String()
		}
		if strings.Contains(string(in), tokenKey) { // what looks like a token may turn to null
			return
		}
		var want, got any
		if json.Unmarshal(in, &want) == nil { // it fails for a number that is no float64
			require.NoError(t, json.Unmarshal([]byte(back), &got), "%q", back)
			require.Equal(t, want, got)
		}
	})
}
