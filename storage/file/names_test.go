package file

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var (
	testKey  = storage.Key{0xab, 0xcd, 31: 0xef}
	testName = "ab/abcd" + strings.Repeat("00", 29) + "ef.payload"
)

// notOurs are names that come close.
var notOurs = []string{
	"", "/", ".payload", "ab/.payload", "ab", testName[3:], testName[:len(testName)-1], testName + "x", "x" + testName,
	"ac" + testName[2:], "AB" + testName[2:], "ab/AB" + testName[5:], "./" + testName, "ab//" + testName[3:],
	"ab\\" + testName[3:], strings.Replace(testName, "ef.", "e.", 1), strings.Replace(testName, "ef.", "ef0.", 1),
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
