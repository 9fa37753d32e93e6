package remote

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecordParts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		size  int64
		parts int
		last  int64
	}{{0, 0, 0}, {1, 0, 0}, {100, 0, 0}, {101, 2, 1}, {200, 2, 100}, {201, 3, 1}, {1 << 40, 10995116278, 76}}
	for _, test := range tests {
		r := record{partSize: 100, size: test.size}
		require.Equal(t, test.parts, r.parts(), "%d bytes", test.size)
		if test.parts > 0 {
			begin, size := r.span(test.parts - 1)
			require.Equal(t, test.last, size)
			require.Equal(t, test.size, begin+size)
		}
	}
}

// A record comes back as it was, and no part of it can be changed or cut off.
func TestRecord(t *testing.T) {
	t.Parallel()
	for _, r := range []record{{partSize: 10, payload: []byte{}}, {10, 3, []byte("abc")}, {10, 10, []byte("0123456789")}, {10, 11, []byte{}}} {
		value := r.value()
		got, err := parseRecord(value)
		require.NoError(t, err)
		require.Equal(t, r, got)
		for i := range value {
			damaged := bytes.Clone(value)
			damaged[i] ^= 1
			_, err := parseRecord(damaged)
			require.ErrorIs(t, err, errDamaged, "byte %d", i)
			_, err = parseRecord(value[:i])
			require.ErrorIs(t, err, errDamaged, "%d bytes", i)
		}
		_, err = parseRecord(append(value, 0))
		require.ErrorIs(t, err, errDamaged)
	}
}

// Whatever is under a key: what is taken for a record says of itself no more than is there, and is written the same.
func FuzzRecord(f *testing.F) {
	f.Add(record{10, 3, []byte("abc")}.value())
	f.Add(record{10, 300, nil}.value())
	f.Add(seal(append(append([]byte{}, magic[:]...), make([]byte, 12)...)))
	f.Add(seal(append(append([]byte{}, magic[:]...), 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)))
	f.Add(seal([]byte("dsr")))
	f.Add([]byte("OK"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, value := range [][]byte{value, seal(bytes.Clone(value))} {
			r, err := parseRecord(value)
			if err != nil {
				require.ErrorIs(t, err, errDamaged)
				continue
			}
			require.GreaterOrEqual(t, r.size, int64(0))
			require.GreaterOrEqual(t, r.parts(), 0)
			require.True(t, r.parts() > 0 || int64(len(r.payload)) == r.size)
			require.True(t, bytes.Equal(value, r.value()))
		}
	})
}
