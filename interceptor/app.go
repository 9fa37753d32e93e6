package interceptor

import (
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/blake3"
)

const (
	maxStores   = 1 << 13 // Stores of an app that are kept, at least
	maxOthers   = 1 << 15 // other components of an app, likewise
	maxCarriers = 1 << 10 // answers of an app that are kept as carriers, at least
)

// App is what is known of one app. It learns from the app's own answers, and from what was saved of them: see
// [Interceptor.LoadApp]. What one user is shown is no more than a part of an app, so an answer only adds to what is known, and
// what is known only becomes more careful: see [Selection.decide].
type App struct {
	Site, Name string

	catalog *Catalog
	entered atomic.Bool

	mu           sync.Mutex
	stores       recent[*storeFacts]
	others       recent[*otherFacts] // components that are no Stores, by digest of their id
	parents      recent[string]      // the types of those that have components in other props than children, likewise
	carriers     recent[struct{}]    // by digest
	layout       bool                // a layout has been seen, or what is known was loaded
	dependencies *dependencies       // nil: not seen yet
	children     *childrenProps

	// gaps says that pages may hold tokens of Stores that are not known here: they were open before the app was known. See doubts.
	gaps bool
	// conflicts says that a Store with tokens in browsers shares its id with another component or with a Store of another
	// storage type. See doubts and records.
	conflicts bool

	revision uint64                // counts the changes of all this
	saved    map[string]savedState // by namespace
	saving   sync.Mutex
	kept     atomic.Int64 // see isDue

	sought    bool             // what was saved of the app has been looked for
	soughtAt  time.Time        // when it was, in vain; zero: it was found
	visitors  recent[*visitor] // who asks
	page      *Page            // nil: not known
	pageStale bool             // a layout has been seen since: the app may be another by now
}

func newApp(c *Catalog, site, name string) *App {
	return &App{
		Site: site, Name: name, catalog: c,
		stores:   recent[*storeFacts]{most: maxStores, keep: func(f *storeFacts) bool { return f.offloaded }},
		others:   recent[*otherFacts]{most: maxOthers, keep: func(f *otherFacts) bool { return f.named }},
		parents:  recent[string]{most: maxStores},
		carriers: recent[struct{}]{most: maxCarriers},
		visitors: recent[*visitor]{most: maxVisitors},
	}
}

// A lastSeen says when something was last seen, as a Unix time in seconds; 0: never. It is renewed once a day, so that what is
// seen all the time need not be saved all the time.
type lastSeen int64

const (
	renewAfter  = 24 * 60 * 60
	forgetAfter = 7 * renewAfter
)

// renew notes that something is seen now, and reports whether that is news.
func (s *lastSeen) renew() bool {
	now := lastSeen(time.Now().Unix())
	if now-*s < renewAfter {
		return false
	}
	*s = now
	return true
}

// counts reports whether something counts that was seen then, when the app has told of itself last at another time: whether it was seen
// in the week before. What a redeploy has removed counts as long, and what nobody could see since, longer.
func (s lastSeen) counts(told lastSeen) bool { return s > 0 && told-s < forgetAfter }

// storageTypes is a set of storage types that Stores of one id have.
type storageTypes uint8

// storageTypeOf returns the set of one storage type. All that dcc.Store does not know are one.
func storageTypeOf(name string) storageTypes {
	return 1 << (1 + slices.Index(storageTypeNames, name))
}

func (s storageTypes) names() (names []string) {
	for _, name := range storageTypeNames {
		if s&storageTypeOf(name) != 0 {
			names = append(names, name)
		}
	}
	if s&storageTypeOf("") != 0 {
		names = append(names, "unknown")
	}
	return names
}

// String returns the storage types as a person reads them: "memory, local".
func (s storageTypes) String() string { return strings.Join(s.names(), ", ") }

// storeFacts is what is known of the Stores of one id.
type storeFacts struct {
	types     storageTypes // none: no Store is known, or not enough of the app
	other     lastSeen     // of another component with that id
	patched   bool         // a callback has answered with a Patch of its data
	offloaded bool         // its data has been offloaded: browsers may hold tokens
	// inlineSince is when its data was first found to be inline since, as a Unix time; 0: it is offloaded.
	inlineSince int64

	// Of what store returns:
	ambiguous  bool   // another component has the id, too
	clientside bool   // a clientside callback uses its data
	callback   string // the name of such a callback, if it is known
}

// isAmbiguous reports whether the id is that of another component, too, as the app has told of itself.
func (f *storeFacts) isAmbiguous(told lastSeen) bool { return f.types != 0 && f.other.counts(told) }

// conflicts reports whether what the browser has under the id cannot be told, while it may be a token.
func (f *storeFacts) conflicts() bool {
	return f.offloaded && (f.other != 0 || f.types&(f.types-1) != 0)
}

// otherFacts is what is known of the components of one id that are no Stores.
type otherFacts struct {
	seen  lastSeen
	named bool // a callback names the id
}

// told returns when the app has told of its callbacks last.
func (a *App) told() lastSeen {
	if a.dependencies == nil {
		return 0
	}
	return a.dependencies.seen
}

// other returns what is known of the components of an id that are no Stores.
func (a *App) other(digest string) *otherFacts {
	f, ok := a.others.get(digest)
	if !ok {
		f = new(otherFacts)
	}
	return f
}

// enter notes that the app has answered for its name.
func (a *App) enter() {
	if !a.entered.Swap(true) {
		a.catalog.enter(a)
	}
}

// Entered reports whether an app has answered for the name, with a layout, a list of callbacks or a callback's answer.
func (a *App) Entered() bool { return a.entered.Load() }

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
	facts.callback, facts.clientside = a.dependencies.usedByBrowser(id)
	facts.ambiguous = known.isAmbiguous(a.told())
	return facts
}

// learnStore notes a Store with its canonical id.
func (a *App) learnStore(id, storageType string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.stores.get(id)
	if !ok {
		known = new(storeFacts)
		known.other = a.other(digestOf(id)).seen
		a.stores.put(id, known)
		a.gaps = a.gaps || a.stores.lost
	}
	if of := storageTypeOf(storageType); known.types&of == 0 {
		known.types |= of
		a.changed(known)
	}
}

// learnOther notes that a component which is no Store has a canonical id.
func (a *App) learnOther(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	digest := digestOf(id)
	other := a.other(digest)
	if other.seen.renew() {
		other.named = a.dependencies != nil && a.dependencies.ids[id]
		a.others.put(digest, other)
		if other.named {
			a.revision++ // which is saved: see facts
		}
	}
	if known, ok := a.stores.get(id); ok && known.other.renew() {
		a.changed(known)
	}
}

// learnParent notes the type of a component, with a canonical id, that has components in other props than children.
func (a *App) learnParent(id, componentType string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parents.put(digestOf(id), componentType)
}

// childrenOf returns the paths to components in the props of the component with a canonical id, as far as its type is known.
func (a *App) childrenOf(id string) []childPath {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.parents.empty() {
		return nil
	}
	componentType, _ := a.parents.get(digestOf(id))
	return a.children.of(componentType)
}

// childrenProps returns where components stand in the props of the app's components.
func (a *App) childrenProps() *childrenProps {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.children
}

// changed notes that more is known of a Store.
func (a *App) changed(f *storeFacts) {
	a.conflicts = a.conflicts || f.conflicts()
	a.revision++
}

// learnOffloaded notes that a browser gets a token for the data of a Store.
func (a *App) learnOffloaded(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.stores.get(id)
	if !ok {
		return
	}
	if !known.offloaded || known.inlineSince != 0 {
		known.offloaded, known.inlineSince = true, 0
		a.changed(known)
	}
}

// doubts reports whether what a browser has under a canonical id may be a token, though it may as well be another component's
// data, or a Store's that came inline: a Patch would make wrong data of the one, its record of the other. That is so where pages were
// open before the app was known; and for a Store that was offloaded and is no longer, because more is known of the app by now, for as
// long as data is kept. Its tokens are misses from then on: see outlived.
func (a *App) doubts(id string, ttl time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.stores.get(id)
	switch {
	case !ok || known.types == 0:
		return a.gaps && !a.other(digestOf(id)).seen.counts(a.told())
	case !known.offloaded || !a.isInline(id, known):
		return a.gaps && a.dependencies == nil
	case known.inlineSince == 0:
		known.inlineSince = time.Now().Unix()
		a.conflicts = true
		a.revision++
	}
	return !known.isOutlived(ttl)
}

// isInline reports whether a Store's data stays inline because of what is known of the app.
func (a *App) isInline(id string, f *storeFacts) bool {
	if a.dependencies == nil {
		return false
	}
	_, clientside := a.dependencies.usedByBrowser(id)
	return clientside || f.isAmbiguous(a.told())
}

// outlived reports whether tokens for the data of a Store are too old to be good: see doubts. Those that browsers keep over a reload are
// not, since a reload would not replace them.
func (a *App) outlived(id string, ttl time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.conflicts {
		return false
	}
	known, ok := a.stores.get(id)
	return ok && known.types == storageTypeOf(storageMemory) && known.isOutlived(ttl) && a.isInline(id, known)
}

func (f *storeFacts) isOutlived(ttl time.Duration) bool {
	return f.inlineSince != 0 && time.Since(time.Unix(f.inlineSince, 0)) >= ttl
}

// doubtsAny reports whether there can be such ids, or such as records is about.
func (a *App) doubtsAny() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gaps || a.conflicts
}

// records reports whether Patches of a Store are recorded, though its data is not offloaded because of its storage type: where
// Stores of several storage types have the id, a browser may have a token of one that is offloaded by itself.
func (a *App) records(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.stores.get(id)
	return ok && known.offloaded && !known.isAmbiguous(a.told())
}

// learnPatched notes that the app patches a Store.
func (a *App) learnPatched(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.stores.get(id); ok && known.types != 0 && !known.patched {
		known.patched = true
		a.revision++
	}
}

// learnedLayout notes that a visitor has been shown a whole layout.
func (a *App) learnedLayout(visitor string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.visitor(visitor).shown[LayoutEndpoint] = true
	if !a.layout {
		a.layout = true
		a.revision++
	}
}

// learnDependencies adds what a visitor was told of the app's callbacks.
func (a *App) learnDependencies(d *dependencies, visitor string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.visitor(visitor).shown[DependenciesEndpoint] = true
	first := a.dependencies == nil
	if first {
		a.dependencies = newDependencies()
	}
	if a.dependencies.add(d) || first {
		a.revision++
	}
	for id := range d.ids {
		if other, ok := a.others.get(digestOf(id)); ok {
			other.named = true
		}
	}
}

// learnCarrier notes that an answer carries the data of Stores elsewhere than in its outputs: in component trees, sideUpdate
// or progress. An answer is named by the request's output.
func (a *App) learnCarrier(answer string) {
	key := digestOf(answer)
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
	_, ok := a.carriers.get(digestOf(answer))
	return ok
}

// digestOf names a text, which may be any long, in a few characters.
func digestOf(text string) string {
	digest := blake3.Sum256([]byte(text))
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
		if known, ok := a.stores.get(id); p.exact() && (!ok || known.types == 0) && !a.dependencies.ids[id] {
			ids = append(ids, p.text)
		}
	}
	return ids
}
