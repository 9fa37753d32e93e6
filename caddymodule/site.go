package caddymodule

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// siteOf returns what the handler serves, told by what no client can choose: the server, and the matchers on the way from
// there to the handler. Two handlers that are reached by the same Host and path, but on different ports or by different
// headers, serve different apps.
//
// It stays the same over a reload that leaves the site as it is, and is the same in each Caddy with that configuration.
func (h *Handler) siteOf(r *http.Request) string {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return h.site
	}
	h.siteOnce.Do(func() {
		way, _ := wayTo(routesOf(server), h)
		h.site = strings.Join(append([]string{serverName(server)}, way...), " ")
	})
	return h.site
}

// labelled are routes that are reached in a way that has a name.
type labelled struct {
	label  string // empty: as the server's own routes are
	routes caddyhttp.RouteList
}

// routesOf returns the routes of a server: its own, those that have names, and those for errors.
func routesOf(server *caddyhttp.Server) []labelled {
	all := []labelled{{"", server.Routes}}
	for name, route := range server.NamedRoutes {
		all = append(all, labelled{"invoke " + name, caddyhttp.RouteList{*route}})
	}
	if server.Errors != nil {
		all = append(all, labelled{"errors", server.Errors.Routes})
	}
	return all
}

// routesIn returns the routes in a handler: of a subroute, and those for responses, as reverse_proxy and intercept have them.
func routesIn(handler any) (all []labelled) {
	if subroute, ok := handler.(*caddyhttp.Subroute); ok {
		return []labelled{{"", subroute.Routes}}
	}
	value := reflect.Indirect(reflect.ValueOf(handler))
	if value.Kind() != reflect.Struct {
		return nil
	}
	if field := value.FieldByName("HandleResponse"); field.IsValid() {
		responses, _ := reflect.TypeAssert[[]caddyhttp.ResponseHandler](field)
		for i, response := range responses {
			all = append(all, labelled{fmt.Sprint("response ", i), response.Routes})
		}
	}
	return all
}

// madeUpName matches the names that the Caddyfile adapter gives to servers, by their order in the configuration.
var madeUpName = regexp.MustCompile(`^srv\d+$`)

// serverName returns the name that the configuration gives to a server or, if it gives none, the addresses on which the
// server listens. A name that the adapter has made up goes to another server when a site is added.
func serverName(server *caddyhttp.Server) string {
	if name := server.Name(); name != "" && !madeUpName.MatchString(name) {
		return name
	}
	return strings.Join(slices.Sorted(slices.Values(server.Listen)), ",")
}

// wayTo returns the labels and matchers of the routes that lead to a handler, outermost first.
func wayTo(all []labelled, h *Handler) (way []string, found bool) {
	for _, each := range all {
		for _, route := range each.routes {
			for _, handler := range route.Handlers {
				inside, found := wayTo(routesIn(handler), h)
				if !found && handler != caddyhttp.MiddlewareHandler(h) {
					continue
				}
				for _, text := range []string{each.label, describeMatchers(route.MatcherSets)} {
					if text != "" {
						way = append(way, text)
					}
				}
				return append(way, inside...), true
			}
		}
	}
	return nil, false
}

// describeMatchers returns the matchers of a route, and "" if it has none.
//
// Of a matcher of the host it counts only that there is one: the app's name has the host in one spelling, while Caddy may
// send another spelling of it to another site. So a site keeps its identity when a host is added to it.
func describeMatchers(sets caddyhttp.MatcherSets) string {
	var described []string
	for _, set := range sets {
		var matchers []string
		for _, matcher := range set {
			if text := describeMatcher(matcher); text != "" {
				matchers = append(matchers, text)
			}
		}
		slices.Sort(matchers) // Caddy has them in a map
		if text := strings.Join(matchers, "&"); text != "" {
			described = append(described, text)
		}
	}
	return strings.Join(described, "|")
}

func describeMatcher(matcher any) string {
	module, ok := matcher.(caddy.Module)
	if !ok {
		return ""
	}
	id := module.CaddyModule().ID.Name()
	if id == "host" {
		return id
	}
	if not, ok := matcher.(*caddyhttp.MatchNot); ok {
		return id + "(" + describeMatchers(not.MatcherSets) + ")"
	}
	options, _ := json.Marshal(matcher) // without its options, it is still told by its name
	return id + string(options)
}

// hostOf returns the Host of a request in one spelling: in lower case, without the final dot of a full name and without a
// default port.
func hostOf(r *http.Request) string {
	host := strings.ToLower(r.Host)
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return strings.TrimRight(host, ".")
	}
	name = strings.TrimRight(name, ".")
	switch number, err := strconv.ParseUint(port, 10, 16); {
	case err != nil && port != "":
	case number == 0 || number == 80 || number == 443:
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	default:
		port = strconv.FormatUint(number, 10)
	}
	return net.JoinHostPort(name, port)
}
