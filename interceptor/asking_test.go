package interceptor

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An asked is an app that answers a user all, and a stranger nothing, or as if it were empty.
type asked struct {
	*App
	ic      *Interceptor
	refuses bool
	by      map[string][]Endpoint
}

func newAsked(refuses bool) *asked {
	return &asked{App: NewCatalog().App("", testApp), ic: newTestInterceptor(), refuses: refuses, by: make(map[string][]Endpoint)}
}

// visit does what a request of a visitor does first, and returns what the app was asked for.
func (a *asked) visit(t *testing.T, name string, e Endpoint) []Endpoint {
	t.Helper()
	before := len(a.by[name])
	a.Ask(t.Context(), name, e, func() {}, func(missing Endpoint) {
		a.by[name] = append(a.by[name], missing)
		if name == "stranger" && a.refuses || missing == PageEndpoint {
			return
		}
		session := testSession(newMemory(), a.App)
		session.Visitor = func() string { return name }
		listener, text := a.LearnDependencies(name), readsStore
		if missing == LayoutEndpoint {
			listener, text = a.ic.Watch(t.Context(), session, LayoutAnswer), component("Store", `"id":"df"`)+" "
		}
		if name == "stranger" {
			text = "[]"
		}
		feed(t, listener, [][]byte{[]byte(text)})
		require.NoError(t, listener.Close())
	})
	return a.by[name][before:]
}

// What a stranger is shown, or is not, does not keep the app from being asked in a user's name.
func TestAskedForEach(t *testing.T) {
	t.Parallel()
	for name, refuses := range map[string]bool{"refuses a stranger": true, "shows a stranger nothing": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newAsked(refuses)
			all := []Endpoint{PageEndpoint, LayoutEndpoint, DependenciesEndpoint}
			require.Equal(t, all, app.visit(t, "stranger", CallbackEndpoint))
			require.Empty(t, app.visit(t, "stranger", CallbackEndpoint), "in vain, or done")
			require.Equal(t, all, app.visit(t, "ann", CallbackEndpoint))
			require.Equal(t, Clientside, app.ic.decide(Session{App: app.App}, "df"))
			require.Empty(t, app.visit(t, "ann", CallbackEndpoint))
			app.visit(t, "stranger", LayoutEndpoint)
			app.visit(t, "stranger", CallbackEndpoint)
			require.Equal(t, Clientside, app.ic.decide(Session{App: app.App}, "df"), "nothing is taken back")

			app.soughtAt = time.Now().Add(-askEach)
			require.Empty(t, app.visit(t, "bob", CallbackEndpoint), "enough is known by now")
		})
	}
}

// One visitor who waits for the app keeps no other waiting, and nobody who gives up.
func TestAskedAtOnce(t *testing.T) {
	t.Parallel()
	app := NewCatalog().App("", testApp)
	waits, goOn := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	defer group.Wait()
	defer close(goOn)
	group.Go(func() {
		first := true
		app.Ask(context.Background(), "stranger", CallbackEndpoint, func() {}, func(Endpoint) {
			if first {
				first = false
				close(waits)
				<-goOn
			}
		})
	})
	<-waits
	var asked []Endpoint
	app.Ask(t.Context(), "ann", CallbackEndpoint, func() {}, func(e Endpoint) { asked = append(asked, e) })
	require.True(t, slices.Contains(asked, LayoutEndpoint))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	app.Ask(ctx, "stranger", CallbackEndpoint, func() {}, func(Endpoint) { t.Error("asked twice at the same time for one") })
}

// A layout that carries data goes to a visitor when the app has told that visitor what the browser reads, since nobody else may be told.
func TestAskedBeforeALayoutWithData(t *testing.T) {
	t.Parallel()
	app := newAsked(false)
	learnDependencies(t, app.App, []byte(`[]`))
	learnLayout(t, app.App, []byte(component("Store", `"id":"df","data":[1]`)))
	require.Contains(t, app.visit(t, "ann", LayoutEndpoint), DependenciesEndpoint)
	require.NotContains(t, app.visit(t, "ann", LayoutEndpoint), DependenciesEndpoint)
}
