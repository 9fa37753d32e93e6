package sealed_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/sealed"
	"github.com/dashstash/dashstash/storage/storagetest"
)

// newPayload returns a payload of random bytes, another one for another number.
func newPayload(number byte, size int) storagetest.Payload {
	p := storagetest.NewPayload(number, size)
	rand.NewChaCha8([32]byte{number}).Read(p.Bytes)
	return p
}

// load returns what a store keeps under a key.
func load(tb testing.TB, store storage.Store, key storage.Key) []byte {
	tb.Helper()
	r, err := store.Open(tb.Context(), key)
	require.NoError(tb, err)
	defer r.Close()
	content, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.NoError(tb, err)
	return content
}

// save has a store keep bytes under a key, whatever is there.
func save(tb testing.TB, store storage.Store, key storage.Key, content []byte) {
	tb.Helper()
	require.NoError(tb, store.Delete(tb.Context(), key))
	require.NoError(tb, storagetest.Payload{Key: key, Bytes: content}.Put(tb, store))
}

// seal returns what is kept of a payload.
func seal(tb testing.TB, p storagetest.Payload) []byte {
	tb.Helper()
	inner := memory.New(storage.Limits{})
	require.NoError(tb, p.Put(tb, sealed.New(inner, keys)))
	return load(tb, inner, keys.Place(p.Key))
}

// requireLost puts bytes in the place of a sealed payload: what can be read is right, but not all; then it is a miss, and can be
// stored anew.
func requireLost(tb testing.TB, p storagetest.Payload, kept []byte) {
	tb.Helper()
	inner := memory.New(storage.Limits{})
	store := sealed.New(inner, keys)
	save(tb, inner, keys.Place(p.Key), kept)
	err := p.Get(tb, store)
	require.True(tb, err == io.ErrUnexpectedEOF || errors.Is(err, storage.ErrNotFound), "%v", err)
	require.Zero(tb, inner.Stats().Entries)
	require.ErrorIs(tb, p.Get(tb, store), storage.ErrNotFound)
	require.NoError(tb, p.Put(tb, store))
	require.NoError(tb, p.Get(tb, store))
}

func TestAnyByteChanged(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 100, "full": 64 << 10, "three chunks": 130 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPayload(1, size)
			kept := seal(t, p)
			for at := range kept {
				// All of a tag and a salt, and of the rest a part: a cipher treats all the same.
				if at%sealed.Stride >= 100 && at%sealed.Stride < sealed.Stride-48 && at < len(kept)-48 && at%251 > 0 {
					continue
				}
				changed := slices.Clone(kept)
				changed[at] ^= 1 << (at % 8)
				requireLost(t, p, changed)
			}
		})
	}
}

// What is read beside damage is right.
func TestReadBesideDamage(t *testing.T) {
	t.Parallel()
	p := newPayload(1, 130<<10)
	inner := memory.New(storage.Limits{})
	kept := seal(t, p)
	kept[2*sealed.Stride] ^= 1
	save(t, inner, keys.Place(p.Key), kept)
	r, err := sealed.New(inner, keys).Open(t.Context(), p.Key)
	require.NoError(t, err)
	defer r.Close()
	for range 2 {
		got := make([]byte, 64<<10+1)
		n, err := r.ReadAt(got, 64<<10)
		require.Equal(t, io.ErrUnexpectedEOF, err)
		require.True(t, bytes.Equal(p.Bytes[64<<10:128<<10], got[:n]))
	}
}

// A server that is away has damaged nothing.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 130 << 10} {
		p := newPayload(1, size)
		inner := memory.New(storage.Limits{})
		require.NoError(t, p.Put(t, sealed.New(inner, keys)))
		require.ErrorIs(t, p.Get(t, sealed.New(away{inner}, keys)), storage.ErrUnavailable)
		require.NoError(t, p.Get(t, sealed.New(inner, keys)))
	}
}

// away is a store on a server that goes away when a payload is read.
type away struct{ storage.Store }

func (s away) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	r, err := s.Store.Open(ctx, key)
	return awayReader{r}, err
}

type awayReader struct{ storage.Reader }

func (awayReader) ReadAt([]byte, int64) (int, error) { return 0, storage.ErrUnavailable }

func TestAnyLength(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"empty": 0, "small": 100, "full": 64 << 10, "three chunks": 130 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPayload(1, size)
			kept := seal(t, p)
			for length := range kept {
				if length%sealed.Stride > 200 && length%sealed.Stride < sealed.Stride-200 && length%997 > 0 {
					continue
				}
				requireLost(t, p, kept[:length])
			}
			for _, more := range []int{1, 47, 48, 49, sealed.Stride} {
				requireLost(t, p, append(slices.Clone(kept), make([]byte, more)...))
			}
		})
	}
}

// Whoever can write where payloads are kept, and does not know the secret, cannot make of what is there anything that was not
// stored.
func TestChunksElsewhere(t *testing.T) {
	t.Parallel()
	const chunks = 4
	one, two := newPayload(1, chunks*64<<10-1000), newPayload(2, chunks*64<<10-1000)
	fork := newPayload(1, chunks*64<<10-1000) // begins like one
	fork.Key = two.Key
	copy(fork.Bytes[64<<10:], two.Bytes[64<<10:])
	split := func(p storagetest.Payload) [][]byte { return slices.Collect(slices.Chunk(seal(t, p), sealed.Stride)) }
	a, b, f := split(one), split(two), split(fork)
	require.Len(t, a, chunks)
	require.Equal(t, a[0], f[0], "see the type key")
	const salt = 32
	own := seal(t, one)
	copy(own[sealed.Stride-salt:], b[0][sealed.Stride-salt:])
	tests := map[string][]byte{
		"two swapped":                   bytes.Join([][]byte{a[0], a[2], a[1], a[3]}, nil),
		"the first left out":            bytes.Join(a[1:], nil),
		"one left out":                  bytes.Join([][]byte{a[0], a[2], a[3]}, nil),
		"the last left out":             bytes.Join(a[:3], nil),
		"the last alone":                a[3],
		"one twice":                     bytes.Join([][]byte{a[0], a[1], a[1], a[2], a[3]}, nil),
		"all twice":                     slices.Concat(bytes.Join(a, nil), bytes.Join(a, nil)),
		"one of another":                bytes.Join([][]byte{a[0], b[1], a[2], a[3]}, nil),
		"the last of another":           bytes.Join([][]byte{a[0], a[1], a[2], b[3]}, nil),
		"another behind the first":      bytes.Join([][]byte{a[0], b[1], b[2], b[3]}, nil),
		"another behind the third":      bytes.Join([][]byte{a[0], a[1], f[2], f[3]}, nil),
		"a small one":                   seal(t, newPayload(3, 100)),
		"an empty one":                  seal(t, newPayload(3, 0)),
		"it unsealed":                   one.Bytes,
		"a chunk's salt is another's":   own,
		"another behind another's salt": slices.Concat(own[:sealed.Stride], b[1], b[2], b[3]),
	}
	for name, kept := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireLost(t, one, kept)
		})
	}
}

// Another payload in the place of one is noticed in its last chunk at the latest: only who has read that knows that it is right.
func TestAnotherInItsPlace(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 100, 64 << 10, 64<<10 + 1, 200_000} {
		p, another := newPayload(1, size), newPayload(2, size)
		another.Key[0]++ // if it is not another already
		inner := memory.New(storage.Limits{})
		save(t, inner, keys.Place(p.Key), seal(t, another))
		r, err := sealed.New(inner, keys).Open(t.Context(), p.Key)
		if size <= 64<<10 {
			require.ErrorIs(t, err, storage.ErrNotFound)
			continue
		}
		require.NoError(t, err)
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		require.Equal(t, io.ErrUnexpectedEOF, err)
		require.Len(t, got, (size-1)/(64<<10)*(64<<10), "all but the last chunk")
		require.NoError(t, r.Close())
		require.ErrorIs(t, p.Get(t, sealed.New(inner, keys)), storage.ErrNotFound)
	}
}

// FuzzSealed opens arbitrary bytes: they are a miss, or end too early, unless they are what was sealed.
func FuzzSealed(f *testing.F) {
	payloads := []storagetest.Payload{newPayload(1, 0), newPayload(2, 100), newPayload(3, 64<<10+100)}
	for i, p := range payloads {
		kept := seal(f, p)
		f.Add(uint8(i), kept)
		f.Add(uint8(i), kept[:len(kept)/2])
		f.Add(uint8(i), append(slices.Clone(kept), 0))
		f.Add(uint8(i+1), kept)
	}
	f.Fuzz(func(t *testing.T, number uint8, kept []byte) {
		p := payloads[int(number)%len(payloads)]
		inner := memory.New(storage.Limits{})
		save(t, inner, keys.Place(p.Key), kept)
		r, err := sealed.New(inner, keys).Open(t.Context(), p.Key)
		if err != nil {
			require.ErrorIs(t, err, storage.ErrNotFound)
			return
		}
		defer r.Close()
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		if err != nil {
			require.Equal(t, io.ErrUnexpectedEOF, err)
			return
		}
		require.True(t, bytes.Equal(p.Bytes, got), "other bytes than were stored")
	})
}
