package interceptor

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// maxVisitors is how many visitors of an app are kept, at least.
	maxVisitors = 1 << 8
	// askAgain is how long the app is not asked again, in the name of a visitor, for what it has not answered that visitor.
	askAgain = time.Minute
	// askEach is how long, after nothing was found of an app, it is asked in the name of each visitor whose page is open: the first
	// may be a stranger, whom it shows little of itself.
	askEach = 10 * time.Minute
)

// A visitor is who asks for an app, told by what may make a difference to what the app answers. It decides only when the app is
// asked about itself.
type visitor struct {
	asking chan struct{}        // holds one value while the app is asked in the visitor's name
	inVain map[askFor]time.Time // when it was last
	shown  map[Endpoint]bool    // what the visitor has seen of the app, or was asked for in the visitor's name
}

// An askFor is an endpoint that the app is asked for, before a request for another is served.
type askFor struct{ missing, requested Endpoint }

// knownVisitor returns what is known of a visitor, without keeping one of whom nothing is.
func (a *App) knownVisitor(name string) *visitor {
	v, ok := a.visitors.get(name)
	if !ok {
		v = new(visitor)
	}
	return v
}

// visitor returns what is known of a visitor.
func (a *App) visitor(name string) *visitor {
	v, ok := a.visitors.get(name)
	if !ok {
		v = &visitor{asking: make(chan struct{}, 1), inVain: make(map[askFor]time.Time), shown: make(map[Endpoint]bool)}
		a.visitors.put(name, v)
	}
	return v
}

// Ask sees to it that what a visitor's request for an endpoint needs to be known of the app is known, as well as can be. It
// calls load, which is to load what was saved of the app, and then ask for each endpoint of the app whose answer is still
// missing, which is to send that through the app's listeners. It returns when that is done, by this call or another's, or ctx
// is done. For each visitor one call is under way at a time, and an endpoint that was of no use is not asked again for a minute.
func (a *App) Ask(ctx context.Context, visitor string, e Endpoint, load func(), ask func(missing Endpoint)) {
	a.mu.Lock()
	v := a.visitor(visitor)
	a.mu.Unlock()
	select {
	case v.asking <- struct{}{}:
		defer func() { <-v.asking }()
	case <-ctx.Done():
		return
	}
	if !a.Wants(func() string { return visitor }, e) {
		return
	}
	load()
	missing := a.missing(visitor, e)
	a.noteSought(slices.Contains(missing, LayoutEndpoint))
	for _, endpoint := range missing {
		ask(endpoint)
	}
	if errors.Is(ctx.Err(), context.Canceled) { // a browser that went away says nothing of the app
		return
	}
	for _, endpoint := range a.missing(visitor, e) {
		a.noteInVain(v, askFor{endpoint, e})
	}
}

func (a *App) noteInVain(v *visitor, what askFor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v.inVain[what] = time.Now()
}

// Wants reports whether more should be known of the app before a visitor's request for an endpoint is served: whether there is a
// reason to call Ask. It calls visitor only if who it is makes a difference, as it seldom does.
func (a *App) Wants(visitor func() string, e Endpoint) bool {
	a.mu.Lock()
	seek := !a.sought && (!a.layout || a.dependencies == nil) && e != DependenciesEndpoint && e != PageEndpoint
	lacks := a.lacking(e, func(endpoint Endpoint) bool { return a.knownVisitor(visitor()).shown[endpoint] })
	a.mu.Unlock()
	return seek || len(lacks) > 0 && len(a.missing(visitor(), e)) > 0
}

// noteSought says that what was saved of the app has been looked for. If the app is now to be asked for its layout, somebody has a
// page open that was opened before.
func (a *App) noteSought(asksForLayout bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.sought && !a.layout {
		a.soughtAt = time.Now()
	}
	if asksForLayout && !a.gaps {
		a.gaps = true
		a.revision++
	}
	a.sought = true
}

// missing returns the endpoints that the app is to be asked for before a visitor's request for an endpoint is served: those that lacking
// returns, but for those that were asked for in vain.
func (a *App) missing(visitor string, e Endpoint) []Endpoint {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.knownVisitor(visitor)
	lacks := a.lacking(e, func(endpoint Endpoint) bool { return v.shown[endpoint] })
	return slices.DeleteFunc(lacks, func(endpoint Endpoint) bool { return time.Since(v.inVain[askFor{endpoint, e}]) < askAgain })
}

// lacking returns the endpoints whose answers should be known before a request for an endpoint is served; shown reports whether its
// visitor has been shown one.
//
// A callback is served by what is known, even if it was loaded: the page that makes it is as old. A layout begins a page: which
// props hold components, and if it carries data, or this is not known yet, what the browser reads, must be known of the app as
// it runs now and shows itself to the visitor.
func (a *App) lacking(e Endpoint, shown func(Endpoint) bool) (lacks []Endpoint) {
	want := func(endpoint Endpoint, is bool) {
		if is {
			lacks = append(lacks, endpoint)
		}
	}
	switch e {
	case DependenciesEndpoint:
	case PageEndpoint:
		want(PageEndpoint, a.page == nil || a.pageStale)
	case LayoutEndpoint:
		_, carries := a.carriers.get(digestOf(LayoutAnswer.name))
		want(PageEndpoint, a.page == nil || a.pageStale)
		want(DependenciesEndpoint, (carries || !a.layout) && !shown(DependenciesEndpoint))
	default:
		each := time.Since(a.soughtAt) < askEach
		layout := !a.layout || each && !shown(LayoutEndpoint)
		want(PageEndpoint, layout && a.page == nil)
		want(LayoutEndpoint, layout)
		want(DependenciesEndpoint, a.dependencies == nil || each && !shown(DependenciesEndpoint))
	}
	return lacks
}

// Path returns the path of an endpoint of the app with a prefix, which is as EndpointOf returns it.
func (e Endpoint) Path(prefix string) string {
	if e == PageEndpoint {
		return prefix + "/"
	}
	for _, known := range endpoints {
		if known.endpoint == e {
			return prefix + known.name
		}
	}
	return prefix
}
