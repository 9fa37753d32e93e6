package interceptor

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

const (
	maxIDText    = 1 << 9  // bytes of an id's JSON, or of what else says what a component is
	maxTreeDepth = 1 << 12 // containers within one another; what is deeper passes unseen
	maxFinds     = 1 << 12 // components that wait, in an answer, for the type of the one around them; those beyond pass unseen
)

// A role is what an open container of an app's answer is.
type role uint8

const (
	treeRole          role = iota // a part of a component tree: a list, or an object that may be a component
	componentRole                 // the props of an object that may be a component
	pathRole                      // a part of a prop on the way to components in it
	operationsRole                // the operations of a Patch of a component tree
	operationRole                 // one of them
	paramsRole                    // what it does there
	callbackRole                  // a callback's answer
	updatesRole                   // its response, sideUpdate or progress: props by id, or values by "id.prop"
	propsRole                     // the props of one component in updates
	socketRole                    // a WebSocket message, or a list of them
	socketPayloadRole             // its payload
)

// A frame is an open container. Components stand in a tree under children, and where childrenProps says; and "type" comes behind
// "props":
//
//	{"props":{"id":"df","data":…,"storage_type":"session"},"type":"Store","namespace":"dash_core_components"}
type frame struct {
	role role
	key  string // the last key; in a tree, only one that matters
	id   string // of the component: canonical in propsRole, else as JSON

	// Of an object that may be a component, and of its props:
	componentType string
	namespace     string
	storageType   string
	other         bool     // it has a prop that no Store has
	data          *payload // its data, which waits to be known as a Store's
	finds         []find   // components in its props, which wait for its type

	paths []childPath // in pathRole: what is left of the paths that go on here
	// Of what is in a prop of a component whose type is not known yet: the path to it, and the frame of that component's props.
	under  string
	around int
	patch  bool // an object that is a Patch of a tree
	place  bool // of an operation: its location is one of components
	// Of updates: they are the response itself, in which old versions of Dash name no component: see Answer.propsID.
	isResponse bool
}

// A find is a component that was found where only the type of the component around it says whether components stand there.
type find struct {
	under         string // the path to it
	id            string // canonical
	componentType string // with its namespace
	storageType   string // of a Store
	data          *payload
}

// storeType is the type of a Store, with its namespace.
const storeType = "dash_core_components.Store"

// The keys of a Patch (dash/_patch.py).
const (
	patchKey      = "__dash_patch_update"
	operationsKey = "operations"
)

// treeKeys are the keys that matter in a component tree; true for a Store's own props (Store.react.js of dash-core-components).
var treeKeys = map[string]bool{
	"props": false, "type": false, "namespace": false, "children": false, patchKey: false, operationsKey: false,
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
	f.key = ""
	if matters || bytes.IndexByte(o.scan.key, '\\') >= 0 || len(o.children.from(o.scan.key)) > 0 {
		f.key = o.scan.keyText()
		ofStore = treeKeys[f.key]
	}
	switch {
	case f.role == treeRole:
		f.patch = f.patch || f.key == patchKey
		return nil
	case ofStore:
		return nil
	}
	f.other = true
	return o.decideData(f.takeData(), "", Unknown)
}

// enterValue decides what to do with a value that begins with c: to walk into it, to take it, or to skip it.
func (o *Offload) enterValue(c byte) {
	if len(o.frames) == 0 {
		o.enterRoot(c)
		return
	}
	f := o.top()
	inObject := o.scan.open.top
	switch f.role {
	case treeRole:
		o.enterTreeValue(f, c, inObject)
	case componentRole:
		o.enterOwnProp(f, c)
	case pathRole:
		o.enterPath(f.paths, f.key, c, inObject)
	case operationsRole:
		o.walkObject(c, frame{role: operationRole})
	case operationRole:
		o.enterOperation(f, c)
	case paramsRole:
		if f.key == "value" {
			o.enterTree(c, "")
		} else {
			o.scan.skip()
		}
	case callbackRole:
		if updateKeys[f.key] {
			o.walkObject(c, frame{role: updatesRole, isResponse: f.key == "response"})
		} else {
			o.scan.skip()
		}
	case updatesRole:
		o.enterUpdate(f, c)
	case propsRole:
		o.enterProp(f.id, f.key, c)
	case socketRole:
		o.enterMessage(f, c, inObject)
	case socketPayloadRole:
		o.enterSocketPayload(f, c)
	}
}

// enterTreeValue decides what to do with a value in a component tree: an element of a list, or what an object has.
func (o *Offload) enterTreeValue(f *frame, c byte, inObject bool) {
	switch {
	case !inObject:
		o.enterTree(c, "")
	case f.key == "props":
		o.walkObject(c, frame{role: componentRole})
	case f.key == "type" || f.key == "namespace":
		o.captureSmall()
	case f.key == operationsKey && f.patch:
		o.walkList(c, frame{role: operationsRole})
	default:
		o.scan.skip()
	}
}

// enterOwnProp decides what to do with a prop of an object that may be a component.
func (o *Offload) enterOwnProp(f *frame, c byte) {
	switch f.key {
	case "id", "storage_type":
		o.captureSmall()
	case "data":
		if !f.other && o.waiting < maxPending {
			f.data = o.capture("", o.ic.MinSize)
		} else {
			o.enterPath(o.children.from([]byte(f.key)), f.key, c, true)
		}
	case "children":
		o.enterTree(c, "")
	default: // whether components stand there, the component's type says, which comes behind it
		o.enterPath(o.children.from([]byte(f.key)), f.key, c, true)
	}
}

// enterPath decides what to do with a value on the way of paths: the value of a key of an object, or an element of a list.
func (o *Offload) enterPath(paths []childPath, key string, c byte, inObject bool) {
	var on []childPath
	for _, path := range paths {
		switch step := path.steps[0]; {
		case inObject && step != key && step != "{}", !inObject && step != "[]":
		case len(path.steps) == 1 && path.waits:
			o.enterTree(c, path.text)
			return
		case len(path.steps) == 1:
			o.enterTree(c, "")
			return
		default:
			path.steps = path.steps[1:]
			on = append(on, path)
		}
	}
	if len(on) > 0 && c == '[' {
		o.walkList(c, frame{role: pathRole, paths: on})
	} else if len(on) > 0 {
		o.walkObject(c, frame{role: pathRole, paths: on})
	} else {
		o.scan.skip()
	}
}

// enterOperation decides what to do with a value of an operation of a Patch of a tree. Its location comes before its params.
func (o *Offload) enterOperation(f *frame, c byte) {
	switch {
	case f.key == "location":
		o.captureSmall()
	case f.key == "params" && f.place:
		o.walkObject(c, frame{role: paramsRole})
	default:
		o.scan.skip()
	}
}

// isTreeLocation reports whether the location of an operation, as JSON, is one of components: elements of lists, and children.
func isTreeLocation(literal []byte) bool {
	var steps []any
	if json.Unmarshal(literal, &steps) != nil {
		return false
	}
	for i := 0; i < len(steps); i++ {
		if _, isIndex := steps[i].(float64); isIndex {
			continue
		}
		if i++; i == len(steps) || steps[i-1] != "props" || steps[i] != "children" {
			return false
		}
	}
	return true
}

// enterMessage decides what to do with a value of a WebSocket message, or a message of a list.
func (o *Offload) enterMessage(f *frame, c byte, inObject bool) {
	switch {
	case !inObject:
		o.walkObject(c, frame{role: socketRole})
	case f.key == "payload":
		o.walkObject(c, frame{role: socketPayloadRole})
	default:
		o.scan.skip()
	}
}

func (o *Offload) enterSocketPayload(f *frame, c byte) {
	switch {
	case f.key == "componentId":
		o.captureSmall()
	case f.key == "data":
		o.figures.Callbacks++
		o.walkObject(c, frame{role: callbackRole})
	case f.key == "props" && f.id != "":
		o.walkObject(c, frame{role: propsRole, id: idOf(f.id)})
	default:
		o.scan.skip()
	}
}

func (o *Offload) enterRoot(c byte) {
	switch {
	case o.answer.kind == layoutKind:
		o.enterTree(c, "")
	case o.answer.kind == callbackKind:
		o.walkObject(c, frame{role: callbackRole})
	case c == '{' || c == '[':
		o.frames = append(o.frames, frame{role: socketRole})
	default:
		o.scan.skip()
	}
}

// enterUpdate decides what to do with a value in updates: the props of a component, or with a key "id.prop" a prop.
func (o *Offload) enterUpdate(f *frame, c byte) {
	id, prop := updateTarget(f.key)
	if f.isResponse && f.key == "props" {
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
	case "children":
		o.enterTree(c, "")
	default:
		o.enterPath(o.session.App.childrenOf(id), prop, c, true)
	}
}

// enterData decides what to do with a new value of what may be a Store's data.
func (o *Offload) enterData(id string, c byte) {
	app := o.session.App
	reason := o.ic.decide(o.session, id)
	switch {
	case reason == Offloaded:
		o.capture(id, o.ic.leastOf(app, id))
	case c == '{' && app.doubts(id, o.ic.TTL):
		pl := o.capture(id, 0)
		pl.inline, pl.doubted = reason, true
	case c == '{' && reason == StorageType && app.records(id):
		o.capture(id, 0).inline = reason
	case reason == Unknown:
		o.scan.skip()
	default:
		o.passing = &payload{id: id, start: o.taken, why: reason}
		o.scan.skip()
	}
}

// captureSmall takes a value that says what a component is.
func (o *Offload) captureSmall() {
	o.small, o.taking = o.small[:0], true
	o.scan.capture(&o.small)
}

// enterTree walks into a tree; under is the path to it where the type of the component around it is still to tell whether it is one.
func (o *Offload) enterTree(c byte, under string) {
	if c == '[' {
		o.walkList(c, frame{role: treeRole, under: under})
	} else {
		o.walkObject(c, frame{role: treeRole, under: under})
	}
}

// walkObject walks into an object as f, and skips what is none.
func (o *Offload) walkObject(c byte, f frame) { o.walk(c == '{', f) }

// walkList walks into a list as f, and skips what is none.
func (o *Offload) walkList(c byte, f frame) { o.walk(c == '[', f) }

func (o *Offload) walk(is bool, f frame) {
	if !is || len(o.frames) >= maxTreeDepth {
		o.scan.skip()
		return
	}
	switch top := o.top(); {
	case top == nil:
	case f.under == "" && f.role != pathRole:
		f.under, f.around = top.under, top.around
	case top.role == pathRole:
		f.around = top.around
	default:
		f.around = len(o.frames) - 1
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
	case "location":
		f.place = isTreeLocation(o.small)
	}
}

// leaveContainer learns from a component, and decides what becomes of its data.
func (o *Offload) leaveContainer() error {
	f := *o.top()
	o.frames = o.frames[:len(o.frames)-1]
	switch f.role {
	case componentRole:
		parent := o.top()
		parent.id, parent.storageType, parent.other, parent.data, parent.finds = f.id, f.storageType, f.other, f.data, f.finds
		return nil
	case treeRole:
	default:
		return nil
	}
	componentType := f.namespace + "." + f.componentType
	for _, inside := range f.finds {
		isPlace := slices.ContainsFunc(o.children.of(componentType), func(p childPath) bool { return p.text == inside.under })
		if err := o.found(inside, isPlace, f); err != nil {
			return err
		}
	}
	own := find{id: idOf(f.id), componentType: componentType, storageType: f.storageType, data: f.data}
	return o.found(own, f.componentType != "" && f.id != "", f)
}

// found learns from a component, if it is one, which was found in a frame that has ended, and decides what becomes of its data.
func (o *Offload) found(f find, isComponent bool, in frame) error {
	app := o.session.App
	switch {
	case !isComponent:
		return o.decideData(f.data, "", Unknown)
	case in.under != "" && o.finds < maxFinds:
		o.finds++
		f.under = in.under
		component := &o.frames[in.around]
		component.finds = append(component.finds, f)
		return nil
	case in.under != "":
		return o.decideData(f.data, "", Unknown)
	case f.componentType != storeType:
		app.learnOther(f.id)
		if len(o.children.of(f.componentType)) > 0 {
			app.learnParent(f.id, f.componentType)
		}
		return o.decideData(f.data, "", Unknown)
	}
	app.learnStore(f.id, cmp.Or(f.storageType, storageMemory))
	return o.decideData(f.data, f.id, o.ic.decide(o.session, f.id))
}

// top returns the innermost open container, or nil.
func (o *Offload) top() *frame {
	if len(o.frames) == 0 {
		return nil
	}
	return &o.frames[len(o.frames)-1]
}

// takeData takes over the data that waits.
func (f *frame) takeData() *payload {
	pl := f.data
	f.data = nil
	return pl
}

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
