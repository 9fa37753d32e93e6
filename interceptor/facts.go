package interceptor

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// savedFacts is what is saved of an app. Several processes may save what they know, each adds what the others do. So it does
// no harm either if somebody puts an old copy in the place of a new one: what is known only becomes more careful by it.
type savedFacts struct {
	Stores   []savedStore        `json:"stores"`
	Told     lastSeen            `json:"told"` // when the app has told of its callbacks last
	Carriers []string            `json:"carriers"`
	Gaps     bool                `json:"gaps,omitempty"`
	Others   map[string]lastSeen `json:"others,omitempty"` // by digests of ids, of those that callbacks name
	Children map[string][]string `json:"children,omitempty"`
	IDs      []string            `json:"ids"` // that callbacks name
	Browser  map[string]savedUse `json:"browser"`
	Patterns map[string]savedUse `json:"browser_patterns"`
}

type savedStore struct {
	ID        string   `json:"id"`
	Types     string   `json:"types"`
	Other     lastSeen `json:"other,omitempty"`
	Patched   bool     `json:"patched,omitempty"`
	Offloaded bool     `json:"offloaded,omitempty"`
	Inline    int64    `json:"inline_since,omitempty"`
}

// A savedUse is a browserUse.
type savedUse struct {
	Callback string   `json:"callback"`
	Seen     lastSeen `json:"seen"`
}

// facts are what is known of the app, and the revision that this is. They are in one order.
func (a *App) facts() (facts savedFacts, revision uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, f := range a.stores.all() {
		store := savedStore{ID: id, Types: strings.Join(f.types.names(), " "), Patched: f.patched, Offloaded: f.offloaded, Inline: f.inlineSince}
		if f.other.counts(a.told()) {
			store.Other = f.other
		}
		facts.Stores = append(facts.Stores, store)
	}
	slices.SortFunc(facts.Stores, func(a, b savedStore) int { return cmp.Compare(a.ID, b.ID) })
	facts.Carriers = slices.Sorted(maps.Keys(a.carriers.all()))
	facts.Gaps = a.gaps
	facts.Children = a.children.texts()
	if d := a.dependencies; d != nil {
		facts.IDs = slices.Sorted(maps.Keys(d.ids))
		facts.Browser, facts.Patterns = saveUses(d.browserIDs, d.seen), saveUses(d.browserDict, d.seen)
		facts.Others = a.savedOthers()
		facts.Told = d.seen
	}
	return facts, a.revision
}

// savedOthers returns the components that are no Stores and that callbacks name: a Patch of their data is not in doubt, and nobody
// has them taken for Stores by what the app shows of data.
func (a *App) savedOthers() map[string]lastSeen {
	var others map[string]lastSeen
	for id := range a.dependencies.ids {
		digest := digestOf(id)
		if seen := a.other(digest).seen; seen.counts(a.told()) {
			if others == nil {
				others = make(map[string]lastSeen)
			}
			others[digest] = seen
		}
	}
	return others
}

func saveUses(uses map[string]browserUse, told lastSeen) map[string]savedUse {
	saved := make(map[string]savedUse)
	for id, use := range uses {
		if use.seen.counts(told) {
			saved[id] = savedUse{use.callback, use.seen}
		}
	}
	return saved
}

// more reports whether the facts say more than others, which are in them. Of an app with so many Stores that not all are kept,
// they never do: two processes that keep different ones would save in turn for ever.
func (f *savedFacts) more(than savedFacts) bool {
	if len(f.Stores) >= maxStores || len(f.Carriers) >= maxCarriers || len(f.Others) >= maxOthers || len(f.IDs) >= maxNamed {
		return false
	}
	return !reflect.DeepEqual(*f, than)
}

// takeIn adds saved facts to what is known.
func (a *App) takeIn(facts savedFacts) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revision++
	for _, store := range facts.Stores {
		known, ok := a.stores.get(store.ID)
		if !ok {
			known = new(storeFacts)
			known.other = a.other(digestOf(store.ID)).seen
			a.stores.put(store.ID, known)
		}
		known.takeIn(store)
		a.conflicts = a.conflicts || known.conflicts() || known.inlineSince != 0
	}
	for _, key := range facts.Carriers {
		a.carriers.put(key, struct{}{})
	}
	for digest, seen := range facts.Others {
		a.others.put(digest, &otherFacts{max(seen, a.other(digest).seen), true})
	}
	a.layout = true
	a.gaps = a.gaps || facts.Gaps || a.stores.lost
	a.addChildren(parseChildren(facts.Children))
	if a.dependencies == nil {
		a.dependencies = newDependencies()
	}
	a.dependencies.addSaved(facts.dependencies())
}

// takeIn adds what was saved of the Stores of an id.
func (f *storeFacts) takeIn(saved savedStore) {
	for name := range strings.FieldsSeq(saved.Types) {
		f.types |= storageTypeOf(name)
	}
	f.other = max(f.other, saved.Other)
	f.patched = f.patched || saved.Patched
	f.offloaded = f.offloaded || saved.Offloaded
	f.inlineSince = max(f.inlineSince, saved.Inline)
}

func (f *savedFacts) dependencies() *dependencies {
	d := newDependencies()
	d.seen = f.Told
	for _, id := range f.IDs {
		d.ids[id] = true
	}
	for _, uses := range []map[string]savedUse{f.Browser, f.Patterns} {
		for id, use := range uses {
			d.noteUse(id, browserUse{callback: use.Callback, seen: use.Seen})
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
