package interceptor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// learnedApp returns an app of which all kinds of facts are known.
func learnedApp(t testing.TB, name string) *App {
	app := NewCatalog().App("", name)
	for id, storageType := range map[string]string{"df": storageMemory, "tab": storageSession, `{"i":1,"t":"x"}`: storageLocal, "é\"\\": storageMemory} {
		app.learnStore(id, storageType)
	}
	app.learnPatched("df")
	app.learnCarrier("page.children")
	app.learnedLayout("")
	learnDependencies(t, app, dashBody(t, "dependencies.json"))
	return app
}

// savedKeys are where an interceptor's secrets have the facts of an app.
func savedKeys(ic *Interceptor, app *App) (keys []storage.Key) {
	for _, secret := range ic.Secrets {
		keys = append(keys, newSaver(secret).key(ic.Namespace, app))
	}
	return keys
}

// What one process has saved, another knows, and saves it only when more is learned.
func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	store, ic := newFile(t), newTestInterceptor()
	app := learnedApp(t, "app")
	require.True(t, ic.Unsaved(app))
	ic.SaveApp(t.Context(), store, app)
	require.False(t, ic.Unsaved(app))

	again := NewCatalog().App("", "app")
	restarted := newTestInterceptor()
	require.True(t, restarted.LoadApp(t.Context(), store, again))
	require.True(t, again.knowsLayout())
	require.Equal(t, app.stores.all(), again.stores.all())
	require.Equal(t, app.carriers.all(), again.carriers.all())
	require.Equal(t, app.dependencies, again.dependencies)
	for id := range map[string]bool{"df": true, "session": true, `{"index":1,"type":"df"}`: true, "none": true} {
		require.Equal(t, isUsedByBrowser(app, id), isUsedByBrowser(again, id), id)
	}
	require.False(t, restarted.Unsaved(again), "nothing is new")

	again.learnStore("new", storageMemory)
	require.True(t, restarted.Unsaved(again))
	restarted.SaveApp(t.Context(), store, again)
	third := NewCatalog().App("", "app")
	require.True(t, restarted.LoadApp(t.Context(), store, third))
	require.Equal(t, again.stores.all(), third.stores.all())
	require.Equal(t, storage.Stats{Entries: 1, Bytes: store.Stats().Bytes}, store.Stats(), "one entry an app")
}

// Nothing is saved of an app of which too little is known to be of use.
func TestSaveNothing(t *testing.T) {
	t.Parallel()
	store, ic, app := newMemory(), newTestInterceptor(), NewCatalog().App("", "app")
	app.learnStore("df", storageMemory)
	app.learnedLayout("")
	require.False(t, ic.Unsaved(app))
	ic.SaveApp(t.Context(), store, app)
	require.Zero(t, store.Stats().Entries)
	require.False(t, ic.LoadApp(t.Context(), store, app))
}

// Facts are found by the same namespace, app and one of the secrets alone.
func TestSavedApart(t *testing.T) {
	t.Parallel()
	one, two := []byte("the secret of the tests"), []byte("another secret of the tests")
	tests := []struct {
		name, app, namespace string
		secrets              [][]byte
		found                bool
	}{
		{"same", "app", "test", [][]byte{one}, true},
		{"rotated", "app", "test", [][]byte{two, one}, true},
		{"other app", "app2", "test", [][]byte{one}, false},
		{"other namespace", "app", "", [][]byte{one}, false},
		{"moved border", "tapp", "tes", [][]byte{one}, false},
		{"other secret", "app", "test", [][]byte{two}, false},
	}
	store := newMemory()
	newTestInterceptor().SaveApp(t.Context(), store, learnedApp(t, "app"))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ic := newTestInterceptor(func(c *Config) { c.Namespace, c.Secrets = tt.namespace, tt.secrets })
			app := NewCatalog().App("", tt.app)
			require.Equal(t, tt.found, ic.LoadApp(t.Context(), store, app))
			require.Equal(t, tt.found, app.knowsLayout())
			require.Equal(t, tt.found && len(tt.secrets) > 1, ic.Unsaved(app), "with a new secret it is saved anew")
		})
	}
}

// Bytes that were not saved so are not believed, wherever they were changed.
func TestSavedDamaged(t *testing.T) {
	t.Parallel()
	ic, name := newTestInterceptor(), "app"
	store := newMemory()
	ic.SaveApp(t.Context(), store, learnedApp(t, name))
	key := savedKeys(ic, NewCatalog().App("", name))[0]
	r, err := store.Open(t.Context(), key)
	require.NoError(t, err)
	whole := make([]byte, r.Size())
	_, err = r.ReadAt(whole, 0)
	require.NoError(t, err)

	load := func(key storage.Key, content []byte, name string) bool {
		store := newMemory()
		put(t, store, key, content)
		app := NewCatalog().App("", name)
		found := ic.LoadApp(t.Context(), store, app)
		require.Equal(t, found, app.knowsLayout())
		return found
	}
	require.True(t, load(key, whole, name))
	for i := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 1
		require.False(t, load(key, damaged, name), "byte %d", i)
	}
	for _, n := range []int{0, 1, 31, 32, 33, len(whole) - 1} {
		require.False(t, load(key, whole[:n], name), "%d bytes", n)
	}
	other := savedKeys(ic, NewCatalog().App("", "other"))[0]
	require.False(t, load(other, whole, "other"), "the facts of another app")
	require.False(t, load(key, make([]byte, maxSaved+1000), name))
}

func put(t testing.TB, store storage.Store, key storage.Key, content []byte) {
	t.Helper()
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Commit(key))
}

// No token opens the saved facts, and no payload is taken for them: a payload's key is the digest of its bytes.
func TestSavedIsNoPayload(t *testing.T) {
	t.Parallel()
	ic, app, store := newTestInterceptor(), learnedApp(t, "app"), newMemory()
	ic.SaveApp(t.Context(), store, app)
	key := savedKeys(ic, app)[0]
	r, err := store.Open(t.Context(), key)
	require.NoError(t, err)
	content := make([]byte, r.Size())
	_, err = r.ReadAt(content, 0)
	require.NoError(t, err)
	require.NotEqual(t, key, refOf(ic.keys, string(content)).key)
	pair := ic.keys.keys[0]
	saver := newSaver(ic.Secrets[0])
	for _, tokenKey := range [][32]byte{pair.digest, pair.tag} {
		require.NotEqual(t, tokenKey, saver.place)
		require.NotEqual(t, tokenKey, saver.tag)
	}
	require.NotEqual(t, saver.place, saver.tag)
}

// What the app says itself, before or after it is loaded, and what was saved of it add up.
func TestLoadedAddsUp(t *testing.T) {
	t.Parallel()
	store, ic := newMemory(), newTestInterceptor()
	ic.SaveApp(t.Context(), store, learnedApp(t, "app"))
	reads := `[{"output":"a.b","inputs":[{"id":"df","property":"data"}],"state":[],"clientside_function":{}}]`

	later := NewCatalog().App("", "app")
	require.True(t, ic.LoadApp(t.Context(), store, later))
	later.learnStore("tab", storageLocal)
	learnDependencies(t, later, []byte(reads))

	before := NewCatalog().App("", "app")
	before.learnStore("tab", storageLocal)
	before.learnedLayout("")
	learnDependencies(t, before, []byte(reads))
	require.True(t, ic.LoadApp(t.Context(), store, before))
	require.True(t, ic.Unsaved(before))

	for _, app := range []*App{later, before} {
		require.Equal(t, "session, local", app.store("tab").types.String())
		require.True(t, isUsedByBrowser(app, "df"))
		require.True(t, isUsedByBrowser(app, "session"))
		require.True(t, app.carries("page.children"))
	}
}

// A storage that fails, or facts that are too many, are logged once, and the next change is tried again.
func TestSaveFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, fail := range map[string]func(*spyStore){
		"create": func(s *spyStore) { s.failCreate = broken },
		"write":  func(s *spyStore) { s.failWrite = broken },
		"commit": func(s *spyStore) { s.failCommit = broken },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book := new(logBook)
			ic := newTestInterceptor(func(c *Config) { c.Logger = book.logger() })
			store := &spyStore{Store: newMemory()}
			fail(store)
			app := learnedApp(t, "app")
			for i := range 3 {
				ic.SaveApp(t.Context(), store, app)
				require.False(t, ic.Unsaved(app), "it is not tried with each request")
				app.learnStore(fmt.Sprint("new ", i), storageMemory)
			}
			require.Len(t, book.lines(), 1)
			require.Zero(t, store.writers)
			working := newMemory()
			ic.SaveApp(t.Context(), working, app)
			require.True(t, ic.LoadApp(t.Context(), working, NewCatalog().App("", "app")))
		})
	}
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		book := new(logBook)
		ic := newTestInterceptor(func(c *Config) { c.Logger = book.logger() })
		store := &spyStore{Store: newMemory(), failOpen: broken}
		for range 3 {
			require.False(t, ic.LoadApp(t.Context(), store, NewCatalog().App("", "app")))
		}
		require.Len(t, book.lines(), 1)
	})
	t.Run("too much", func(t *testing.T) {
		t.Parallel()
		ic, store, app := newTestInterceptor(), newMemory(), learnedApp(t, "app")
		ic.SaveApp(t.Context(), store, app)
		require.EqualValues(t, 1, store.Stats().Entries)
		var callbacks []string
		for i := range 2 * maxSaved / 1000 {
			callbacks = append(callbacks, fmt.Sprintf(`{"output":"%d%s.data","inputs":[]}`, i, strings.Repeat("x", 1000)))
		}
		learnDependencies(t, app, []byte("["+strings.Join(callbacks[:len(callbacks)/2], ",")+"]"))
		learnDependencies(t, app, []byte("["+strings.Join(callbacks[len(callbacks)/2:], ",")+"]"))
		ic.SaveApp(t.Context(), store, app)
		require.Zero(t, store.Stats().Entries, "what was saved before says less than is known")
	})
}

// Of saves at the same time, the one that knows most is the last.
func TestSaveAtTheSameTime(t *testing.T) {
	t.Parallel()
	store, ic, app := newMemory(), newTestInterceptor(), learnedApp(t, "app")
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			app.learnStore(fmt.Sprint(i), storageMemory)
			ic.SaveApp(context.Background(), store, app)
		})
	}
	group.Wait()
	again := NewCatalog().App("", "app")
	require.True(t, ic.LoadApp(t.Context(), store, again))
	require.Equal(t, app.stores.all(), again.stores.all())
}
