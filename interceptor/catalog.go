package interceptor

import "sync"

const (
	maxApps   = 1 << 10 // apps that a Catalog keeps, at least
	maxStores = 1 << 13 // Stores of an app that are kept, at least
)

// A Catalog keeps what is known of the apps that pass: which ids are Stores, and which of them the browser reads. It holds
// facts alone, no options, so that all handlers of a process may share one. Its methods may be called at the same time.
type Catalog struct {
	mu   sync.Mutex
	apps recent[*App]
}

// NewCatalog returns an empty catalog.
func NewCatalog() *Catalog { return &Catalog{apps: recent[*App]{most: maxApps}} }

// App returns what is known of the app under a name, which is its host and requests_pathname_prefix.
func (c *Catalog) App(name string) *App {
	c.mu.Lock()
	defer c.mu.Unlock()
	app, ok := c.apps.get(name)
	if !ok {
		app = &App{Name: name, stores: recent[*storeFacts]{most: maxStores}}
		c.apps.put(name, app)
	}
	return app
}

// App is what is known of one app. It learns from the app's own answers: see [App.LearnLayout] and
// [App.LearnDependencies].
type App struct {
	Name string

	mu           sync.Mutex
	stores       recent[*storeFacts]
	dependencies *dependencies // nil: not seen yet
}

// storeFacts is what is known of one Store.
type storeFacts struct {
	storageType string // "": not known to be a Store, or not enough is known of the app
	clientside  bool   // a clientside callback reads its data
	patched     bool   // a callback has answered with a Patch of its data
}

// store returns what is known of the Store with a canonical id.
func (a *App) store(id string) storeFacts {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.stores.get(id)
	if !ok || a.dependencies == nil { // without the dependencies, who knows what the browser reads?
		return storeFacts{}
	}
	facts := *known
	facts.clientside = a.dependencies.readByBrowser(id)
	return facts
}

// learnStore notes a Store with its canonical id.
func (a *App) learnStore(id, storageType string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.stores.get(id); ok {
		known.storageType = storageType
		return
	}
	a.stores.put(id, &storeFacts{storageType: storageType})
}

// learnPatched notes that the app patches a Store.
func (a *App) learnPatched(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.stores.get(id); ok {
		known.patched = true
	}
}

// unseen returns the exact ids among patterns that the app, of which layout and dependencies are known, does not have.
func (a *App) unseen(patterns []idPattern) (ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dependencies == nil || a.stores.empty() {
		return nil
	}
	for _, p := range patterns {
		id := canonicalID(p.text)
		if _, isStore := a.stores.get(id); p.exact() && !isStore && !a.dependencies.ids[id] {
			ids = append(ids, p.text)
		}
	}
	return ids
}

// recent is a map that keeps the most recently used entries: at least most, at most twice as many. The zero value with most
// set is ready for use. It is not safe for use at the same time.
type recent[V any] struct {
	most         int
	young, older map[string]V // when young is full, it becomes older, and what older held is dropped
}

func (r *recent[V]) get(key string) (V, bool) {
	v, ok := r.young[key]
	if !ok {
		if v, ok = r.older[key]; ok {
			r.put(key, v)
		}
	}
	return v, ok
}

func (r *recent[V]) put(key string, v V) {
	if r.young == nil || len(r.young) >= r.most {
		r.young, r.older = make(map[string]V), r.young
	}
	r.young[key] = v
}

func (r *recent[V]) empty() bool { return len(r.young) == 0 }
