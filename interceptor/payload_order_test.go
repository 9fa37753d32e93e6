package interceptor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// frame is a frame by its index, sorted by something else, of so many bytes at least; and what a browser makes of it.
func shuffledFrame(size int) (sent, want string) {
	n := size/len(`"00000":1,`) + 2
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf(`"%d":%d`, i, i%10)
	}
	want = `{"delay":{` + strings.Join(values, ",") + `}}`
	rand.New(rand.NewPCG(43, 1)).Shuffle(n, func(i, j int) { values[i], values[j] = values[j], values[i] })
	return `{"delay":{` + strings.Join(values, ",") + `}}`, want
}

func storeAnswer(data string) []byte { return []byte(`{"response":{"df":{"data":` + data + `}}}`) }

// Generated documents come back from the storage as Node says, and so do those that are written in several parts.
func TestPayloadOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(42, 1))
	var texts []string
	for i := range 300 {
		text := "[" + strings.Map(oneLine, string(newIndexedDocument(r).text)) + "]"
		if i%20 == 0 {
			frame, _ := shuffledFrame(writeSize * r.IntN(3))
			text = `{"x":` + text + `,"5":` + frame + `,"4":` + text + `}`
		}
		texts = append(texts, text)
	}
	ic, app := newTestInterceptor(), newTestApp("df")
	merged := reading{merge: true}
	for name, store := range map[string]storage.Store{"memory": newMemory(), "file": newFile(t)} {
		for i, node := range numbersInNode(t, texts) {
			out, figures := offload(t, ic, store, app, chop(r, storeAnswer(texts[i]))...)
			require.Equal(t, 1, figures.Stores)
			back, _ := rehydrate(t, ic, store, out)
			require.Equal(t, merged.of(t, storeAnswer(node)), merged.of(t, []byte(back)), "%s: %s", name, texts[i])
		}
	}
}

// Data that differs only in an order that a browser does not keep is equal data.
func TestPayloadOrderEqualTokens(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 3 * writeSize} {
		ic, app, store := newTestInterceptor(), newTestApp("df"), &spyStore{Store: newMemory()}
		sent, want := shuffledFrame(size)
		require.NotEqual(t, want, sent)
		shuffled, figures := offload(t, ic, store, app, storeAnswer(sent))
		sorted, _ := offload(t, ic, store, app, storeAnswer(want))
		require.Equal(t, sorted, shuffled)
		require.EqualValues(t, 1, store.Stats().Entries)
		require.Zero(t, store.writers)
		require.EqualValues(t, len(want), figures.StoreBytes)
		back, _ := rehydrate(t, ic, store, shuffled)
		require.Equal(t, string(storeAnswer(want)), back)
	}
}

// What is too large to be put in order is stored as it is, and said once.
func TestPayloadOrderTooLarge(t *testing.T) { // not parallel: it needs much memory
	var log logBook
	ic, app, store := newTestInterceptor(func(c *Config) { c.Logger = log.logger() }), newTestApp("df"), newMemory()
	sent := `{"1":"` + strings.Repeat("x", maxOrdered) + `","0":2}`
	for range 2 {
		out, figures := offload(t, ic, store, app, storeAnswer(sent))
		require.EqualValues(t, len(sent), figures.StoreBytes)
		back, _ := rehydrate(t, ic, store, out)
		require.True(t, string(storeAnswer(sent)) == back)
	}
	require.Len(t, log.lines(), 1)
	require.Contains(t, log.lines()[0], "keys in the order in which the app sent them")
	require.Contains(t, log.lines()[0], "store=df")
}

// Where the storage fails while a payload is put in order, the browser gets the data, or the answer fails.
func TestPayloadOrderStorageFails(t *testing.T) {
	t.Parallel()
	sent, want := shuffledFrame(3 * writeSize)
	full := errors.New("the disk is full")
	tests := []struct {
		name  string
		store func(*spyStore) storage.Store
		want  string // "": Close or Write fails
	}{
		{"second writer", func(s *spyStore) storage.Store { return &secondFails{spyStore: s, err: full} }, sent},
		{"second write", func(s *spyStore) storage.Store {
			s.failWrite, s.failAt = full, int64(len(sent)-1)
			return s
		}, want},
		{"commit", func(s *spyStore) storage.Store { s.failCommit = full; return s }, want},
		{"reading back", func(s *spyStore) storage.Store { return &unreadable{s, full} }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spy := &spyStore{Store: newMemory()}
			var out bytes.Buffer
			o := newTestInterceptor().Offload(t.Context(), testSession(tt.store(spy), newTestApp("df")), Answer{}, &out)
			chunks := chopEvery(writeSize+1, storeAnswer(sent))
			last := len(chunks) - 1
			feed(t, o, chunks[:last])
			_, err := o.Write(chunks[last])
			if tt.want == "" {
				require.ErrorIs(t, err, full)
			} else {
				require.NoError(t, err)
				out.WriteString(closeOffload(t, o))
				require.True(t, string(storeAnswer(tt.want)) == out.String(), "%.100q", out.String())
			}
			o.Abort()
			requireEmpty(t, spy)
		})
	}
}

// A secondFails store makes one writer.
type secondFails struct {
	*spyStore
	made bool
	err  error
}

func (s *secondFails) Create(ctx context.Context) (storage.Writer, error) {
	if s.made {
		return nil, s.err
	}
	s.made = true
	return s.spyStore.Create(ctx)
}

// An unreadable store's writers cannot be read back.
type unreadable struct {
	*spyStore
	err error
}

func (s *unreadable) Create(ctx context.Context) (storage.Writer, error) {
	w, err := s.spyStore.Create(ctx)
	return unreadableWriter{w, s.err}, err
}

type unreadableWriter struct {
	storage.Writer
	err error
}

func (w unreadableWriter) ReadAt([]byte, int64) (int, error) { return 0, w.err }
