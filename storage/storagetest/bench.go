package storagetest

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// Benchmark measures putting and getting payloads of 10 KB, 1 MB and 50 MB, in pieces as a body comes and goes. The store
// is full while it is measured, at 512 MB, so that putting includes what evicting costs.
func Benchmark(b *testing.B, backend Backend) {
	const maxSize, piece = 512_000_000, 64 << 10
	for _, size := range []struct {
		name  string
		bytes int
	}{{"10KB", 10_000}, {"1MB", 1_000_000}, {"50MB", 50_000_000}} {
		data := newSample(1, size.bytes).data
		putPieces := func(b *testing.B, store storage.Store, number int) storage.Key {
			var key storage.Key // need not name the bytes, since stores never look into it
			binary.LittleEndian.PutUint64(key[:], uint64(number))
			w, err := store.Create(b.Context())
			require.NoError(b, err)
			for rest := data; len(rest) > 0; {
				n, err := w.Write(rest[:min(piece, len(rest))])
				require.NoError(b, err)
				rest = rest[n:]
			}
			require.NoError(b, w.Commit(key))
			return key
		}
		open := func(b *testing.B) storage.Store {
			store := backend.Open(b, b.TempDir(), storage.Limits{MaxSize: maxSize})
			b.Cleanup(func() { store.Close() })
			return store
		}
		b.Run("Put/"+size.name, func(b *testing.B) {
			store := open(b)
			b.SetBytes(int64(size.bytes))
			for number := 0; b.Loop(); number++ {
				putPieces(b, store, number)
			}
		})
		b.Run("Get/"+size.name, func(b *testing.B) {
			store := open(b)
			key := putPieces(b, store, 0)
			buffer := make([]byte, piece)
			b.SetBytes(int64(size.bytes))
			for b.Loop() {
				r, err := store.Open(b.Context(), key)
				require.NoError(b, err)
				for off := int64(0); off < r.Size(); off += piece {
					if _, err := r.ReadAt(buffer, off); err != nil && err != io.EOF {
						b.Fatal(err)
					}
				}
				require.NoError(b, r.Close())
			}
		})
	}
}
