package caddymodule

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/dashstash/dashstash/interceptor"
)

const (
	maxAccounts      = 1 << 10 // apps that are counted one by one
	maxStoreAccounts = 1 << 10 // Stores of an app, likewise
	maxMisses        = 100     // that are told one by one
)

// otherStores is what the Stores of an app are counted under that are too many.
const otherStores = "(others)"

// A ledger counts what all handlers of this Caddy have done: in all, by app, and by Store. It lives as long as there is any handler, so
// through reloads. Its methods may be called at the same time.
type ledger struct {
	since time.Time

	mu       sync.Mutex
	handlers map[*Handler]bool // those of configurations that are set up
	totals   map[string]*Figures
	accounts map[accountKey]*account
	misses   []Miss // the last, the newest at the end
}

// An accountKey is an app, as a handler of a namespace and mode sees it.
type accountKey struct{ site, app, namespace, mode string }

// An account is what was done for an app.
type account struct {
	accountKey
	facts    *interceptor.App
	handler  *Handler // that served it last
	lastUsed time.Time
	figures  Figures
	stores   map[string]*storeAccount
}

// A storeAccount is what was done with the data of a Store.
type storeAccount struct {
	figures   Figures
	lastBytes int64
	lastUsed  time.Time
}

func newLedger() *ledger {
	return &ledger{
		since: time.Now(), handlers: make(map[*Handler]bool), accounts: make(map[accountKey]*account),
		totals: map[string]*Figures{modeLive: new(Figures), modeDryRun: new(Figures)},
	}
}

// A visit is one callback, or another request in which data is moved.
type visit struct {
	began     time.Time
	callbacks int64
	up, down  int64               // bytes of the bodies between browser and Caddy, before compression; of an answer, as the app sent it
	request   interceptor.Figures // of the way up
	answer    interceptor.Figures // of the way down
	own       time.Duration       // spent on rewriting
	total     time.Duration       // from request to answer; 0: not told
}

// figures are the sum of both ways.
func (v *visit) figures() interceptor.Figures { return v.request.Plus(v.answer) }

// record counts a visit to an app.
func (h *Handler) record(app *interceptor.App, v *visit) {
	if v.callbacks > 0 && !v.began.IsZero() {
		v.total = time.Since(v.began)
	}
	h.catalog.value.ledger.record(h, app, v)
}

func (l *ledger) record(h *Handler, app *interceptor.App, v *visit) {
	mode := h.mode()
	f := v.sums(mode)
	m := meters()
	m.add(mode, v, &f)
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(h, app, mode)
	l.totals[mode].add(&f)
	a.figures.add(&f)
	for _, events := range [][]interceptor.Event{v.request.Events, v.answer.Events} {
		for i := range events {
			e := &events[i]
			m.note(mode, e)
			l.totals[mode].note(e)
			a.note(e)
			if e.Missed != "" {
				l.noteMiss(h, app, e)
			}
		}
	}
}

// sums are the figures of a visit but for what became of values.
func (v *visit) sums(mode string) (f Figures) {
	f.Callbacks = v.callbacks
	f.Saved = Saved{Up: v.request.Saved(), Down: v.answer.Saved()}
	f.Up = Traffic{With: v.up, Without: v.up + f.Saved.Up}
	if mode == modeDryRun {
		f.Up = Traffic{With: v.up - f.Saved.Up, Without: v.up}
	}
	f.Down = Traffic{With: v.down - f.Saved.Down, Without: v.down}
	for _, size := range []*int64{&f.Up.With, &f.Up.Without, &f.Down.With, &f.Down.Without} {
		*size = max(0, *size) // a counter that is told to count back panics
	}
	if v.total > 0 {
		f.Seconds = Seconds{v.callbacks, v.total.Seconds(), v.own.Seconds()}
	}
	return f
}

// account is the account of an app, which is opened if there is none: in the place of the one that was not used for the longest
// time, if there are too many. A name for which no app has answered yet has one that is not kept: anybody can make such names up.
func (l *ledger) account(h *Handler, app *interceptor.App, mode string) *account {
	key := accountKey{app.Site, app.Name, h.Namespace, mode}
	a, ok := l.accounts[key]
	if !ok {
		a = &account{accountKey: key, stores: make(map[string]*storeAccount)}
		if app.Entered() {
			if len(l.accounts) >= maxAccounts {
				delete(l.accounts, l.byUse()[len(l.accounts)-1].accountKey)
			}
			l.accounts[key] = a
		}
	}
	a.facts, a.handler, a.lastUsed = app, h, time.Now()
	return a
}

// byUse returns the accounts, the one that was used last first.
func (l *ledger) byUse() []*account {
	accounts := make([]*account, 0, len(l.accounts))
	for _, a := range l.accounts {
		accounts = append(accounts, a)
	}
	slices.SortFunc(accounts, func(a, b *account) int {
		return cmp.Or(b.lastUsed.Compare(a.lastUsed), cmp.Compare(a.app, b.app), cmp.Compare(a.site, b.site))
	})
	return accounts
}

// note counts what became of a value of the app.
func (a *account) note(e *interceptor.Event) {
	a.figures.note(e)
	if e.Store == "" {
		return
	}
	id := e.Store
	s, ok := a.stores[id]
	if !ok {
		if len(a.stores) >= maxStoreAccounts {
			id = otherStores
		}
		if s = a.stores[id]; s == nil {
			s = new(storeAccount)
			a.stores[id] = s
		}
	}
	s.lastUsed = time.Now()
	if e.Missed == "" {
		s.lastBytes = e.Bytes
	}
	if e.Stored || e.Inline != "" {
		s.figures.Saved.Down += e.Saved
	} else {
		s.figures.Saved.Up += e.Saved
	}
	s.figures.note(e)
}

func (l *ledger) noteMiss(h *Handler, app *interceptor.App, e *interceptor.Event) {
	if len(l.misses) == maxMisses {
		l.misses = append(l.misses[:0], l.misses[1:]...)
	}
	l.misses = append(l.misses, Miss{
		Time: time.Now(), App: app.Name, Namespace: h.Namespace, Store: e.Store, Cause: string(e.Missed),
	})
}

// add adds figures, but for what became of values.
func (f *Figures) add(g *Figures) {
	f.Callbacks += g.Callbacks
	f.Up.With += g.Up.With
	f.Up.Without += g.Up.Without
	f.Down.With += g.Down.With
	f.Down.Without += g.Down.Without
	f.Saved.Up += g.Saved.Up
	f.Saved.Down += g.Saved.Down
	f.Seconds.Callbacks += g.Seconds.Callbacks
	f.Seconds.Total += g.Seconds.Total
	f.Seconds.Own += g.Seconds.Own
}

// note counts what became of a value.
func (f *Figures) note(e *interceptor.Event) {
	switch {
	case e.Stored:
		f.Offloaded.add(e.Bytes)
	case e.Restored:
		f.Restored.add(e.Bytes)
	case e.Missed != "":
		if f.Missed == nil {
			f.Missed = make(map[string]int64)
		}
		f.Missed[string(e.Missed)]++
	default:
		if f.Inline == nil {
			f.Inline = make(map[string]Values)
		}
		values := f.Inline[string(e.Inline)]
		values.add(e.Bytes)
		f.Inline[string(e.Inline)] = values
	}
}

func (v *Values) add(bytes int64) {
	v.Values++
	v.Bytes += bytes
}

// mode is how the handler's figures are to be read.
func (h *Handler) mode() string {
	if h.DryRun {
		return modeDryRun
	}
	return modeLive
}

// enter notes that a handler is set up.
func (l *ledger) enter(h *Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handlers[h] = true
}

// leave notes that a handler is no longer.
func (l *ledger) leave(h *Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.handlers, h)
}
