package interceptor

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// maxDependencies is the size in bytes up to which a _dash-dependencies answer is looked at.
const maxDependencies = 32 << 20

// LearnDependencies returns a writer for the body of a _dash-dependencies answer to a visitor. Close, called behind the last
// byte, adds what it says to what was known; a body that is not whole, or over 32 MiB, teaches nothing.
func (a *App) LearnDependencies(visitor string) io.WriteCloser {
	return &dependenciesReader{app: a, visitor: visitor}
}

// maxNamed is how many ids that callbacks name are kept, of all answers together.
const maxNamed = 1 << 16

// dependencies is what an app's callbacks say of its ids. An app may tell each user of other callbacks, so what several answers
// say is added up. What the browser uses is forgotten when the answers of a week have not said so.
type dependencies struct {
	seen        lastSeen              // the last such answer
	ids         map[string]bool       // each id that a callback names
	browserIDs  map[string]browserUse // those whose data a clientside callback reads, or may patch
	browserDict map[string]browserUse // the same by wildcard
}

// A browserUse is what a clientside callback does with the data of an id.
type browserUse struct {
	pattern  idPattern // by wildcard
	callback string    // its name
	seen     lastSeen
}

func newDependencies() *dependencies {
	return &dependencies{
		ids: make(map[string]bool), browserIDs: make(map[string]browserUse), browserDict: make(map[string]browserUse),
	}
}

// usedByBrowser reports whether a clientside callback reads the data of the Store with a canonical id, or may patch it, and which.
func (d *dependencies) usedByBrowser(id string) (callback string, ok bool) {
	if use, ok := d.browserIDs[id]; ok && use.seen.counts(d.seen) {
		return use.callback, true
	}
	for _, use := range d.browserDict {
		if use.pattern.matches(id) && use.seen.counts(d.seen) {
			return use.callback, true
		}
	}
	return "", false
}

// add adds what another answer says, and reports whether there was anything new in it.
func (d *dependencies) add(other *dependencies) bool {
	news := d.merge(other, func(known, use browserUse) bool { return use.seen-known.seen >= renewAfter })
	return d.seen.renew() || news
}

// addSaved adds what another process has saved. Whatever the order, all end with the same.
func (d *dependencies) addSaved(other *dependencies) bool {
	d.seen = max(d.seen, other.seen)
	return d.merge(other, func(known, use browserUse) bool {
		return use.seen > known.seen || use.seen == known.seen && use.callback > known.callback
	})
}

// merge adds what another says: of a use that both know, what isNewer prefers.
func (d *dependencies) merge(other *dependencies, isNewer func(known, use browserUse) bool) (news bool) {
	for id := range other.ids {
		if !d.ids[id] && len(d.ids) < maxNamed {
			d.ids[id], news = true, true
		}
	}
	for _, uses := range [][2]map[string]browserUse{{d.browserIDs, other.browserIDs}, {d.browserDict, other.browserDict}} {
		for id, use := range uses[1] {
			if isNewer(uses[0][id], use) {
				uses[0][id], news = use, true
			}
		}
	}
	return news
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

// learn notes a callback. What the browser itself does with a Store's data is all in the inputs, state and outputs of clientside
// callbacks (dash/dash-renderer/src/actions/callbacks.ts): it hands the first two to the function, and since Dash 3.3 the
// function may return a dash_clientside.Patch of an output. What running sets is only written, and of cancel only the names
// are compared.
func (d *dependencies) learn(c callback) {
	var use browserUse
	clientside := len(c.Clientside) > 0 && string(c.Clientside) != "null"
	if clientside {
		use.callback = c.name()
		use.seen.renew()
	}
	for _, named := range slices.Concat(splitOutput(c.Output), c.Inputs, c.State) {
		id := canonicalID(named.ID)
		d.ids[id] = true
		if clientside && named.plainProperty() == "data" {
			d.noteUse(named.ID, use)
		}
	}
}

// noteUse notes that the browser uses the data of an id, which may be a pattern.
func (d *dependencies) noteUse(id string, use browserUse) {
	if pattern, err := parseIDPattern(id); err == nil && pattern.dict != nil {
		use.pattern = pattern
		d.browserDict[id] = use
	} else {
		d.browserIDs[canonicalID(id)] = use
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
	app     *App
	visitor string
	body    []byte
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
	told := newDependencies()
	for _, c := range callbacks {
		told.learn(c)
	}
	r.app.learnDependencies(told, r.visitor)
	r.app.enter()
	return nil
}
