package caddymodule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
)

// maxToldApps is how many apps are told of at once.
const maxToldApps = 100

// status is all that there is to tell.
func (l *ledger) status() Status {
	status := Status{Now: time.Now(), Since: l.since, Apps: []AppStatus{}, Storages: storageStatus(), Misses: []Miss{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	status.Live, status.DryRun = l.totals[modeLive].told(), l.totals[modeDryRun].told()
	accounts := l.byUse()
	for _, a := range accounts[:min(len(accounts), maxToldApps)] { // whoever calls a site by made-up names does not make this long
		status.Apps = append(status.Apps, AppStatus{
			App: a.app, Site: a.site, Namespace: a.namespace, Mode: a.mode, LastUsed: a.lastUsed, Figures: a.figures.told(), Stores: l.storesOf(a),
		})
	}
	status.Misses = append(status.Misses, l.misses...)
	slices.Reverse(status.Misses)
	return status
}

// told is a copy of figures, to be told.
func (f *Figures) told() Figures {
	told := *f
	told.Missed, told.Inline = make(map[string]int64), make(map[string]Values)
	maps.Copy(told.Missed, f.Missed)
	maps.Copy(told.Inline, f.Inline)
	return told
}

// storesOf are the Stores of an app, and what else was counted by its id: those that save most first.
func (l *ledger) storesOf(a *account) []StoreStatus {
	ids := make(map[string]bool)
	for _, id := range a.facts.StoreIDs() {
		ids[id] = true
	}
	for id := range a.stores {
		ids[id] = true
	}
	stores := make([]StoreStatus, 0, len(ids))
	for id := range ids {
		stores = append(stores, l.storeOf(a, id))
	}
	slices.SortFunc(stores, func(a, b StoreStatus) int {
		return cmp.Or(cmp.Compare(b.Figures.Saved.Up+b.Figures.Saved.Down, a.Figures.Saved.Up+a.Figures.Saved.Down), cmp.Compare(a.ID, b.ID))
	})
	return stores
}

// storeOf is what there is to tell of a Store of an app.
func (l *ledger) storeOf(a *account, id string) StoreStatus {
	h := l.handlerOf(a)
	explained := h.interceptor.Explain(a.facts, id)
	store := StoreStatus{
		ID: explained.Store, StorageType: explained.StorageType, Decision: "inline", Reason: string(explained.Reason), Clientside: explained.Callback,
	}
	if explained.Reason == interceptor.Offloaded {
		store.Decision = "offloaded"
	}
	counted := a.stores[explained.Store]
	if counted == nil {
		counted = new(storeAccount)
	} else {
		store.LastUsed, store.LastBytes = new(counted.lastUsed), counted.lastBytes
	}
	store.Figures = counted.figures.told()
	store.Explanation = h.explanation(explained, &store.Figures)
	return store
}

// handlerOf is the handler that the app would be served by now: after a reload, that is not the one that served it last.
func (l *ledger) handlerOf(a *account) *Handler {
	if l.handlers[a.handler] {
		return a.handler
	}
	var found []*Handler
	for h := range l.handlers {
		if h.Namespace == a.namespace {
			found = append(found, h)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return a.handler // the next request tells
}

// explanation says in a sentence what is done with a Store's data, and why.
func (h *Handler) explanation(e interceptor.Explanation, f *Figures) string {
	switch e.Reason {
	case interceptor.Offloaded:
		return h.offloadedExplanation(f)
	case interceptor.Clientside:
		if e.Callback == "" {
			return "It stays in the browser: a clientside callback uses its data there."
		}
		return "It stays in the browser: the clientside callback " + e.Callback + " uses its data there."
	case interceptor.StorageType:
		return fmt.Sprintf("It stays in the browser: it is a %s Store, and those are not asked for. To offload it, too: stores auto memory %s.",
			e.StorageType, e.StorageType)
	case interceptor.Excluded:
		return "It stays in the browser: exclude names it."
	case interceptor.Ambiguous:
		return "It stays in the browser: another component of the app has the same id. Give each an id of its own."
	case interceptor.NotSelected:
		return "It stays in the browser: stores names others."
	}
	return "No dcc.Store of this id has been seen in the app."
}

// offloadedExplanation is that of a Store whose data is offloaded, unless there is something about each of its values.
func (h *Handler) offloadedExplanation(f *Figures) string {
	kept := "Its data is kept on the server."
	if h.DryRun {
		kept = "Its data would be kept on the server (dry run)."
	}
	reasons := slices.Sorted(maps.Keys(f.Inline))
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%d %s", f.Inline[reason].Values, h.valueReason(interceptor.Reason(reason)))
	}
	if len(reasons) == 0 {
		return kept
	}
	return kept + " Not so some values: " + strings.Join(reasons, ", ") + "."
}

// valueReason says why a value stayed in the browser.
func (h *Handler) valueReason(reason interceptor.Reason) string {
	switch reason {
	case interceptor.BelowMinSize:
		return "smaller than min_size (" + humanize.IBytes(uint64(*h.MinSize)) + ")"
	case interceptor.AboveMaxPayload:
		return "larger than max_payload (" + humanize.IBytes(uint64(h.MaxPayload)) + ")"
	case interceptor.NoContainer:
		return "no list, object or text"
	case interceptor.StorageFailed:
		return "that the storage did not take"
	case interceptor.NoScope:
		return "for somebody for whom scope says nothing"
	case interceptor.Late:
		return "whose component came too late in the answer"
	}
	return "sent before that was so (" + string(reason) + ")"
}

// explain tells of the Stores of an id, in one app or in all of them.
func (l *ledger) explain(id, app string, namespace *string) Explanation {
	explanation := Explanation{Stores: []ExplainedStore{}, Similar: []string{}}
	similar := make(map[string]bool)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.byUse() {
		if app != "" && a.app != appName(app) || namespace != nil && a.namespace != *namespace {
			continue
		}
		store := l.storeOf(a, id)
		if store.Reason != string(interceptor.Unknown) || store.LastUsed != nil {
			explanation.Stores = append(explanation.Stores, ExplainedStore{
				StoreStatus: store, App: a.app, Namespace: a.namespace, Mode: a.mode,
			})
			continue
		}
		for _, other := range a.facts.Similar(id) {
			similar[other] = true
		}
	}
	explanation.Similar = append(explanation.Similar, slices.Sorted(maps.Keys(similar))...)
	return explanation
}

// storageStatus tells of the storages that are open.
func storageStatus() []StorageStatus {
	stores := openStores()
	status := make([]StorageStatus, 0, len(stores))
	for _, s := range stores {
		limits := s.limits()
		told := StorageStatus{
			Storage: s.kind, Place: s.place, MaxBytes: limits.MaxSize, MaxEntries: limits.MaxEntries, Available: s.available(),
		}
		stats := s.Stats()
		_, onServer := s.Limiter.(storage.Availability)
		if s.counts() {
			told.Entries, told.Bytes = &stats.Entries, &stats.Bytes
		}
		if !onServer { // which evicts without telling
			told.Evicted, told.Expired = &stats.Evicted, &stats.Expired
		}
		status = append(status, told)
	}
	return status
}
