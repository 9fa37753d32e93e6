package interceptor

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// A machine is a proxy beside others: what it knows of the app is its own, the storage is theirs together.
type machine struct {
	ic    *Interceptor
	store storage.Store
	app   *App
}

func newMachines(n int) []machine {
	store := newMemory()
	machines := make([]machine, n)
	for i := range machines {
		machines[i] = machine{newTestInterceptor(), store, NewCatalog().App("", "app")}
	}
	return machines
}

func (m machine) follow(t *testing.T) { m.ic.FollowApp(t.Context(), m.store, m.app) }
func (m machine) save(t *testing.T)   { m.ic.SaveApp(t.Context(), m.store, m.app) }

const (
	readsNothing = `[{"output":"a.b","inputs":[{"id":"df","property":"data"}],"state":[],"clientside_function":null}]`
	readsStore   = `[{"output":"a.b","inputs":[{"id":"df","property":"data"}],"state":[],"clientside_function":{}}]`
)

func (m machine) opened(t *testing.T, dependencies string, learn func(*App)) {
	t.Helper()
	learn(m.app)
	m.app.learnedLayout("")
	learnDependencies(t, m.app, []byte(dependencies))
	m.save(t)
}

func hasStore(app *App) { app.learnStore("df", storageMemory) }

// The page of a new version of the app is opened by way of one machine, its callbacks go by way of another, which knew the old one.
func TestRedeployIsTold(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, m machine){
		"a clientside callback reads the Store": func(t *testing.T, m machine) { m.opened(t, readsStore, hasStore) },
		"another component has the id": func(t *testing.T, m machine) {
			m.opened(t, readsNothing, func(app *App) { app.learnOther("df") })
		},
	}
	for name, redeploy := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachines(2)
			for _, each := range m {
				each.opened(t, readsNothing, hasStore)
				require.Equal(t, Offloaded, each.ic.decide(Session{App: each.app}, "df"))
			}
			redeploy(t, m[0])
			require.Equal(t, Offloaded, m[1].ic.decide(Session{App: m[1].app}, "df"), "nobody has told")
			m[1].follow(t)
			require.NotEqual(t, Offloaded, m[1].ic.decide(Session{App: m[1].app}, "df"))

			m[1].app.learnCarrier("page.children") // what the second learns next does not bring the old back
			m[1].save(t)
			m[0].follow(t)
			require.NotEqual(t, Offloaded, m[0].ic.decide(Session{App: m[0].app}, "df"))
			require.True(t, m[0].app.carries("page.children"))
		})
	}
}

// A Store that only a callback's answer shows, by way of one machine, is known to the other.
func TestNewStoreIsTold(t *testing.T) {
	t.Parallel()
	m := newMachines(2)
	for _, each := range m {
		each.opened(t, readsNothing, hasStore)
	}
	m[0].app.learnStore("page", storageMemory)
	m[0].app.learnPatched("df")
	m[0].save(t)
	m[1].follow(t)
	require.Equal(t, Offloaded, m[1].ic.decide(Session{App: m[1].app}, "page"))
	require.True(t, m[1].app.store("df").patched)
	require.False(t, m[1].ic.Unsaved(m[1].app))
}

// An id that one machine knows as a Store's, and another as another component's, is ambiguous to both.
func TestAmbiguousIsTold(t *testing.T) {
	t.Parallel()
	m := newMachines(2)
	m[0].opened(t, readsNothing, hasStore)
	m[1].app.learnOther("df")
	m[1].app.learnedLayout("")
	learnDependencies(t, m[1].app, []byte(readsNothing))
	m[1].follow(t)
	require.NotEqual(t, Offloaded, m[1].ic.decide(Session{App: m[1].app}, "df"))
	m[1].save(t)
	m[0].follow(t)
	require.NotEqual(t, Offloaded, m[0].ic.decide(Session{App: m[0].app}, "df"))
}

// An old copy in the place of what was saved takes nothing back, and is put right.
func TestOldCopyTakesNothingBack(t *testing.T) {
	t.Parallel()
	m := newMachines(2)
	m[0].opened(t, readsNothing, hasStore)
	key := savedKeys(m[0].ic, m[0].app)[0]
	old := read(t, m[0].store, key)
	m[1].follow(t)
	m[0].opened(t, readsStore, func(app *App) { app.learnOther("x"); app.learnStore("new", storageMemory) })
	require.NoError(t, m[0].store.Delete(t.Context(), key))
	put(t, m[0].store, key, old)
	m[0].follow(t)
	require.Equal(t, Clientside, m[0].ic.decide(Session{App: m[0].app}, "df"))
	m[0].save(t)
	m[1].follow(t)
	require.Equal(t, Clientside, m[1].ic.decide(Session{App: m[1].app}, "df"))
	require.Equal(t, Offloaded, m[1].ic.decide(Session{App: m[1].app}, "new"))
}

func read(t testing.TB, store storage.Store, key storage.Key) []byte {
	t.Helper()
	r, err := store.Open(t.Context(), key)
	require.NoError(t, err)
	defer r.Close()
	content := make([]byte, r.Size())
	_, err = r.ReadAt(content, 0)
	require.NoError(t, err)
	return content
}

// Whatever machines learn in whatever order: once each has followed the others, all know the same, and nobody has anything to save.
func TestMachinesAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(45, seed))
			m := newMachines(3)
			for range 60 {
				each, id := m[r.IntN(len(m))], fmt.Sprint("store-", r.IntN(5))
				switch r.IntN(8) {
				case 0:
					each.app.learnStore(id, storageMemory)
				case 1:
					each.app.learnStore(id, storageSession)
				case 2:
					each.app.learnOther(id)
				case 3:
					each.app.learnPatched(id)
				case 4:
					each.app.learnCarrier(id)
				case 5:
					each.app.learnedLayout("")
				case 6:
					each.app.noteSought(r.IntN(20) == 0)
					learnDependencies(t, each.app, []byte([]string{readsNothing, readsStore, `[]`}[r.IntN(3)]))
				default:
					each.follow(t)
				}
				if r.IntN(3) > 0 {
					each.save(t)
				}
			}
			for _, each := range m {
				each.app.learnedLayout("")
				if each.app.dependencies == nil {
					learnDependencies(t, each.app, []byte(`[]`))
				}
			}
			for range 3 {
				for _, each := range m {
					each.follow(t)
					each.save(t)
				}
			}
			want, _ := m[0].app.facts()
			for _, each := range m {
				got, _ := each.app.facts()
				require.Equal(t, want, got)
				require.False(t, each.ic.Unsaved(each.app))
			}
		})
	}
}

// An outage is not taken for an answer: what could not be saved is saved when that goes again.
func TestSaveAfterOutage(t *testing.T) {
	t.Parallel()
	spy := &spyStore{Store: newMemory(), failCreate: storage.ErrUnavailable}
	ic, app := newTestInterceptor(), learnedApp(t, "app")
	ic.SaveApp(t.Context(), spy, app)
	require.True(t, ic.Unsaved(app))
	spy.failCreate = nil
	ic.SaveApp(t.Context(), spy, app)
	require.False(t, ic.Unsaved(app))
	require.EqualValues(t, 1, spy.Stats().Entries)
}
