package interceptor

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
)

// maxDependencies is the size in bytes up to which a _dash-dependencies answer is looked at.
const maxDependencies = 32 << 20

// LearnDependencies returns a writer for the body of a _dash-dependencies answer. Close, called behind the last byte, puts
// what it says in the place of what was known; a body that is not whole, or over 32 MiB, teaches nothing.
func (a *App) LearnDependencies() io.WriteCloser { return &dependenciesReader{app: a} }

// dependencies is what an app's callbacks say of its ids.
type dependencies struct {
	ids         map[string]bool   // each id that a callback names
	browserIDs  map[string]string // those whose data a clientside callback reads, or may patch, and one such callback's name
	browserDict []browserPattern  // the same by wildcard
}

// A browserPattern is an id by wildcard, whose data a clientside callback uses.
type browserPattern struct {
	idPattern
	callback string
}

// usedByBrowser reports whether a clientside callback reads the data of the Store with a canonical id, or may patch it, and which.
func (d *dependencies) usedByBrowser(id string) (callback string, ok bool) {
	if callback, ok := d.browserIDs[id]; ok {
		return callback, true
	}
	for _, p := range d.browserDict {
		if p.matches(id) {
			return p.callback, true
		}
	}
	return "", false
}

// equal reports whether two answers say the same.
func (d *dependencies) equal(other *dependencies) bool {
	return maps.Equal(d.ids, other.ids) && maps.Equal(d.browserIDs, other.browserIDs) &&
		slices.EqualFunc(d.browserDict, other.browserDict, func(a, b browserPattern) bool {
			return a.text == b.text && a.callback == b.callback
		})
}

// A callback is what is read of one callback in _dash-dependencies. A dict id is a text of JSON there, its wildcards being
// lists: {"index":["ALL"],"type":"df"}.
type callback struct {
	Output     string          `json:"output"`
	Inputs     []dependency    `json:"inputs"`
	State      []dependency    `json:"state"`
	Clientside json.RawMessage `json:"clientside_function"`
}

// A dependency is a property of a component, as a callback's input, state or output.
type dependency struct {
	ID       string `json:"id"`
	Property string `json:"property"`
}

// plainProperty is the property without what allow_duplicate adds to that of an output, behind an "@".
func (d dependency) plainProperty() string {
	property, _, _ := strings.Cut(d.Property, "@")
	return property
}

// add notes a callback. What the browser itself does with a Store's data is all in the inputs, state and outputs of clientside
// callbacks (dash/dash-renderer/src/actions/callbacks.ts): it hands the first two to the function, and since Dash 3.3 the
// function may return a dash_clientside.Patch of an output. What running sets is only written, and of cancel only the names
// are compared.
func (d *dependencies) add(c callback) {
	name := ""
	clientside := len(c.Clientside) > 0 && string(c.Clientside) != "null"
	if clientside {
		name = c.name()
	}
	for _, named := range slices.Concat(splitOutput(c.Output), c.Inputs, c.State) {
		id := canonicalID(named.ID)
		d.ids[id] = true
		if !clientside || named.plainProperty() != "data" {
			continue
		}
		if pattern, err := parseIDPattern(named.ID); err == nil && pattern.dict != nil {
			d.browserDict = append(d.browserDict, browserPattern{pattern, name})
		} else {
			d.browserIDs[id] = name
		}
	}
}

// inlineNamespace is the namespace of clientside callbacks that are given as JavaScript, whose names are digests (dash/_callback.py).
const inlineNamespace = "_dashprivate_clientside_funcs"

// name tells a person which clientside callback it is: "namespace.function -> graph.figure".
func (c callback) name() string {
	var function struct {
		Namespace string `json:"namespace"`
		Name      string `json:"function_name"`
	}
	_ = json.Unmarshal(c.Clientside, &function)
	name := function.Namespace + "." + function.Name
	if function.Namespace == inlineNamespace || name == "." {
		name = "JavaScript"
	}
	named := splitOutput(c.Output)
	outputs := make([]string, len(named))
	for i, out := range named {
		outputs[i] = out.ID + "." + out.plainProperty()
	}
	if name += " -> " + strings.Join(outputs, ", "); len(name) > maxCallbackName {
		name = strings.ToValidUTF8(name[:maxCallbackName], "") + "…"
	}
	return name
}

// maxCallbackName is how many bytes of a callback's name are kept, about.
const maxCallbackName = 200

type dependenciesReader struct {
	app  *App
	body []byte
}

func (r *dependenciesReader) Write(p []byte) (int, error) {
	if len(r.body) <= maxDependencies {
		r.body = append(r.body, p...)
	}
	return len(p), nil
}

func (r *dependenciesReader) Close() error {
	var callbacks []callback
	if len(r.body) > maxDependencies || json.Unmarshal(r.body, &callbacks) != nil {
		return nil
	}
	known := &dependencies{ids: make(map[string]bool), browserIDs: make(map[string]string)}
	for _, c := range callbacks {
		known.add(c)
	}
	r.app.learnDependencies(known)
	return nil
}
