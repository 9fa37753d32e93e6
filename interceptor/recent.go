package interceptor

import "maps"

// recent is a map that keeps the most recently used entries: at least most, at most twice as many. The zero value with most
// set is ready for use. It is not safe for use at the same time.
type recent[V any] struct {
	most         int
	keep         func(V) bool // reports whether an entry should stay while there is room; nil: none should
	lost         bool         // such an entry was dropped
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
		dropped := r.older
		r.young, r.older = make(map[string]V), r.young
		r.save(dropped)
	}
	r.young[key] = v
}

// save keeps what should stay of the entries that are dropped: half of the room goes to them at most.
func (r *recent[V]) save(dropped map[string]V) {
	for key, v := range dropped {
		_, isNewer := r.older[key]
		switch {
		case r.keep == nil || isNewer || !r.keep(v):
		case len(r.young) < r.most/2:
			r.young[key] = v
		default:
			r.lost = true
		}
	}
}

func (r *recent[V]) remove(key string) {
	delete(r.young, key)
	delete(r.older, key)
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
