package interceptor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
)

// maxHeap is how many bytes of heap one request may take, whatever is in it.
const maxHeap = 64 << 20

// A longText is a text that is made as it is read: some text, another one many times, and a last one.
type longText struct {
	before, unit string
	times        int64
	after        string
}

// repeated returns a text with another one many times in it, of about a size in bytes.
func repeated(before, unit string, size int, after string) longText {
	unit = strings.Repeat(unit, max(1, 4096/len(unit))) // few large copies are faster
	return longText{before, unit, int64(size / len(unit)), after}
}

func (l longText) size() int64 {
	return int64(len(l.before)) + int64(len(l.unit))*l.times + int64(len(l.after))
}

func (l longText) ReadAt(p []byte, offset int64) (n int, err error) {
	middle := int64(len(l.before))
	end := middle + int64(len(l.unit))*l.times
	for n < len(p) {
		var rest string
		switch at := offset + int64(n); {
		case at < middle:
			rest = l.before[at:]
		case at < end:
			rest = l.unit[(at-middle)%int64(len(l.unit)):]
		case at < l.size():
			rest = l.after[at-end:]
		default:
			return n, io.EOF
		}
		n += copy(p[n:], rest)
	}
	return n, nil
}

// peakHeap returns by how many bytes the heap has grown at most while f ran. Garbage is collected early, so that it is hardly counted.
// No other test runs at the time.
func peakHeap(f func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	heap := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	before, stop, peak := heap(), make(chan struct{}), make(chan int64)
	go func() {
		most := heap()
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(time.Millisecond / 2):
				most = max(most, heap())
			}
		}
	}()
	f()
	close(stop)
	return <-peak - before
}

// ask has one request put back, or looked at.
func ask(t testing.TB, ic *Interceptor, session Session, request longText) (size int64, figures Figures, err error) {
	body, figures, err := ic.Rehydrate(t.Context(), session, request, request.size())
	if body != nil {
		n, copied := io.Copy(io.Discard, body.Reader(false))
		require.NoError(t, copied)
		require.Equal(t, body.Size(), n)
		size = n
		require.NoError(t, body.Close())
	}
	return size, figures, err
}

const boundsLength = 16 << 20 // bytes of the texts below

// Whatever a request holds, it takes no more heap than it may, and it is refused, is a miss, or is served.
func TestBounds(t *testing.T) { // not parallel: peakHeap
	const (
		refused = "refused"
		missed  = "missed"
		served  = "served"
		passed  = "passed" // nothing in it is ours
	)
	const forged = `{D:"N"}`
	escaped := `[{"\u0041":1},`
	for _, test := range []struct {
		name                string
		before, unit, after string
		want                string
	}{
		{"a list beside a record", `[{"0":[`, `1,`, `1],K:[["R"]]}]`, served},
		{"lists beside a record", `[{"0":[`, `[],`, `[]],K:[["R"]]}]`, served},
		{"an object beside a record", `[{"0":{"a":0`, `,"":1`, `},K:[["R"]]}]`, served},
		{"elements that were inline, beside a record", `[{"0":1`, `,"a":1`, `,K:[["R"]]}]`, served},
		{"a text beside a record", `[{"0":"`, `xxxxxxxx`, `",K:[["R"]]}]`, served},
		{"white space", `[{"0":1`, `        `, `,K:[["R"]]}]`, served},
		{"a list in place of a record", `[{K:[["R",`, `[],`, `1]]},{K:[["R"]]}]`, served},
		{"empty lists of records", `[{K:[[]`, `,[]`, `]}]`, passed},
		{"empty lists behind a record", `[{K:[["R"],`, `[],`, `[]]}]`, passed},
		{"tiny records", `[{K:[[`, `1,`, `1]]}]`, passed},
		{"texts as records", `[{K:[["x"`, `,"x"`, `]]}]`, passed},
		{"objects as records", `[{K:[[{}`, `,{}`, `]]}]`, passed},
		{"an object of records as a record", `[{K:[[{"N":""`, `,"N":""`, `}]]}]`, passed},
		{"forged records", `[{K:[["N"`, `,"N"`, `]]}]`, refused},
		{"forged records behind one", `[{K:[["R"`, `,"N"`, `]]}]`, refused},
		{"leftover records", `[{K:[["R"]`, `,["N"]`, `]}]`, served},
		{"a record many times", `[{K:[["R"`, `,"R"`, `]]}]`, refused},
		{"values with a record", `[0`, `,{K:[["R"]]}`, `]`, refused},
		{"a record that carries much", `[{K:[[{"R":"`, `\u0061`, `"}]]}]`, missed},
		{"records in records", `[`, `{K:[[`, `1`, refused},
		{"forged tokens", `[0`, `,` + forged, `]`, refused},
		{"forged tokens, spelled otherwise", escaped + `0`, `,` + forged, `]`, refused},
		{"tokens in a value", `[{"0":[0`, `,T`, `],K:[["R"]]}]`, refused},
		{"look-alikes", escaped + `0`, `,{D:"x"}`, `]`, passed},
		{"nesting", escaped, `[`, ``, refused},
		{"nested objects", escaped, `{"value":`, ``, refused},
		{"keys that are no JSON", escaped + `{`, `"id":"x",`, ``, passed},
		{"long keys", escaped + `{"`, `xxxxxxxx`, `":1}]`, passed},
		{"a long list", escaped, `1,`, `1]`, passed},
		{"a long number", escaped, `1`, `]`, passed},
		{"a long id", escaped + `{"id":"`, `xxxxxxxx`, `","property":"data","value":T}]`, served},
		{"long property names", escaped + `{"property":"`, `xxxxxxxx`, `","value":T}]`, served},
	} {
		t.Run(test.name, func(t *testing.T) {
			ic, store := newTestInterceptor(), newFile(t)
			fill := patchFixture(t, ic, store)
			request := repeated(fill.Replace(test.before), fill.Replace(test.unit), boundsLength, fill.Replace(test.after))
			var figures Figures
			var err error
			peak := peakHeap(func() {
				_, figures, err = ask(t, ic, testSession(store, nil), request)
			})
			t.Logf("%.1f MiB", float64(peak)/(1<<20))
			require.Less(t, peak, int64(boundsLength/2), "the text, or what is in it, was held in memory")
			switch test.want {
			case refused:
				require.ErrorIs(t, err, ErrTooLarge)
			case missed:
				require.NoError(t, err)
				require.Equal(t, 1, figures.Missed)
			case served:
				require.NoError(t, err)
				require.Zero(t, figures.Missed)
				require.NotZero(t, figures.Tokens)
			case passed:
				require.NoError(t, err)
				require.Equal(t, Figures{}, sums(figures))
			}
		})
	}
}

// Whatever a Patch does to large data, it takes no more heap than a request may; but for what takes more, it works.
func TestBoundsOfPatches(t *testing.T) { // not parallel: peakHeap
	const costly = "too many Patches"
	numbers := repeated(`[`, `1,`, boundsLength, `1]`)
	rows := repeated(`{"rows":[`, `{"name":"a name","value":123.456,"note":"some text that makes it longer"},`, boundsLength, `{}],"a":1}`)
	var keys strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&keys, `,"key %d":1`, i)
	}
	object := longText{before: `{"a":1` + keys.String() + `}`}
	inside := longText{before: `{"b":{"a":1` + keys.String() + `}}`}
	text := repeated(`{"a":"`, `x`, boundsLength, `"}`)
	for _, test := range []struct {
		name       string
		data       longText
		operations []string
		want       string
	}{
		{"numbers", numbers, []string{`"Append","location":[]`, `"Prepend","location":[]`, `"Insert","location":[]`, `"Delete","location":[3000000]`,
			`"Assign","location":[-1]`, `"Reverse","location":[]`, `"Remove","location":[]`, `"Add","location":[-70000]`, `"Extend","location":[]`}, ""},
		{"rows", rows, []string{`"Append","location":["rows"]`, `"Assign","location":["rows",150000,"name"]`, `"Merge","location":["rows",-20]`,
			`"Remove","location":["rows"]`, `"Reverse","location":["rows"]`, `"Delete","location":["rows",100]`}, ""},
		{"an object", object, []string{`"Assign","location":["a"]`}, costly},
		{"an object beside", inside, []string{`"Assign","location":["a"]`}, ""},
		{"an object in it", inside, []string{`"Delete","location":["b","a"]`}, costly},
		{"a text beside", text, []string{`"Assign","location":["b"]`}, ""},
		{"a text", text, []string{`"Add","location":["a"]`}, costly},
		{"a text as a list", text, []string{`"Append","location":["a"]`}, costly},
		{"a list as a text", numbers, []string{`"Add","location":[]`}, costly},
		{"a list as an object", numbers, []string{`"Merge","location":[]`}, costly},
		{"properties of a list", numbers, []string{`"Assign","location":["x"]`}, costly},
	} {
		t.Run(test.name, func(t *testing.T) {
			book := new(logBook)
			ic, store := newTestInterceptor(func(c *Config) { c.Logger = book.logger() }), newFile(t)
			session := testSession(store, newTestApp("df"))
			var records []string
			for _, operation := range test.operations {
				value := `{"x":1}`
				if strings.HasPrefix(operation, `"Extend"`) {
					value = `[[1,2],3]`
				} else if strings.HasPrefix(operation, `"Add"`) {
					value = `"x"`
				}
				reply, _, ok := ic.Offload(t.Context(), session, Answer{}, nil).patchReply("df", fmt.Appendf(nil,
					`{"operations":[{"operation":%s,"params":{"value":%s,"index":5}}]}`, operation, value))
				require.True(t, ok)
				_, after, _ := strings.Cut(string(reply), `"value":"`)
				records = append(records, `"`+after[:TokenSize]+`"`)
			}
			w, err := store.Create(t.Context())
			require.NoError(t, err)
			h := ic.keys.digest(testAudience)()
			_, err = io.Copy(io.MultiWriter(w, h), io.NewSectionReader(test.data, 0, test.data.size()))
			require.NoError(t, err)
			ref := payloadRef{owner{}.key(h), test.data.size()}
			require.NoError(t, w.Commit(ref.key))
			token := string(ic.keys.token(ref, testAudience))
			request := longText{before: strings.TrimSuffix(token, "}") + `,"$dashstash_patches":[[` + strings.Join(records, ",") + `]]}`}

			var size int64
			var figures Figures
			start := time.Now()
			peak := peakHeap(func() { size, figures, err = ask(t, ic, session, request) })
			t.Logf("%.1f MiB, %v", float64(peak)/(1<<20), time.Since(start))
			require.NoError(t, err)
			require.Less(t, peak, int64(maxHeap*3/4)) // so that there is room for very many records
			if test.want != "" {
				require.Equal(t, 1, figures.Missed)
				require.Contains(t, strings.Join(book.lines(), "\n"), test.want)
				return
			}
			require.Zero(t, figures.Missed)
			require.InDelta(t, test.data.size(), size, 1000)
		})
	}
}

// What a page asks about is bounded, in all and in each of it.
func TestBoundsOfGone(t *testing.T) { // not parallel: peakHeap
	const forged = `{D:"N"}`
	for _, test := range []struct {
		name                string
		before, unit, after string
		want                error
	}{
		{"tiny elements", `[`, `1,`, `1]`, ErrTooLarge},
		{"empty lists", `[`, `[],`, `[]]`, ErrTooLarge},
		{"forged tokens", `[0`, `,` + forged, `]`, ErrTooLarge},
		{"forged tokens in one", `[[0`, `,` + forged, `]]`, ErrTooLarge},
		{"forged tokens in some", `[0`, `,[` + strings.Repeat(forged+",", 1000) + `0]`, `]`, ErrTooLarge},
		{"forged records in some", `[0`, `,{K:[["R"` + strings.Repeat(`,"N"`, 30_000) + `]]}`, `]`, ErrTooLarge},
		{"a list in one", `[{"0":[`, `1,`, `1],K:[["R"]]}]`, nil},
		{"nesting", `[{"a":1,D:"x"},`, `[`, ``, errNoList},
		{"white space", `[1`, `        `, `]`, nil},
		{"no list", `{"a":[`, `1,`, `1]}`, errNoList},
		{"no end", `[1`, `        `, ``, errNoList},
		{"two lists", `[1]`, ` [1]`, ``, errNoList},
	} {
		t.Run(test.name, func(t *testing.T) {
			ic, store := newTestInterceptor(), newFile(t)
			fill := patchFixture(t, ic, store)
			list := repeated(fill.Replace(test.before), fill.Replace(test.unit), boundsLength, fill.Replace(test.after))
			var err error
			peak := peakHeap(func() { _, err = ic.Gone(t.Context(), testSession(store, nil), list, list.size()) })
			t.Logf("%.1f MiB", float64(peak)/(1<<20))
			require.Less(t, peak, int64(boundsLength/2), "the text, or what is in it, was held in memory")
			require.ErrorIs(t, err, test.want)
		})
	}
}

// What a dry run counts in a request is bounded too.
func TestBoundsOfDryRun(t *testing.T) { // not parallel: peakHeap
	ic, app := newTestInterceptor(), newTestApp("df")
	request := repeated(`{"inputs":[`, `{"id":"df","property":"data","value":[1]},`, boundsLength, `0]}`)
	var figures Figures
	require.Less(t, peakHeap(func() { figures = ic.WatchRequest(Session{App: app}, request, request.size()) }), int64(boundsLength/2))
	require.Equal(t, maxTokens, figures.Tokens)
}

// Whatever is repeated in a request, it stays within its bound.
func FuzzBounds(f *testing.F) {
	for _, seed := range [][3]string{
		{`[{"0":[`, `1,`, `1],K:[["R"]]}]`}, {`[{K:[[]`, `,[]`, `]}]`}, {`[{K:[[`, `1,`, `1]]}]`}, {`[{K:[["N"`, `,"N"`, `]]}]`},
		{`[0`, `,{D:"N"}`, `]`}, {`[{"\u0041":1}`, `,{D:"N"}`, `]`}, {`[{"\u0041":1},`, `[`, ``}, {`[0`, `,{K:[["R"]]}`, `]`},
		{`[{K:[[{"R":"`, `\u0061`, `"}]]}]`}, {`[{"0":{"a":0`, `,"b":1`, `},K:[["R"]]}]`}, {`[{D:"t",K:[["R","S"`, `],["S"`, `]]}]`},
		{`{"inputs":[`, `{"id":"df","property":"data","value":[1]},`, `0]}`}, {`[{"0":1`, `,"1":1`, `,K:[["F","S"]]}]`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte(seed[2]), uint32(4<<20-1))
	}
	ic, store, app := newTestInterceptor(), memory.New(storage.Limits{MaxSize: 64 << 20}), newTestApp("df")
	f.Cleanup(func() { store.Close() })
	fill := patchFixture(f, ic, store)
	f.Fuzz(func(t *testing.T, before, unit, after []byte, times uint32) {
		if len(before)+len(unit)+len(after) > 1<<10 || len(unit) == 0 {
			return
		}
		text := repeated(fill.Replace(string(before)), fill.Replace(string(unit)), int(times%(4<<20)), fill.Replace(string(after)))
		peak := peakHeap(func() {
			body, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), text, text.size())
			if err == nil && body != nil {
				err = body.Close()
			}
			require.True(t, err == nil || errors.Is(err, ErrEncoding) || errors.Is(err, ErrTooLarge), err)
			_, _ = ic.Gone(t.Context(), testSession(store, nil), text, text.size())
			ic.WatchRequest(Session{App: app}, text, text.size())
		})
		require.Less(t, peak, int64(maxHeap/2)) // of 4 MiB of text
	})
}

// A record that is gone when a value is to be made of it is a miss, as any other, and nothing stays open.
func TestRecordGoesWhileAValueIsMade(t *testing.T) {
	t.Parallel()
	ic, app := newTestInterceptor(), newTestApp("df")
	spy := &spyStore{Store: newMemory()}
	held := stash(t, ic, spy, `{"rows":[]}`)
	o := ic.Offload(t.Context(), testSession(spy, app), Answer{}, nil)
	reply, _, ok := o.patchReply("df", []byte(treePatch("Append", `["rows"]`, "1")))
	require.True(t, ok)
	_, record, _ := strings.Cut(string(reply), `"value":`)
	request := `{"output":"a.b","inputs":[{"id":"df","property":"data","value":` + strings.TrimSuffix(held, "}") + "," + patchedKey +
		":[[" + record[:TokenSize+2] + "]]}}]}"
	for last := range 8 { // opens that succeed
		opens := 0
		failing := &openStore{Store: spy.Store, open: func() error {
			if opens++; opens > last {
				return storage.ErrNotFound
			}
			return nil
		}}
		_, figures := rehydrateIn(t, ic, testSession(failing, app), request)
		if figures.Missed == 0 {
			return
		}
		require.Equal(t, 1, figures.Missed)
	}
}

// An openStore asks before it opens a payload.
type openStore struct {
	storage.Store
	open func() error
}

func (s *openStore) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	return s.Store.Open(ctx, key)
}
