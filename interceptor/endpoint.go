package interceptor

import "strings"

// An Endpoint is an address under a Dash app's prefix, as far as it matters here.
type Endpoint uint8

const (
	OtherEndpoint        Endpoint = iota
	CallbackEndpoint              // POST P_dash-update-component: a callback
	LayoutEndpoint                // GET P_dash-layout: the component tree
	DependenciesEndpoint          // GET P_dash-dependencies: the list of callbacks
	SocketEndpoint                // GET P_dash-ws-callback, in HTTP/2 and later CONNECT: callbacks by WebSocket
	ScriptEndpoint                // GET P_dash-stash/reload.js: no address of Dash, but ours
	PageEndpoint                  // GET P/: the page, which is asked for, and found by its content when it passes
	GoneEndpoint                  // POST P_dash-stash/gone: what of a browser's data is gone; likewise
)

var endpoints = []struct {
	method, name string
	endpoint     Endpoint
}{
	{"POST", "/_dash-update-component", CallbackEndpoint},
	{"GET", "/_dash-layout", LayoutEndpoint},
	{"GET", "/_dash-dependencies", DependenciesEndpoint},
	{"GET", "/_dash-ws-callback", SocketEndpoint},
	{"CONNECT", "/_dash-ws-callback", SocketEndpoint}, // RFC 8441
	{"GET", "/_dash-stash/reload.js", ScriptEndpoint},
	{"POST", "/_dash-stash/gone", GoneEndpoint},
}

// EndpointOf says which endpoint a request is for, and returns the prefix P of the app, which is its
// requests_pathname_prefix without the last slash, as far as it has not been stripped on the way here.
//
// It is as lax as the most lax of the apps: what one of them runs as a callback must not pass as something else, with its tokens.
// Flask and Quart take a method in lower case, if their server does; FastAPI takes a path with a line feed behind it, before
// which the end of a regular expression matches in Python.
func EndpointOf(method, path string) (e Endpoint, prefix string) {
	path = strings.TrimSuffix(path, "\n")
	for _, known := range endpoints {
		if prefix, ok := strings.CutSuffix(path, known.name); ok && strings.EqualFold(method, known.method) {
			return known.endpoint, prefix
		}
	}
	return OtherEndpoint, ""
}
