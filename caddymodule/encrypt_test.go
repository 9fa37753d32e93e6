package caddymodule

import (
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// encrypting is a directive that keeps encrypted data in a directory.
func encrypting(dir string) string {
	return fmt.Sprintf("dash_stash {\n secret %q\n encrypt\n on_missing null\n storage file %s\n}", testSecret, dir)
}

// unencrypted is the same directive without encryption.
func unencrypted(dir string) string { return strings.Replace(encrypting(dir), " encrypt\n", "", 1) }

// contents returns the files of payloads in a directory, by the keys of what is in them.
func contents(t *testing.T, dir string) map[storage.Key]string {
	t.Helper()
	found := make(map[storage.Key]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		digits, ok := strings.CutSuffix(filepath.Base(path), ".payload")
		if err != nil || !ok {
			return err
		}
		var key storage.Key
		_, err = hex.Decode(key[:], []byte(digits))
		require.NoError(t, err)
		content, err := os.ReadFile(path)
		found[key] = string(content)
		return err
	}))
	return found
}

// Neither data nor what is known of the app is to be read in the storage.
func TestEncrypt(t *testing.T) {
	t.Parallel()
	data := repeated(200 << 10)
	app := newDash(t, answering(setting("df", data)))
	clear, hidden := t.TempDir(), t.TempDir()
	for dir, directive := range map[string]string{clear: unencrypted(clear), hidden: encrypting(hidden)} {
		s := app.openSite(t, directive)
		s.callback(t, reading(storeData(t, s)))
		require.Equal(t, reading(data), app.last(t).body)
		require.Len(t, contents(t, dir), 2, "the data, and what is known of the app")
	}
	for _, text := range []string{"dddd", `"stores"`} {
		require.Contains(t, fmt.Sprint(contents(t, clear)), text)
		require.NotContains(t, fmt.Sprint(contents(t, hidden)), text)
	}
}

// What was stored before the option was turned on stays; what was stored before it was turned off is gone.
func TestEncryptSwitched(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	dir := t.TempDir()
	on := app.openSite(t, encrypting(dir))
	off := app.besideSite(t, on, unencrypted(dir))

	token := storeData(t, off)
	on.callback(t, reading(token))
	require.Equal(t, reading(data), app.last(t).body)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.payload"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		require.NoError(t, os.Remove(file))
	}
	require.Equal(t, token, storeData(t, on))
	off.callback(t, reading(token))
	require.Equal(t, reading("null"), app.last(t).body)
	on.callback(t, reading(token))
	require.Equal(t, reading(data), app.last(t).body)
	require.Equal(t, token, storeData(t, off))
	off.callback(t, reading(token))
	require.Equal(t, reading(data), app.last(t).body)
}

// What somebody has changed in the storage, with a checksum to match, is data that is gone, whether that is found out before it goes
// to the app or on the way.
func TestEncryptedDataIsDamaged(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5000, 200 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			data := repeated(size)
			app := newDash(t, answering(setting("df", data)))
			dir := t.TempDir()
			s := app.openSite(t, encrypting(dir))
			token := storeData(t, s)
			store, err := (&FileStorage{Path: dir}).Open(nil)
			require.NoError(t, err)
			defer store.Close()
			for key := range contents(t, dir) {
				change(t, store, key)
			}
			require.Equal(t, token, tokenIn(t, s.callback(t, reading(token)).body), "the app answers with the same data")
			require.Equal(t, reading("null"), app.last(t).body)
			s.callback(t, reading(token))
			require.True(t, reading(data) == app.last(t).body)
		})
	}
}

// change changes a byte of a payload.
func change(t *testing.T, store storage.Store, key storage.Key) {
	t.Helper()
	r, err := store.Open(t.Context(), key)
	require.NoError(t, err)
	content, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.NoError(t, err)
	require.NoError(t, r.Close())
	content[len(content)/2] ^= 1
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, store.Delete(t.Context(), key))
	require.NoError(t, w.Commit(key))
}
