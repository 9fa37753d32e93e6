package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The Stores of the app of these tests: df and other can be offloaded, tab only on demand, and the browser reads chart.
const (
	layout = `{"type":"Div","namespace":"dash_html_components","props":{"children":[` +
		`{"props":{"id":"df"},"type":"Store","namespace":"dash_core_components"},` +
		`{"props":{"id":"other","storage_type":"memory"},"type":"Store","namespace":"dash_core_components"},` +
		`{"props":{"id":"tab","storage_type":"session"},"type":"Store","namespace":"dash_core_components"},` +
		`{"props":{"id":"chart"},"type":"Store","namespace":"dash_core_components"}]}}`
	dependencies = `[{"output":"df.data","inputs":[{"id":"go","property":"n_clicks"}],"state":[],"clientside_function":null},` +
		`{"output":"graph.figure","inputs":[{"id":"chart","property":"data"}],"state":[],` +
		`"clientside_function":{"namespace":"app","function_name":"draw"}}]`
)

// A dash is a Dash app, as far as these tests need one.
type dash struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

// seen is a callback as the app got it.
type seen struct {
	header   http.Header
	length   int64
	transfer []string
	body     string
}

// newDash starts an app that answers all but the layout and the dependencies with answer. The body of a callback has been
// read then.
func newDash(t testing.TB, answer http.HandlerFunc) *dash {
	t.Helper()
	var d *dash
	d = startDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == callbackPath {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return // the request was broken off
			}
			d.mu.Lock()
			d.seen = append(d.seen, seen{r.Header.Clone(), r.ContentLength, r.TransferEncoding, string(body)})
			d.mu.Unlock()
		}
		answer(w, r)
	})
	return d
}

// startDash starts an app like that of newDash, which reads no bodies by itself.
func startDash(t testing.TB, answer http.HandlerFunc) *dash {
	t.Helper()
	mux := http.NewServeMux()
	for path, body := range map[string]string{"/_dash-layout": layout, "/_dash-dependencies": dependencies} {
		mux.HandleFunc("GET "+path, answering(body))
	}
	mux.HandleFunc("/", answer)
	d := &dash{Server: httptest.NewServer(mux)}
	t.Cleanup(d.Close)
	return d
}

// last returns the last callback that the app has got.
func (d *dash) last(t testing.TB) seen {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	require.NotEmpty(t, d.seen, "no callback has reached the app")
	return d.seen[len(d.seen)-1]
}

// calls counts the callbacks that have reached the app.
func (d *dash) calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.seen)
}

// proxy is the directive that leads to the app.
func (d *dash) proxy() string { return "reverse_proxy " + d.Listener.Addr().String() }

// openSite is a site in front of the app, with the page open.
func (d *dash) openSite(t testing.TB, directives ...string) *site {
	t.Helper()
	s := newSite(t, append(directives, d.proxy())...)
	s.open(t)
	return s
}

// besideSite is a site of the same name as another, as on a second machine.
func (d *dash) besideSite(t testing.TB, other *site, directives ...string) *site {
	t.Helper()
	s := newSite(t, append(directives, d.proxy())...)
	s.host = other.host
	s.open(t)
	return s
}

// answering answers each request with a JSON body, which has a Content-Length.
func answering(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { writeJSON(w, body) }
}

func writeJSON(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = io.WriteString(w, body)
}

// setting is a callback's response that sets the data of a Store.
func setting(id, data string) string {
	return fmt.Sprintf(`{"multi":true,"response":{%q:{"data":%s}}}`, id, data)
}

// reading is a callback's request with the data of Stores, for outputs that are Stores too.
func reading(data ...string) string {
	return request("..df.data...other.data...graph.figure..", data...)
}

// request is a callback's request for an output, with the data of Stores.
func request(output string, data ...string) string {
	var inputs []string
	for _, value := range data {
		inputs = append(inputs, fmt.Sprintf(`{"id":"df","property":"data","value":%s}`, value))
	}
	return fmt.Sprintf(`{"output":%q,"inputs":[%s]}`, output, strings.Join(inputs, ","))
}

// untold is a callback's request that does not tell its outputs: any Store may be among them.
const untold = `{"inputs":[]}`

var tokenPattern = regexp.MustCompile(`\{"\$dashstash":"[A-Za-z0-9_-]{80}"\}`)

// tokenIn returns the one token in a body.
func tokenIn(t testing.TB, body string) string {
	t.Helper()
	tokens := tokenPattern.FindAllString(body, -1)
	require.Len(t, tokens, 1, "tokens in %.200s", body)
	return tokens[0]
}

// storeData has the app answer with data for df, and returns the token that the browser gets.
func storeData(t testing.TB, s *site) string {
	t.Helper()
	return tokenIn(t, s.callback(t, reading()).body)
}
