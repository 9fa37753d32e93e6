package interceptor

import (
	"maps"
	"slices"
	"strings"
)

// An Explanation says what is done with a Store's data, and why.
type Explanation struct {
	Store       string // its canonical id
	StorageType string // memory, session or local, or several with commas; "": it is not known to be a Store
	Reason      Reason // one of a Store's, not of a value's
	Callback    string // the name of a clientside callback that uses it, if there is one and its name is known
}

// Explain says what is done with the data of a Store of an app.
func (ic *Interceptor) Explain(app *App, id string) Explanation {
	id = canonicalID(id)
	facts := app.store(id)
	return Explanation{Store: id, StorageType: facts.types.String(), Reason: ic.Selection.decide(app, id), Callback: facts.callback}
}

// StoreIDs returns the canonical ids of the Stores that are known of the app, sorted.
func (a *App) StoreIDs() (ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, facts := range a.stores.all() {
		if facts.types != 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Similar returns those of the app's ids, of Stores and of whatever else callbacks name, that look like one that it does not have.
func (a *App) Similar(id string) []string {
	ids := setOf(a.StoreIDs())
	a.mu.Lock()
	if a.dependencies != nil {
		maps.Copy(ids, a.dependencies.ids)
	}
	a.mu.Unlock()
	maps.DeleteFunc(ids, func(known string, _ bool) bool { return known == "" || known == id || !looksLike(known, id) })
	return slices.Sorted(maps.Keys(ids))
}

// looksLike reports whether one id is within the other, but for case and what joins words.
func looksLike(one, other string) bool {
	joints := strings.NewReplacer("-", "", "_", "", " ", "")
	one, other = strings.ToLower(joints.Replace(one)), strings.ToLower(joints.Replace(other))
	return strings.Contains(one, other) || strings.Contains(other, one)
}
