package spool_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage/spool"
)

// files are those in the directory for temporary files, by name.
func files(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	require.NoError(t, err)
	return names
}

// What was written is read, whatever the pieces, in memory and behind it; nothing has a name meanwhile.
func TestSpool(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	data := make([]byte, 2*spool.InMemory+1000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	for _, size := range []int{0, 1, spool.InMemory - 1, spool.InMemory, spool.InMemory + 1, len(data)} {
		for _, piece := range []int{1000, 100_000, len(data)} {
			written, copied := new(spool.Spool), new(spool.Spool)
			for rest := data[:size]; len(rest) > 0; {
				n, err := written.Write(rest[:min(piece, len(rest))])
				require.NoError(t, err)
				rest = rest[n:]
			}
			copied.Grow(int64(piece))
			n, err := copied.ReadFrom(bytes.NewReader(data[:size]))
			require.NoError(t, err)
			require.EqualValues(t, size, n)
			for _, s := range []*spool.Spool{written, copied} {
				require.EqualValues(t, size, s.Size())
				got, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size()+10))
				require.NoError(t, err)
				require.True(t, bytes.Equal(data[:size], got), "%d bytes in pieces of %d", size, piece)
				text, err := s.Text()
				require.NoError(t, err)
				require.True(t, bytes.Equal(data[:size], text), "%d bytes in pieces of %d", size, piece)
				require.Empty(t, files(t))
				require.NoError(t, s.Close())
			}
		}
	}
}

// Without a place for the file, what is in memory stays readable, and may be all there is.
func TestNoPlace(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	data := make([]byte, spool.InMemory)
	s := new(spool.Spool)
	_, err := s.Write(data)
	require.NoError(t, err)
	n, err := s.Write([]byte("more"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Zero(t, n)
	require.EqualValues(t, len(data), s.Size())
	n, err = s.ReadAt(data, 0)
	require.NoError(t, err)
	require.Len(t, data, n)
	require.NoError(t, s.Close())
}
