package file

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var (
	testKey  = storage.Key{0xab, 0xcd, 31: 0xef}
	testName = "ef/abcd" + strings.Repeat("00", 29) + "ef.payload"
)

// notOurs are names that come close.
var notOurs = []string{
	"", "/", ".payload", "ef/.payload", "ef", testName[3:], testName[:len(testName)-1], testName + "x", "x" + testName,
	"ab" + testName[2:], "EF" + testName[2:], "ef/AB" + testName[5:], "./" + testName, "ef//" + testName[3:],
	"ef\\" + testName[3:], strings.Replace(testName, "ef.", "e.", 1), strings.Replace(testName, "ef.", "ef0.", 1),
	strings.Replace(testName, "ef.", "eg.", 1), strings.Replace(testName, ".payload", ".PAYLOAD", 1), testName + ".tmp",
	"tmp/payload-1.tmp",
}

func TestFileName(t *testing.T) {
	t.Parallel()
	require.Equal(t, testName, fileName(testKey))
	key, ok := parseFileName(testName)
	require.True(t, ok)
	require.Equal(t, testKey, key)
	for _, name := range notOurs {
		_, ok := parseFileName(name)
		require.False(t, ok, name)
	}
}

// What one owner has is spread over the directories, though its keys all begin alike.
func TestDirectoriesStaySmall(t *testing.T) {
	t.Parallel()
	files := make(map[string]int)
	for n := range uint64(25_600) {
		key := storage.Key(sha256.Sum256(binary.BigEndian.AppendUint64(nil, n)))
		clear(key[:storage.OwnerSize])
		files[path.Dir(fileName(key))]++
	}
	require.Len(t, files, 256)
	require.Less(t, slices.Max(slices.Collect(maps.Values(files))), 200)
}

func FuzzParseFileName(f *testing.F) {
	f.Add(testName)
	f.Add(fileName(storage.Key{}))
	for _, name := range notOurs {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key, ok := parseFileName(name)
		if ok && fileName(key) != name {
			t.Errorf("%q was taken for %q", name, fileName(key))
		}
		if !ok && key != (storage.Key{}) {
			t.Errorf("%q is no name, but gave a key", name)
		}
	})
}
