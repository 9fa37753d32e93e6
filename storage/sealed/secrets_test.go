package sealed_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/sealed"
	"github.com/dashstash/dashstash/storage/storagetest"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	inner := memory.New(storage.Limits{})
	before, rotated := sealed.New(inner, newKeys("older")), sealed.New(inner, newKeys("newer", "older"))
	after, other := sealed.New(inner, newKeys("newer")), sealed.New(inner, newKeys("another"))
	old, young := newPayload(1, 100_000), newPayload(2, 100_000)
	require.NoError(t, old.Put(t, before))
	require.NoError(t, old.Get(t, rotated))
	require.NoError(t, young.Put(t, rotated))
	require.NoError(t, young.Get(t, after))
	require.ErrorIs(t, young.Get(t, before), storage.ErrNotFound)
	require.ErrorIs(t, old.Get(t, after), storage.ErrNotFound)
	require.ErrorIs(t, old.Get(t, other), storage.ErrNotFound)
	require.NoError(t, old.Put(t, other), "what others have sealed is not in the way")
	require.NoError(t, old.Get(t, other))
	require.NoError(t, other.Delete(t.Context(), old.Key))
	require.NoError(t, old.Get(t, rotated))
	require.NoError(t, rotated.Delete(t.Context(), old.Key))
	require.ErrorIs(t, old.Get(t, before), storage.ErrNotFound)
}

// What was kept before payloads were sealed is still there, and is none the less sealed when it is stored again.
func TestUnsealed(t *testing.T) {
	t.Parallel()
	inner := memory.New(storage.Limits{})
	store := sealed.New(inner, keys)
	p := newPayload(1, 100_000)
	require.NoError(t, p.Put(t, inner))
	require.NoError(t, p.Get(t, store))
	require.NoError(t, p.Put(t, store))
	require.EqualValues(t, 2, inner.Stats().Entries)
	require.NoError(t, p.Get(t, store))
	require.NoError(t, store.Delete(t.Context(), p.Key))
	require.Zero(t, inner.Stats().Entries)

	require.NoError(t, p.Put(t, store))
	require.ErrorIs(t, p.Get(t, inner), storage.ErrNotFound, "as when payloads are no longer sealed")
}

// Whoever stores a payload, and in whatever pieces, the same is kept: what several machines store at one time may be mixed.
func TestEqualPayloadsAreSealedEqually(t *testing.T) {
	t.Parallel()
	p := newPayload(1, 200_000)
	inner := memory.New(storage.Limits{})
	w, err := sealed.New(inner, newKeys("a secret of some length", "an older one")).Create(t.Context())
	require.NoError(t, err)
	for rest := p.Bytes; len(rest) > 0; {
		n, err := w.Write(rest[:min(len(rest), 777)])
		require.NoError(t, err)
		rest = rest[n:]
	}
	require.NoError(t, w.Commit(p.Key))
	require.True(t, bytes.Equal(seal(t, p), load(t, inner, keys.Place(p.Key))))
}

// What is known of an app changes under its key. Were two payloads sealed with one key and nonce, the bits in which they differ
// would show.
func TestNoKeyIsUsedTwice(t *testing.T) {
	t.Parallel()
	one, two := storagetest.NewPayload('a', 70<<10), storagetest.NewPayload('b', 70<<10)
	two.Key = one.Key
	kept, other := seal(t, one), seal(t, two)
	for _, chunk := range [][2]int{{0, 64 << 10}, {sealed.Stride, 6 << 10}} {
		difference := make([]byte, chunk[1])
		for i := range difference {
			difference[i] = kept[chunk[0]+i] ^ other[chunk[0]+i]
		}
		require.NotContains(t, string(difference), strings.Repeat(string('a'^'b'), 16))
	}
	// A payload and its storage key, and one that begins with both, have one salt, and so one key: the nonces differ.
	begins := storagetest.NewPayload('a', 70<<10)
	within := storagetest.Payload{Key: begins.Key, Bytes: begins.Bytes[:64<<10-storage.KeySize]}
	copy(begins.Bytes[len(within.Bytes):], within.Key[:])
	require.NotEqual(t, seal(t, begins)[:1000], seal(t, within)[:1000])

	longer := storagetest.NewPayload('a', 70<<10+1)
	elsewhere := storagetest.NewPayload('a', 70<<10)
	elsewhere.Key = two.Key
	elsewhere.Key[0]++
	for _, p := range []storagetest.Payload{longer, elsewhere} {
		last := seal(t, p)[sealed.Stride:]
		require.NotEqual(t, kept[sealed.Stride:][:6<<10], last[:6<<10], "a chunk that differs in anything has a key of its own")
	}
}

// Neither what is stored nor what is on its way there holds anything of a payload.
func TestNothingInFiles(t *testing.T) {
	t.Parallel()
	place := t.TempDir()
	inner, err := file.Open(place, storage.Limits{}, nil)
	require.NoError(t, err)
	store := sealed.New(inner, keys)
	defer store.Close()
	const clear = "nobody may read this"
	content := bytes.Repeat([]byte(clear), 10_000)
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	requireNowhere(t, place, clear)
	require.NoError(t, w.Commit(storage.Key{1}))
	requireNowhere(t, place, clear)
	require.Equal(t, content, load(t, store, storage.Key{1}))
}

func requireNowhere(t *testing.T, place, clear string) {
	t.Helper()
	searched := 0
	require.NoError(t, filepath.WalkDir(place, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		require.False(t, bytes.Contains(content, []byte(clear)), path)
		searched += len(content)
		return err
	}))
	require.Greater(t, searched, 64<<10)
}

// Whatever may be sealed, no call below sees any of it.
func TestNothingBelow(t *testing.T) {
	t.Parallel()
	const clear = "nobody may read this"
	below := &watched{Store: memory.New(storage.Limits{})}
	store := sealed.New(below, keys)
	for _, size := range []int{0, 20, 1000, 200_000} {
		p := storagetest.Payload{Key: storage.Key{byte(size)}, Bytes: bytes.Repeat([]byte(clear), size/20)}
		require.NoError(t, p.Put(t, store))
		require.NoError(t, p.Get(t, store))
		require.NotContains(t, below.keys, p.Key)
	}
	require.Greater(t, below.written.Len(), 200_000)
	require.NotContains(t, below.written.String(), clear[:8])
}

// watched is a store that notes what it gets to see.
type watched struct {
	storage.Store
	written bytes.Buffer
	keys    []storage.Key
}

func (s *watched) Create(ctx context.Context) (storage.Writer, error) {
	w, err := s.Store.Create(ctx)
	return &watchedWriter{w, s}, err
}

type watchedWriter struct {
	storage.Writer
	store *watched
}

func (w *watchedWriter) Write(b []byte) (int, error) {
	w.store.written.Write(b)
	return w.Writer.Write(b)
}

func (w *watchedWriter) Commit(key storage.Key) error {
	w.store.keys = append(w.store.keys, key)
	return w.Writer.Commit(key)
}

var errDisk = errors.New("disk is full")

// failing is a store whose writers accept so many bytes.
type failing struct {
	storage.Store
	room int
}

func (s *failing) Create(ctx context.Context) (storage.Writer, error) {
	w, err := s.Store.Create(ctx)
	return &failingWriter{w, s.room}, err
}

type failingWriter struct {
	storage.Writer
	room int
}

func (w *failingWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b[:min(w.room, len(b))])
	if w.room -= n; err == nil && n < len(b) {
		err = errDisk
	}
	return n, err
}
