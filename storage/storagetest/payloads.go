package storagetest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var payloadTests = []test{
	{"RoundTrip", testRoundTrip},
	{"ReaderAt", testReaderAt},
	{"WritesAnySize", testWritesAnySize},
	{"WriteKeepsNoReference", testWriteKeepsNoReference},
	{"ReadTogether", testReadTogether},
	{"Large", testLarge},
}

// sizes lie around those at which buffers, pages and chunks end.
var sizes = []int{0, 1, 7, 8, 9, 4095, 4096, 4097, 8192, 64<<10 - 1, 64 << 10, 64<<10 + 1,
	512<<10 - 1, 512 << 10, 512<<10 + 1, 3<<20 + 17}

func eachSize(t *testing.T, run func(*testing.T, sample)) {
	for i, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			run(t, newSample(uint64(i), size))
		})
	}
}

func testRoundTrip(t *testing.T, b Backend) {
	eachSize(t, func(t *testing.T, s sample) {
		store := b.open(t, storage.Limits{})
		requireLacks(t, store, s)
		put(t, store, s)
		requireHas(t, store, s)
		requireHas(t, store, s) // reading takes nothing away
		if b.Bounded {
			requireStats(t, store, 1, len(s.data))
		}
	})
}

func testReaderAt(t *testing.T, b Backend) {
	eachSize(t, func(t *testing.T, s sample) {
		store := b.open(t, storage.Limits{})
		w := write(t, store, s.data)
		checkReaderAt(t, w, s.data)
		require.NoError(t, w.Commit(s.key))
		r, err := store.Open(t.Context(), s.key)
		require.NoError(t, err)
		checkReaderAt(t, r, s.data)
		if len(s.data) <= 64<<10 { // TestReader goes byte by byte at times
			require.NoError(t, iotest.TestReader(io.NewSectionReader(r, 0, r.Size()), s.data))
		}
		require.NoError(t, r.Close())
		_, err = r.ReadAt(make([]byte, 1), 0)
		require.Error(t, err, "a closed reader")
		if len(s.data) > 0 {
			require.NotErrorIs(t, err, io.EOF, "must not look like the end of the payload")
		}
	})
}

// checkReaderAt checks what io.ReaderAt demands, at the ends and at random places.
func checkReaderAt(t *testing.T, r io.ReaderAt, want []byte) {
	t.Helper()
	size := len(want)
	spans := [][2]int{{0, size}, {0, size + 1}, {size, 1}, {size + 1, 1}, {size + 1<<20, 10}, {max(0, size-1), 1},
		{max(0, size-1), 2}, {0, 0}}
	random := rand.New(rand.NewPCG(1, uint64(size)))
	for range 50 {
		spans = append(spans, [2]int{random.IntN(size + 10), random.IntN(size + 10)})
	}
	for _, span := range spans {
		off, length := span[0], span[1]
		expect := want[min(off, size):min(off+length, size)]
		buffer := make([]byte, length)
		n, err := r.ReadAt(buffer, int64(off))
		require.Equal(t, len(expect), n, "%d bytes at %d of %d", length, off, size)
		require.True(t, string(expect) == string(buffer[:n]), "%d bytes at %d of %d differ", length, off, size)
		switch {
		case n < length:
			require.Equal(t, io.EOF, err, "%d bytes at %d of %d", length, off, size)
		case off+length < size:
			require.NoError(t, err, "%d bytes at %d of %d", length, off, size)
		case err != nil: // at the very end, both are allowed
			require.Equal(t, io.EOF, err, "%d bytes at %d of %d", length, off, size)
		}
	}
	n, err := r.ReadAt(make([]byte, 1), -1)
	require.Error(t, err, "a negative offset")
	require.Zero(t, n)
}

func testWritesAnySize(t *testing.T, b Backend) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			store := b.open(t, storage.Limits{})
			random := rand.New(rand.NewPCG(2, seed))
			s := newSample(seed, 2<<20)
			w, err := store.Create(t.Context())
			require.NoError(t, err)
			for off := 0; off < len(s.data); {
				length := min(random.IntN(1<<random.IntN(19)), len(s.data)-off) // small ones as often as large ones
				n, err := w.Write(s.data[off : off+length])
				require.NoError(t, err)
				require.Equal(t, length, n)
				off += length
				if off > 0 {
					at := random.IntN(off)
					buffer := make([]byte, min(off-at, 100))
					_, err := w.ReadAt(buffer, int64(at))
					require.True(t, err == nil || err == io.EOF, "reading back while writing: %v", err)
					require.Equal(t, s.data[at:at+len(buffer)], buffer)
				}
			}
			requireReadBack(t, s.data, w)
			require.NoError(t, w.Commit(s.key))
			requireHas(t, store, s)
		})
	}
}

// A caller writes from a buffer that it fills again.
func testWriteKeepsNoReference(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s := newSample(1, 300<<10)
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	buffer := make([]byte, 1000)
	for rest := s.data; len(rest) > 0; {
		n := copy(buffer, rest)
		_, err := w.Write(buffer[:n])
		require.NoError(t, err)
		clear(buffer)
		rest = rest[n:]
	}
	require.NoError(t, w.Commit(s.key))
	requireHas(t, store, s)
}

func testReadTogether(t *testing.T, b Backend) {
	store := b.open(t, storage.Limits{})
	s := newSample(1, 1<<20)
	put(t, store, s)
	r, err := store.Open(t.Context(), s.key)
	require.NoError(t, err)
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
			if err != nil || string(got) != string(s.data) {
				t.Errorf("reading beside others: %v", err)
			}
		})
	}
	readers.Wait()
	require.NoError(t, r.Close())
}

// A payload of 200 MB passes in pieces.
func testLarge(t *testing.T, b Backend) {
	const pieces = 200
	piece := newSample(1, 1_000_000).data
	store := b.open(t, storage.Limits{})
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	for range pieces {
		_, err := w.Write(piece)
		require.NoError(t, err)
	}
	key := storage.Key{1, 2, 3}
	require.NoError(t, w.Commit(key))
	r, err := store.Open(t.Context(), key)
	require.NoError(t, err)
	require.EqualValues(t, pieces*len(piece), r.Size())
	got := make([]byte, len(piece))
	for i := range pieces {
		_, err := r.ReadAt(got, int64(i*len(piece)))
		require.True(t, err == nil || err == io.EOF && i == pieces-1, "%v", err)
		require.True(t, string(piece) == string(got), "piece %d differs", i)
	}
	require.NoError(t, r.Close())
}
