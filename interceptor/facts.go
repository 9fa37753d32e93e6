package interceptor

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// savedFacts is what is saved of an app. Several processes may save what they know: of what they say differently, that with the
// later stamp counts.
type savedFacts struct {
	Stores      []savedStore `json:"stores"`
	Carriers    []string     `json:"carriers"`
	Asked       bool         `json:"asked,omitempty"`
	Learned     int64        `json:"learned"`      // the stamp of what follows
	IDs         []string     `json:"ids"`          // that callbacks name
	BrowserIDs  []string     `json:"browser_ids"`  // whose data the browser uses
	BrowserDict []string     `json:"browser_dict"` // the same by wildcard
	// Callbacks has the names of the callbacks that use it, by id and by wildcard.
	Callbacks map[string]string `json:"callbacks,omitempty"`
}

type savedStore struct {
	ID      string `json:"id"`
	Type    string `json:"type"` // empty: it is no Store, or no longer one
	Learned int64  `json:"learned"`
	Patched bool   `json:"patched,omitempty"`
}

// A stamp says when something was learned: in nanoseconds since 1970, but always later than what it takes the place of, whatever
// the clocks of the machines say.
func stamp(before int64) int64 { return max(time.Now().UnixNano(), before+1) }

// facts are what is known of the app, and the revision that this is. They are in one order.
func (a *App) facts() (facts savedFacts, revision uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, store := range a.stores.all() {
		facts.Stores = append(facts.Stores, savedStore{id, store.storageType, store.learned, store.patched})
	}
	slices.SortFunc(facts.Stores, func(a, b savedStore) int { return cmp.Compare(a.ID, b.ID) })
	facts.Asked = a.asked
	facts.Carriers = slices.Sorted(maps.Keys(a.carriers.all()))
	if d := a.dependencies; d != nil {
		facts.Learned = a.learned
		facts.IDs = slices.Sorted(maps.Keys(d.ids))
		facts.BrowserIDs = slices.Sorted(maps.Keys(d.browserIDs))
		facts.Callbacks = maps.Clone(d.browserIDs)
		for _, pattern := range d.browserDict {
			facts.BrowserDict = append(facts.BrowserDict, pattern.text)
			facts.Callbacks[pattern.text] = pattern.callback
		}
	}
	return facts, a.revision
}

// more reports whether the facts say more than others. Of an app with so many Stores that not all are kept, they never do: two
// processes that keep different ones would save in turn for ever.
func (f *savedFacts) more(than savedFacts) bool {
	if len(f.Stores) >= maxStores || len(f.Carriers) >= maxCarriers {
		return false
	}
	others := make(map[string]savedStore, len(than.Stores))
	for _, store := range than.Stores {
		others[store.ID] = store
	}
	carriers := setOf(than.Carriers)
	return f.Learned > than.Learned || f.Asked && !than.Asked ||
		slices.ContainsFunc(f.Carriers, func(key string) bool { return !carriers[key] }) ||
		slices.ContainsFunc(f.Stores, func(store savedStore) bool {
			other := others[store.ID]
			return store.Learned > other.Learned || store.Patched && !other.Patched
		})
}

// takeIn adds saved facts to what is known.
func (a *App) takeIn(facts savedFacts) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revision++
	for _, store := range facts.Stores {
		known, ok := a.stores.get(store.ID)
		switch {
		case !ok && store.Learned <= a.layoutSeen: // the app has said since that there is no such Store, which others are to know
			a.stores.put(store.ID, &storeFacts{learned: stamp(store.Learned)})
		case !ok:
			a.stores.put(store.ID, &storeFacts{storageType: store.Type, learned: store.Learned, patched: store.Patched})
		case store.Learned > known.learned:
			known.storageType, known.learned = store.Type, store.Learned
			known.patched = known.patched && store.Type != "" || store.Patched
		case store.Learned == known.learned:
			known.patched = known.patched || store.Patched
		}
	}
	a.layout = true
	a.asked = a.asked || facts.Asked
	for _, key := range facts.Carriers {
		a.carriers.put(key, struct{}{})
	}
	if a.dependencies == nil || facts.Learned > a.learned {
		a.dependencies, a.learned = facts.dependencies(), facts.Learned
		a.loaded = true
	}
}

func (f *savedFacts) dependencies() *dependencies {
	d := &dependencies{ids: setOf(f.IDs), browserIDs: make(map[string]string)}
	for _, id := range f.BrowserIDs {
		d.browserIDs[id] = f.Callbacks[id]
	}
	for _, text := range f.BrowserDict {
		if pattern, err := parseIDPattern(text); err == nil {
			d.browserDict = append(d.browserDict, browserPattern{pattern, f.Callbacks[text]})
		}
	}
	return d
}

func setOf(texts []string) map[string]bool {
	set := make(map[string]bool, len(texts))
	for _, text := range texts {
		set[text] = true
	}
	return set
}
