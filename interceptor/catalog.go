package interceptor

import "sync"

const (
	maxApps       = 1 << 10 // apps that a Catalog keeps, at least
	maxCandidates = 1 << 7  // names that no app has answered for yet, likewise
)

// A Catalog keeps what is known of the apps that pass: which ids are Stores, and which of them the browser reads. It holds
// facts alone, no options, so that all handlers of a process may share one. Its methods may be called at the same time.
type Catalog struct {
	mu         sync.Mutex
	apps       recent[*App]
	candidates recent[*App] // of names that no app has answered for yet: anybody can make such names up
}

// NewCatalog returns an empty catalog.
func NewCatalog() *Catalog {
	return &Catalog{apps: recent[*App]{most: maxApps}, candidates: recent[*App]{most: maxCandidates}}
}

// App returns what is known of the app that a site serves under a name, which is the app's host and requests_pathname_prefix.
// A client chooses the name by its request, and cannot choose the site.
func (c *Catalog) App(site, name string) *App {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := appKey(site, name)
	if app, ok := c.apps.get(key); ok {
		return app
	}
	app, ok := c.candidates.get(key)
	if !ok {
		app = newApp(c, site, name)
		c.candidates.put(key, app)
	}
	return app
}

// enter makes an app one of those that are kept. If another is kept under the name by now, that one takes in what is known
// of this one.
func (c *Catalog) enter(app *App) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := appKey(app.Site, app.Name)
	c.candidates.remove(key)
	switch known, ok := c.apps.get(key); {
	case !ok:
		c.apps.put(key, app)
	case known != app:
		facts, _ := app.facts()
		known.takeIn(facts)
	}
}

func appKey(site, name string) string { return site + "\x00" + name }
