package interceptor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// A storage that cannot be asked is no missing payload, also where only that is asked; nothing stays open.
func TestRehydrateUnavailable(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	ic := newTestInterceptor()
	store := &spyStore{Store: newMemory(), failOpen: down}
	request := stash(t, ic, store, `[1]`)
	body, figures, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorIs(t, err, down)
	require.Nil(t, body)
	require.Zero(t, figures.Missed)

	broken := errors.New("broken pipe")
	_, _, err = ic.Rehydrate(t.Context(), testSession(store, nil), failingReaderAt{broken}, 100)
	require.ErrorIs(t, err, broken)
	require.NotErrorIs(t, err, ErrUnavailable)
	_, _, err = ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader("[]"), 100)
	require.ErrorIs(t, err, io.EOF, "the request is shorter than it was said to be")
}

// A payload that turns out to end too early, as a file does that somebody cuts short, is damaged too.
func TestRehydrateEndsEarly(t *testing.T) {
	t.Parallel()
	ic := newTestInterceptor()
	store := newMemory()
	request := `[` + stash(t, ic, store, `"payload"`) + `]`
	body, _, err := ic.Rehydrate(t.Context(), testSession(shortStore{store}, nil), strings.NewReader(request), int64(len(request)))
	require.NoError(t, err)
	defer body.Close()
	got, err := io.ReadAll(body.Reader(false))
	require.ErrorIs(t, err, ErrDamaged)
	require.Less(t, len(got), len(`["payload"`))
	require.Zero(t, store.Stats())
}

// A shortStore has payloads that end after five bytes.
type shortStore struct{ storage.Store }

func (s shortStore) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	r, err := s.Store.Open(ctx, key)
	return shortReader{r}, err
}

type shortReader struct{ storage.Reader }

func (r shortReader) ReadAt(p []byte, off int64) (int, error) {
	return io.NewSectionReader(r.Reader, 0, 5).ReadAt(p, off)
}

// What was opened for a request is closed with it, once, and also where the request cannot be completed.
func TestRehydrateCloses(t *testing.T) {
	t.Parallel()
	store := &spyStore{Store: newMemory()}
	ic := newTestInterceptor()
	one, two, gone := stash(t, ic, store, "1"), stash(t, ic, store, "2"), stash(t, ic, store, "3")
	require.NoError(t, store.Delete(t.Context(), refOf(ic.keys, "3").key))
	request := `[` + one + `,` + two + `,` + one + `]`
	body, _, err := ic.Rehydrate(t.Context(), testSession(store, nil), strings.NewReader(request), int64(len(request)))
	require.NoError(t, err)
	require.Equal(t, 2, store.readers)
	require.NoError(t, body.Close())
	require.NoError(t, body.Close())
	require.Zero(t, store.readers)
	_, err = io.ReadAll(body.Reader(false))
	require.Error(t, err, "read after Close")

	require.True(t, isGone(t, ic, testSession(store, nil), `[`+one+`,`+gone+`]`))
	require.Zero(t, store.readers)
}

type failingReaderAt struct{ err error }

func (f failingReaderAt) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// A payload whose bytes are others than were stored is not read to its end, and is gone then; one of another length is as good
// as gone.
func TestRehydrateDamaged(t *testing.T) {
	t.Parallel()
	payload := `"` + strings.Repeat("x", 100_000) + `"`
	tests := []struct {
		name    string
		damaged string
		missing bool
	}{
		{"first byte", "'" + payload[1:], false},
		{"last byte", payload[:len(payload)-1] + "'", false},
		{"shorter", payload[1:], true},
		{"longer", payload + " ", true},
		{"empty", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store, book := newMemory(), new(logBook)
			ic := newTestInterceptor(func(c *Config) { c.Logger = book.logger() })
			ref := refOf(ic.keys, payload)
			w, err := store.Create(t.Context())
			require.NoError(t, err)
			_, err = w.Write([]byte(tt.damaged))
			require.NoError(t, err)
			require.NoError(t, w.Commit(ref.key))
			request := `[` + string(ic.keys.token(ref, testAudience)) + `,0]`
			ctx, cancel := context.WithCancel(t.Context())
			body, figures, err := ic.Rehydrate(ctx, testSession(store, nil), strings.NewReader(request), int64(len(request)))
			require.NoError(t, err)
			defer body.Close()
			cancel() // the browser went away, and the entry is dropped all the same
			got, err := io.ReadAll(body.Reader(false))
			if tt.missing {
				require.NoError(t, err)
				require.Equal(t, "[null,0]", string(got))
				require.Equal(t, 1, figures.Missed)
			} else {
				require.ErrorIs(t, err, ErrDamaged)
				require.Less(t, len(got), len("[")+len(payload))
			}
			_, err = store.Open(t.Context(), ref.key)
			require.ErrorIs(t, err, storage.ErrNotFound)
			require.Len(t, book.lines(), 1)
			require.Contains(t, book.lines()[0], fmt.Sprintf(`level=WARN msg="a stored payload is damaged and was dropped" key=%.8s`, ref.key))
			require.NotContains(t, book.lines()[0], string(textOf(t, []byte(ic.keys.token(ref, testAudience)))))
		})
	}
}
