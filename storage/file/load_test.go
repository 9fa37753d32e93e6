package file

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Another process removes files while a directory is being listed, or the directory itself.
func TestFilesVanish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	var seen []string
	visit := func(info fs.FileInfo) error {
		seen = append(seen, info.Name())
		return os.RemoveAll(filepath.Join(dir, "b"))
	}
	require.NoError(t, eachFile(os.DirFS(dir), ".", leaveLink, visit))
	require.Equal(t, []string{"a", "c"}, seen)
	require.NoError(t, eachFile(os.DirFS(dir), "gone", leaveLink, visit))
}
