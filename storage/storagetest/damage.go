package storagetest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var damageTests = []test{
	{"FoundAfterReopen", testDamageAfterReopen},
	{"FoundWhileOpen", testDamageWhileOpen},
	{"HealedByCommit", testDamageHealed},
}

// damages are what may happen to the bytes of a file.
var damages = []struct {
	name   string
	resize bool // so that it is noticed without reading
	change func([]byte) []byte
}{
	{"first byte", false, func(b []byte) []byte { b[0] ^= 1; return b }},
	{"middle byte", false, func(b []byte) []byte { b[len(b)/2] ^= 0x80; return b }},
	{"last byte", false, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }},
	{"near the end", false, func(b []byte) []byte { b[len(b)-7] ^= 1; return b }},
	{"zeros", false, func(b []byte) []byte { clear(b); return b }},
	{"zeros at the end", false, func(b []byte) []byte { clear(b[len(b)/2:]); return b }},
	{"one byte short", true, func(b []byte) []byte { return b[:len(b)-1] }},
	{"half", true, func(b []byte) []byte { return b[:len(b)/2] }},
	{"a few bytes left", true, func(b []byte) []byte { return b[:3] }},
	{"empty", true, func(b []byte) []byte { return nil }},
	{"one byte more", true, func(b []byte) []byte { return append(b, 0) }},
	{"twice", true, func(b []byte) []byte { return append(b, b...) }},
}

// damage changes the only file in place, where it lies.
func damage(t *testing.T, place string, change func([]byte) []byte) {
	t.Helper()
	files := filesIn(t, place)
	require.Len(t, files, 1)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], change(data), 0o600))
}

func testDamageAfterReopen(t *testing.T, b Backend) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			place := t.TempDir()
			s := newSample(1, 600_000)
			store := b.openAt(t, place, storage.Limits{})
			put(t, store, s)
			require.NoError(t, store.Close())
			damage(t, place, d.change)
			store = b.openAt(t, place, storage.Limits{})
			requireDamageFound(t, store, s, place)
		})
	}
}

// What another process or a disk does to a file that is in use is noticed if its size changes or another takes its place.
func testDamageWhileOpen(t *testing.T, b Backend) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			place := t.TempDir()
			s := newSample(1, 600_000)
			store := b.openAt(t, place, storage.Limits{})
			put(t, store, s)
			requireHas(t, store, s)
			damage(t, place, d.change)
			if !d.resize {
				path := filesIn(t, place)[0]
				data, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(path+".new", data, 0o600))
				require.NoError(t, os.Rename(path+".new", path))
			}
			requireDamageFound(t, store, s, place)
		})
	}
}

func requireDamageFound(t *testing.T, store storage.Store, s sample, place string) {
	t.Helper()
	requireLacks(t, store, s)
	require.Empty(t, filesIn(t, place))
	requireNoneOpen(t, place)
	requireStats(t, store, 0, 0)
	requireLacks(t, store, s)
	put(t, store, s)
	requireHas(t, store, s)
}

// A payload is stored whose file from an earlier process is damaged, which nobody has noticed yet: the good bytes must not
// be dropped in its favour.
func testDamageHealed(t *testing.T, b Backend) {
	place := t.TempDir()
	s := newSample(1, 10_000)
	store := b.openAt(t, place, storage.Limits{})
	put(t, store, s)
	require.NoError(t, store.Close())
	damage(t, place, damages[0].change)
	store = b.openAt(t, place, storage.Limits{})
	put(t, store, s)
	requireHas(t, store, s)
	requireStats(t, store, 1, 10_000)
	require.Len(t, filesIn(t, place), 1)
}
