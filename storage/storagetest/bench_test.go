package storagetest

import "testing"

// BenchmarkMemcpy is what [Benchmark] is compared with: a store that does nothing but copy.
func BenchmarkMemcpy(b *testing.B) {
	eachLoad(b, "Put", func(b *testing.B, load load) {
		places := load.buffers(len(load.data))
		load.measure(b, func(client int) error {
			for offset := 0; offset < len(load.data); offset += benchPiece {
				copy(places[client][offset:], load.data[offset:min(offset+benchPiece, len(load.data))])
			}
			return nil
		}, nil)
	})
	eachLoad(b, "Get", func(b *testing.B, load load) {
		buffers := load.buffers(benchPiece)
		load.measure(b, func(client int) error {
			for offset := 0; offset < len(load.data); offset += benchPiece {
				copy(buffers[client], load.data[offset:])
			}
			return nil
		}, nil)
	})
}
