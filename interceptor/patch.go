package interceptor

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// A Patch is what a callback answers with, instead of data, to change what the browser has (dash/_patch.py):
//
//	{"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"Append","location":["rows"],"params":{"value":1}}]}
//
// What its operations do is what dash-renderer does, in src/actions/patch.ts.
type patch []byte

type operation struct {
	name     string
	location []jsKey
	value    jsValue // params.value
	index    jsValue // params.index
}

var errNotRecordable = errors.New("patch that the browser has to apply itself")

// operations are the renderer's patchHandlers: each returns what is to be at the location, where prev is now.
var operations = map[string]func(d *jsDocument, prev *jsValue, op *operation) (jsValue, error){
	"Assign":  func(_ *jsDocument, _ *jsValue, op *operation) (jsValue, error) { return op.value, nil },
	"Merge":   merge,
	"Extend":  extend,
	"Delete":  nil, // is no change of what is at the location: see jsDocument.do
	"Insert":  insert,
	"Append":  insertLast,
	"Prepend": insertFirst,
	"Add":     func(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) { return d.add(prev, &op.value) },
	"Sub":     calculate(func(a, b float64) float64 { return a - b }),
	"Mul":     calculate(func(a, b float64) float64 { return a * b }),
	"Div":     calculate(func(a, b float64) float64 { return a / b }),
	"Clear":   clearValue,
	"Reverse": reverse,
	"Remove":  remove,
}

// parsePatch checks a Patch. It fails with errNotRecordable for what is none, and for one that can only be meant for a number,
// which is never offloaded: what the browser makes of these is what it would make of them without us.
func parsePatch(raw []byte) (patch, error) {
	i := 0
	for _, err := range patch(raw).operations(new(jsDocument)) {
		if err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
		i++
	}
	return patch(raw), nil
}

// operations are those of a Patch, one after the other, for a document.
func (p patch) operations(d *jsDocument) iter.Seq2[*operation, error] {
	return func(yield func(*operation, error) bool) {
		var list []byte
		if len(p) > 0 && p[0] == '{' {
			d.pass(len(p))
			list = lastMember(p, "operations")
		}
		if len(list) == 0 || list[0] != '[' {
			yield(nil, errNotRecordable)
			return
		}
		for raw := range elementsOf(list) {
			op, err := d.parseOperation(raw)
			if !yield(op, err) || err != nil {
				return
			}
		}
	}
}

// isEmpty reports whether a Patch that was checked does nothing.
func (p patch) isEmpty() bool {
	for _, _ = range p.operations(new(jsDocument)) {
		return false
	}
	return true
}

func (d *jsDocument) parseOperation(raw []byte) (*operation, error) {
	if raw[0] != '{' {
		return nil, errNotRecordable
	}
	d.pass(len(raw))
	var name, location, params []byte
	for key, value := range membersOf(raw) {
		switch unquoteJS(key) {
		case "operation":
			name = value
		case "location":
			location = value
		case "params":
			params = value
		}
	}
	if len(name) == 0 || name[0] != '"' || len(location) == 0 || location[0] != '[' {
		return nil, errNotRecordable
	}
	op := &operation{name: unquoteJS(name[1 : len(name)-1])}
	if _, known := operations[op.name]; !known {
		return nil, errNotRecordable
	}
	for part := range elementsOf(location) {
		value := jsonValue(part)
		k, err := d.keyOf(&value)
		if err != nil || len(op.location) == maxPatchDepth {
			return nil, errNotRecordable
		}
		op.location = append(op.location, k)
	}
	if len(params) > 0 && params[0] == '{' {
		d.pass(len(params))
		op.value, op.index = jsonValue(lastMember(params, "value")), jsonValue(lastMember(params, "index"))
	}
	if len(op.location) == 0 && (op.name == "Sub" || op.name == "Mul" || op.name == "Div" ||
		op.name == "Add" && op.value.kind() != jsText) {
		return nil, errNotRecordable
	}
	return op, nil
}

// apply changes the document by a Patch. If an operation throws, it stays as it was, as it does in the browser: there, the
// exception ends the callback before any of its outputs is set. With any error but errThrown, the document is of no more use:
// errNotRecordable, errCostly, and what pause returns.
func (d *jsDocument) apply(p patch) error {
	if d.root.kind() == jsUndefined {
		return errThrown // "Cannot patch undefined"
	}
	before := d.root
	d.epoch++
	for op, err := range p.operations(d) {
		if err == nil {
			err = d.do(op)
		}
		if d.err != nil {
			return d.err
		}
		if err != nil {
			d.root = before
			return err
		}
		d.settle(d)
		if d.pause != nil {
			if err := d.pause(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *jsDocument) do(op *operation) error {
	location, err := d.resolve(op.location)
	if err != nil {
		return err
	}
	if op.name == "Delete" {
		return d.dissocPath(&d.root, location)
	}
	value, err := operations[op.name](d, d.path(location), op)
	if err != nil {
		return err
	}
	return d.assocPath(&d.root, location, value)
}

// resolve is the renderer's getLocationPath: negative numbers count from the end.
func (d *jsDocument) resolve(location []jsKey) ([]jsKey, error) {
	if !slices.ContainsFunc(location, func(k jsKey) bool { return k.isNumber && k.number < 0 }) {
		return location, nil
	}
	location = slices.Clone(location)
	v := &d.root
	for i, k := range location {
		if k.isNumber && k.number < 0 {
			if v == nil || v.isNil() {
				return nil, errThrown
			}
			var err error
			if k, err = d.fromEnd(d.length(v), k); err != nil {
				return nil, err
			}
			if location[i] = k; k.isNumber && k.number < 0 {
				d.epoch++ // path and assocPath take it for different places, so that a value may get to be in both
			}
		}
		v = d.step(v, k)
	}
	return location, nil
}

// merge is {...prev, ...value}.
func merge(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	members := d.newMemberSet(d.properties(prev))
	for _, m := range d.properties(&op.value) {
		members.set(m.key, m.value)
	}
	return d.object(members.inOrder()), nil
}

// extend is Ramda's concat.
func extend(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	switch kind := prev.kind(); {
	case kind != op.value.kind():
	case kind == jsList:
		elems := d.elems(prev)
		elems.concat(d, d.expand(&op.value).elems)
		return d.list(elems), nil
	case kind == jsText:
		return d.joined(d.text(prev), d.text(&op.value)), nil
	}
	return jsValue{}, errThrown
}

func insert(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	if prev.isNil() {
		return jsValue{}, errThrown
	}
	length, index := d.length(prev), op.index
	n, err := d.toNumber(&length)
	if err != nil {
		return jsValue{}, err
	}
	if index.kind() == jsNumber && index.number() < 0 {
		if index, err = d.add(&length, &index); err != nil {
			return jsValue{}, err
		}
	}
	at, err := d.toNumber(&index)
	if err != nil {
		return jsValue{}, err
	}
	if !(at < n && at >= 0) {
		at = n
	}
	elems, err := d.sliceElems(prev)
	elems.insert(d, spliceStart(at, elems.length), op.value)
	return d.list(elems), err
}

func insertLast(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	elems, err := d.concatElems(prev)
	elems.insert(d, elems.length, op.value)
	return d.list(elems), err
}

func insertFirst(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	elems, err := d.concatElems(prev)
	elems.insert(d, 0, op.value)
	return d.list(elems), err
}

// calculate returns an operation with the two numbers.
func calculate(f func(a, b float64) float64) func(*jsDocument, *jsValue, *operation) (jsValue, error) {
	return func(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
		a, err := d.toNumber(prev)
		if err != nil {
			return jsValue{}, err
		}
		b, err := d.toNumber(&op.value)
		return numberValue(f(a, b)), err
	}
}

// clearValue is Ramda's empty.
func clearValue(d *jsDocument, prev *jsValue, _ *operation) (jsValue, error) {
	switch prev.kind() {
	case jsList:
		return d.list(jsElems{}), nil
	case jsText:
		return textValue(""), nil
	case jsObject:
		return d.object(nil), nil
	}
	return jsValue{}, nil
}

func reverse(d *jsDocument, prev *jsValue, _ *operation) (jsValue, error) {
	if prev.kind() == jsText {
		units := d.units(prev)
		slices.Reverse(units)
		if !d.spend(2 * len(prev.raw)) {
			return jsValue{}, nil
		}
		return textValue(fromUnits(units...)), nil
	}
	elems, err := d.sliceElems(prev)
	elems.reverse(d)
	return d.list(elems), err
}

// remove drops the elements that equal a value.
func remove(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	if prev.kind() != jsList {
		return jsValue{}, errThrown
	}
	var thrown error
	elems := d.elems(prev)
	left := elems.without(d, func(elem *jsValue) bool {
		before, inside := d.used, *elem // a copy: what is expanded in it is forgotten
		same, err := d.equals(&inside, &op.value, 0)
		thrown = cmp.Or(thrown, err)
		d.used = before
		return same
	})
	return d.list(left), thrown
}
