package interceptor

import (
	"context"
	"errors"
	"slices"
	"time"
)

// askAgain is how long the app is not asked again about itself when it has not answered.
const askAgain = time.Minute

// Ask sees to it that what a request for an endpoint needs to be known of the app is known, as well as can be. It calls load,
// which is to load what was saved of the app, and then ask for each endpoint of the app whose answer is still missing, which
// is to send that through the app's listeners. It returns when that is done, by this call or another's, or ctx is done. One
// call is under way at a time, and one that was of no use is not repeated for a minute.
func (a *App) Ask(ctx context.Context, e Endpoint, load func(), ask func(missing Endpoint)) {
	select {
	case a.asking <- struct{}{}:
		defer func() { <-a.asking }()
	case <-ctx.Done():
		return
	}
	if !a.Wants(e) || time.Since(a.askedInVain) < askAgain {
		return
	}
	load()
	missing := a.missing(e)
	a.noteSought(slices.Contains(missing, LayoutEndpoint))
	for _, endpoint := range missing {
		ask(endpoint)
	}
	if a.Wants(e) && !errors.Is(ctx.Err(), context.Canceled) { // a browser that went away says nothing of the app
		a.askedInVain = time.Now()
	}
}

// Wants reports whether more should be known of the app before a request for an endpoint is served: whether there is a reason to
// call Ask.
func (a *App) Wants(e Endpoint) bool {
	a.mu.Lock()
	seek := !a.sought && (!a.layout || a.dependencies == nil) && e != DependenciesEndpoint
	a.mu.Unlock()
	return seek || len(a.missing(e)) > 0
}

// noteSought says that what was saved of the app has been looked for, in vain if the app is now to be asked for its layout.
func (a *App) noteSought(inVain bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if inVain && !a.asked {
		a.asked = true
		a.revision++
	}
	a.sought = true
}

// missing returns the endpoints that the app is to be asked for before a request for an endpoint is served.
//
// A callback is served by what is known, even if it was loaded: the page that makes it is as old. A layout begins a page: if
// it carries data, or this is not known yet, what the browser reads must be known of the app as it runs now, which may have
// been deployed since.
func (a *App) missing(e Endpoint) (missing []Endpoint) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch e {
	case DependenciesEndpoint:
	case LayoutEndpoint:
		_, carries := a.carriers.get(answerKey(LayoutAnswer.name))
		if (carries || !a.layout) && (a.dependencies == nil || a.loaded) {
			missing = append(missing, DependenciesEndpoint)
		}
	default:
		if !a.layout {
			missing = append(missing, LayoutEndpoint)
		}
		if a.dependencies == nil {
			missing = append(missing, DependenciesEndpoint)
		}
	}
	return missing
}

// Path returns the path of an endpoint of the app with a prefix, which is as EndpointOf returns it.
func (e Endpoint) Path(prefix string) string {
	for _, known := range endpoints {
		if known.endpoint == e {
			return prefix + known.name
		}
	}
	return prefix
}
