package interceptor

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
)

const (
	maxIDText    = 4 << 10 // bytes of an id's JSON
	maxTreeDepth = 1 << 12 // containers within one another; what is deeper passes unseen
)

// A role is what an open container of an app's answer is.
type role uint8

const (
	treeRole          role = iota // a part of a component tree: a list, or an object that may be a component
	componentRole                 // the props of an object that may be a component
	callbackRole                  // a callback's answer
	updatesRole                   // its response, sideUpdate or progress: props by id, or values by "id.prop"
	propsRole                     // the props of one component in updates
	socketRole                    // a WebSocket message, or a list of them
	socketPayloadRole             // its payload
)

// A frame is an open container. Components may be anywhere in a tree, in any prop, and "type" comes behind "props":
//
//	{"props":{"id":"df","data":…,"storage_type":"session"},"type":"Store","namespace":"dash_core_components"}
type frame struct {
	role role
	key  string // the last key; in a tree, only one of treeKeys
	id   string // of the component: canonical in propsRole, else as JSON

	// Of an object that may be a component, and of its props:
	componentType string
	namespace     string
	storageType   string
	other         bool     // it has a prop that no Store has
	data          *payload // its data, which waits to be known as a Store's
}

// treeKeys are the keys that matter in a component tree; true for a Store's own props (Store.react.js of dash-core-components).
var treeKeys = map[string]bool{
	"props": false, "type": false, "namespace": false, "figure": false,
	"id": true, "data": true, "storage_type": true, "modified_timestamp": true, "clear_data": true,
}

// updateKeys are the keys of a callback's answer under which updates stand (sideUpdate in dash-renderer's callbacks.ts).
var updateKeys = map[string]bool{"response": true, "sideUpdate": true, "progress": true, "progressDefault": true}

// enterKey notes the key of the value that comes next.
func (o *Offload) enterKey() error {
	f := o.top()
	if f.role != treeRole && f.role != componentRole {
		f.key = o.scan.keyText()
		return nil
	}
	ofStore, matters := treeKeys[string(o.scan.key)] // which makes no string
	if f.key = ""; matters || bytes.IndexByte(o.scan.key, '\\') >= 0 {
		f.key = o.scan.keyText()
		ofStore = treeKeys[f.key]
	}
	if f.role == treeRole || ofStore {
		return nil
	}
	f.other = true
	return o.decideData(f, Unknown)
}

// enterValue decides what to do with a value that begins with c: to walk into it, to take it, or to skip it.
func (o *Offload) enterValue(c byte) {
	if len(o.frames) == 0 {
		o.enterRoot(c)
		return
	}
	f := o.top()
	switch {
	case f.role == callbackRole && updateKeys[f.key]:
		o.walkObject(c, frame{role: updatesRole})
	case f.role == updatesRole:
		o.enterUpdate(f.key, c)
	case f.role == propsRole:
		o.enterProp(f.id, f.key, c)

	case f.role == treeRole && f.key == "props":
		o.walkObject(c, frame{role: componentRole})
	case f.role == treeRole && (f.key == "type" || f.key == "namespace"),
		f.role == componentRole && (f.key == "id" || f.key == "storage_type"),
		f.role == socketPayloadRole && f.key == "componentId":
		o.small, o.taking = o.small[:0], true
		o.scan.capture(&o.small)
	case f.role == componentRole && f.key == "data" && !f.other && o.waiting < maxPending:
		f.data = o.capture("", o.ic.MinSize)
	case f.role == componentRole && (f.key == "data" || f.key == "figure"):
		o.scan.skip() // no part of the tree, whatever it looks like
	case f.role == treeRole, f.role == componentRole:
		o.enterTree(c)

	case f.role == socketRole && f.key == "":
		o.walkObject(c, frame{role: socketRole})
	case f.role == socketRole && f.key == "payload":
		o.walkObject(c, frame{role: socketPayloadRole})
	case f.role == socketPayloadRole && f.key == "data":
		o.figures.Callbacks++
		o.walkObject(c, frame{role: callbackRole})
	case f.role == socketPayloadRole && f.key == "props" && f.id != "":
		o.walkObject(c, frame{role: propsRole, id: idOf(f.id)})
	default:
		o.scan.skip()
	}
}

func (o *Offload) enterRoot(c byte) {
	switch {
	case o.answer.kind == layoutKind:
		o.enterTree(c)
	case o.answer.kind == callbackKind:
		o.walkObject(c, frame{role: callbackRole})
	case c == '{' || c == '[':
		o.frames = append(o.frames, frame{role: socketRole})
	default:
		o.scan.skip()
	}
}

// enterUpdate decides what to do with a value in updates: the props of a component, or with a key "id.prop" a prop.
func (o *Offload) enterUpdate(key string, c byte) {
	id, prop := updateTarget(key)
	if key == "props" {
		id = cmp.Or(o.answer.propsID(), id)
	}
	if prop != "" {
		o.enterProp(id, prop, c)
		return
	}
	o.walkObject(c, frame{role: propsRole, id: id})
}

// updateTarget splits a key of updates as the renderer does (parsePMCId and sideUpdate in dash-renderer's callbacks.ts). A
// text id has no dot.
func updateTarget(key string) (id, prop string) {
	if strings.HasPrefix(key, "{") {
		end := strings.LastIndexByte(key, '}') + 1
		return canonicalID(key[:end]), strings.TrimPrefix(key[end:], ".")
	}
	id, prop, _ = strings.Cut(key, ".")
	return id, prop
}

// enterProp decides what to do with a new value of a component's prop.
func (o *Offload) enterProp(id, prop string, c byte) {
	switch prop {
	case "data":
		o.enterData(id, c)
	case "figure":
		o.scan.skip()
	default:
		o.enterTree(c)
	}
}

// enterData decides what to do with a new value of what may be a Store's data.
func (o *Offload) enterData(id string, c byte) {
	reason := o.ic.decide(o.session.App, id)
	switch {
	case reason == Offloaded:
		o.capture(id, o.ic.leastOf(o.session.App, id))
	case c == '{' && o.session.App.doubts(id):
		o.capture(id, 0).doubted = true
	case reason == Unknown:
		o.scan.skip()
	default:
		o.passing = &payload{id: id, start: o.taken, why: reason}
		o.scan.skip()
	}
}

func (o *Offload) enterTree(c byte) {
	if c != '{' && c != '[' || len(o.frames) >= maxTreeDepth {
		o.scan.skip()
		return
	}
	o.frames = append(o.frames, frame{role: treeRole})
}

// walkObject walks into an object as f, and skips what is none.
func (o *Offload) walkObject(c byte, f frame) {
	if c != '{' || len(o.frames) >= maxTreeDepth {
		o.scan.skip()
		return
	}
	o.frames = append(o.frames, f)
}

// leaveValue looks at the value that has ended.
func (o *Offload) leaveValue() error {
	switch {
	case o.payload != nil:
		err := o.endPayload()
		o.endPassing()
		return err
	case o.passing != nil:
		o.endPassing()
	case o.taking:
		o.taking = false
		o.leaveSmall()
	case len(o.frames) > o.scan.depth():
		return o.leaveContainer()
	}
	return nil
}

// leaveSmall notes a value that says what a component is.
func (o *Offload) leaveSmall() {
	if len(o.small) > maxIDText {
		return
	}
	switch f := o.top(); f.key {
	case "id", "componentId":
		f.id = string(o.small)
	case "storage_type":
		f.storageType = unquote(o.small)
	case "type":
		f.componentType = unquote(o.small)
	case "namespace":
		f.namespace = unquote(o.small)
	}
}

// leaveContainer learns from a component, and decides what becomes of its data.
func (o *Offload) leaveContainer() error {
	f := *o.top()
	o.frames = o.frames[:len(o.frames)-1]
	switch {
	case f.role == componentRole:
		parent := o.top()
		parent.id, parent.storageType, parent.other, parent.data = f.id, f.storageType, f.other, f.data
		return nil
	case f.role != treeRole || f.componentType == "" || f.id == "":
		return o.decideData(&f, Unknown)
	}
	id := idOf(f.id)
	if f.componentType != "Store" || f.namespace != "dash_core_components" {
		o.session.App.learnOther(id)
		return o.decideData(&f, Unknown)
	}
	if f.storageType == "" {
		f.storageType = storageMemory
	}
	o.session.App.learnStore(id, f.storageType)
	return o.decideData(&f, o.ic.decide(o.session.App, id))
}

func (o *Offload) top() *frame { return &o.frames[len(o.frames)-1] }

// idOf returns the canonical id that a JSON value is.
func idOf(literal string) string {
	if strings.HasPrefix(literal, "{") {
		return canonicalID(literal)
	}
	return canonicalID(unquote([]byte(literal)))
}

// unquote returns the text of a JSON string, or "".
func unquote(literal []byte) string {
	if isPlainString(literal) {
		return string(literal[1 : len(literal)-1])
	}
	var text string
	if json.Unmarshal(literal, &text) != nil {
		return ""
	}
	return text
}

// isPlainString reports whether a JSON value is a string of printable ASCII characters, none of which is escaped.
func isPlainString(literal []byte) bool {
	last := len(literal) - 1
	if last < 1 || literal[0] != '"' || literal[last] != '"' {
		return false
	}
	for _, c := range literal[1:last] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
