package interceptor

import (
	"encoding/base64"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/blake3"
)

const (
	maxApps     = 1 << 10 // apps that a Catalog keeps, at least
	maxStores   = 1 << 13 // Stores of an app that are kept, at least
	maxCarriers = 1 << 10 // answers of an app that are kept as carriers, at least
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
		app = &App{
			Name:     name,
			stores:   recent[*storeFacts]{most: maxStores},
			carriers: recent[struct{}]{most: maxCarriers},
			others:   recent[struct{}]{most: maxStores},
			asking:   make(chan struct{}, 1),
		}
		c.apps.put(name, app)
	}
	return app
}

// App is what is known of one app. It learns from the app's own answers, and from what was saved of them: see
// [Interceptor.LoadApp].
type App struct {
	Name string

	mu           sync.Mutex
	stores       recent[*storeFacts]
	carriers     recent[struct{}] // by answerKey
	layout       bool             // a layout has been seen, or what is known was loaded
	layoutSeen   int64            // when the last one was, as a stamp
	dependencies *dependencies    // nil: not seen yet
	learned      int64            // when the app began to say so, as a stamp
	loaded       bool             // dependencies are those that were saved
	asked        bool             // it was first known by asking it, while pages were open: see doubts
	others       recent[struct{}] // of such an app, the components that are no Stores

	revision uint64                // counts the changes of all this
	saved    map[string]savedState // by namespace
	saving   sync.Mutex
	kept     atomic.Int64 // see isDue

	sought      bool          // what was saved of the app has been looked for
	asking      chan struct{} // holds one value while the app is asked
	askedInVain time.Time     // when it was last, which only that call may touch

	page        atomic.Pointer[Page] // nil: not known
	paging      sync.Mutex           // held while the app is asked for its page
	pagedInVain time.Time            // when it was last, likewise
}

// storeFacts is what is known of one Store.
type storeFacts struct {
	storageType string // "": not known to be a Store, or no longer one, or not enough is known of the app
	learned     int64  // when that was learned, as a stamp
	clientside  bool   // a clientside callback uses its data
	callback    string // its name, if it is known
	patched     bool   // a callback has answered with a Patch of its data
}

// knowsLayout reports whether a layout of the app has been seen, or was loaded.
func (a *App) knowsLayout() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.layout
}

// hasClientside reports whether a clientside callback uses any Store's data.
func (a *App) hasClientside() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dependencies != nil && len(a.dependencies.browserIDs)+len(a.dependencies.browserDict) > 0
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
	facts.learned = 0
	facts.callback, facts.clientside = a.dependencies.usedByBrowser(id)
	return facts
}

// learnStore notes a Store with its canonical id.
func (a *App) learnStore(id, storageType string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.stores.get(id)
	switch {
	case !ok:
		a.stores.put(id, &storeFacts{storageType: storageType, learned: stamp(0)})
	case known.storageType != storageType:
		known.storageType, known.learned = storageType, stamp(known.learned)
	default:
		return
	}
	a.revision++
}

// learnOther notes that a component which is no Store has a canonical id. After a redeploy it may be that of an old Store.
func (a *App) learnOther(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked {
		a.others.put(id, struct{}{})
	}
	if known, ok := a.stores.get(id); ok && known.storageType != "" {
		*known = storeFacts{learned: stamp(known.learned)} // kept, so that it is told to others who take it for a Store
		a.revision++
	}
}

// doubts reports whether a component with a canonical id may be a Store of which a browser has a token, though nothing is known of
// it: where pages were open before the app was known, they may hold Stores that are in no layout, but came in an answer.
func (a *App) doubts(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.asked {
		return false
	}
	if _, isOther := a.others.get(id); isOther {
		return false
	}
	known, ok := a.stores.get(id)
	return !ok || known.storageType == "" || a.dependencies == nil
}

// doubtsAny reports whether there can be such components.
func (a *App) doubtsAny() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// learnPatched notes that the app patches a Store.
func (a *App) learnPatched(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.stores.get(id); ok && known.storageType != "" && !known.patched {
		known.patched = true
		a.revision++
	}
}

// learnedLayout notes that a whole layout has been seen.
func (a *App) learnedLayout() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.layoutSeen = stamp(0)
	if !a.layout {
		a.layout = true
		a.revision++
	}
}

// learnDependencies notes what the app's callbacks say.
func (a *App) learnDependencies(d *dependencies) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dependencies == nil || !a.dependencies.equal(d) {
		a.dependencies, a.learned = d, stamp(a.learned)
		a.revision++
	}
	a.loaded = false
}

// learnCarrier notes that an answer carries the data of Stores elsewhere than in its outputs: in component trees, sideUpdate
// or progress. An answer is named by the request's output.
func (a *App) learnCarrier(answer string) {
	key := answerKey(answer)
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.carriers.get(key); !ok {
		a.carriers.put(key, struct{}{})
		a.revision++
	}
}

// carries reports whether an answer was noted by learnCarrier.
func (a *App) carries(answer string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.carriers.empty() { // as of most apps
		return false
	}
	_, ok := a.carriers.get(answerKey(answer))
	return ok
}

// answerKey names an answer, whose output may be any long, in a few characters.
func answerKey(answer string) string {
	digest := blake3.Sum256([]byte(answer))
	return base64.RawURLEncoding.EncodeToString(digest[:15])
}

// unseen returns the exact ids among patterns that the app, of which layout and dependencies are known, does not have.
func (a *App) unseen(patterns []idPattern) (ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.layout || a.dependencies == nil {
		return nil
	}
	for _, p := range patterns {
		id := canonicalID(p.text)
		if known, ok := a.stores.get(id); p.exact() && (!ok || known.storageType == "") && !a.dependencies.ids[id] {
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

func (r *recent[V]) empty() bool { return len(r.young)+len(r.older) == 0 }

// all returns the entries, in no order.
func (r *recent[V]) all() map[string]V {
	all := maps.Clone(r.older)
	if all == nil {
		all = make(map[string]V)
	}
	maps.Copy(all, r.young)
	return all
}
