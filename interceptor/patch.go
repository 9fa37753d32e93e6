package interceptor

import (
	"errors"
	"fmt"
	"slices"
)

// A Patch is what a callback answers with, instead of data, to change what the browser has (dash/_patch.py):
//
//	{"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"Append","location":["rows"],"params":{"value":1}}]}
//
// What its operations do is what dash-renderer does, in src/actions/patch.ts.
type patch []operation

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
	"Add":     func(_ *jsDocument, prev *jsValue, op *operation) (jsValue, error) { return add(prev, &op.value) },
	"Sub":     calculate(func(a, b float64) float64 { return a - b }),
	"Mul":     calculate(func(a, b float64) float64 { return a * b }),
	"Div":     calculate(func(a, b float64) float64 { return a / b }),
	"Clear":   clearValue,
	"Reverse": reverse,
	"Remove":  remove,
}

// parsePatch reads a Patch. It fails with errNotRecordable for what is none, and for one that can only be meant for a number,
// which is never offloaded: what the browser makes of these is what it would make of them without us.
func parsePatch(raw []byte) (patch, error) {
	var p patch
	var err error
	root := jsonValue(raw)
	if root.kind() != jsObject {
		return nil, errNotRecordable
	}
	list := root.expand().member("operations")
	if list == nil || list.kind() != jsList {
		return nil, errNotRecordable
	}
	for i := range list.expand().elems {
		var op operation
		if op, err = parseOperation(&list.node.elems[i]); err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
		p = append(p, op)
	}
	return p, nil
}

func parseOperation(v *jsValue) (operation, error) {
	op := operation{}
	if v.kind() != jsObject {
		return op, errNotRecordable
	}
	n := v.expand()
	name, location, params := n.member("operation"), n.member("location"), n.member("params")
	if name == nil || name.kind() != jsText || location == nil || location.kind() != jsList {
		return op, errNotRecordable
	}
	op.name = name.text()
	if _, known := operations[op.name]; !known || len(location.expand().elems) > maxPatchDepth {
		return op, errNotRecordable
	}
	for i := range location.node.elems {
		k, err := keyOf(&location.node.elems[i])
		if err != nil {
			return op, errNotRecordable
		}
		op.location = append(op.location, k)
	}
	if params != nil && params.kind() == jsObject {
		op.value = valueOr(params.expand().member("value"))
		op.index = valueOr(params.node.member("index"))
	}
	if len(op.location) == 0 && (op.name == "Sub" || op.name == "Mul" || op.name == "Div" ||
		op.name == "Add" && op.value.kind() != jsText) {
		return op, errNotRecordable
	}
	return op, nil
}

func valueOr(v *jsValue) jsValue {
	if v == nil {
		return jsValue{}
	}
	return *v
}

// apply changes the document by a Patch. If an operation throws, it stays as it was, as it does in the browser: there, the
// exception ends the callback before any of its outputs is set.
func (d *jsDocument) apply(p patch) error {
	if d.root.kind() == jsUndefined {
		return errThrown // "Cannot patch undefined"
	}
	before := d.root
	d.epoch++
	for i := range p {
		if err := d.do(&p[i]); err != nil {
			d.root = before
			return err
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
			if k, err = fromEnd(v.length(), k); err != nil {
				return nil, err
			}
			if location[i] = k; k.isNumber && k.number < 0 {
				d.epoch++ // path and assocPath take it for different places, so that a value may get to be in both
			}
		}
		v = step(v, k)
	}
	return location, nil
}

// merge is {...prev, ...value}.
func merge(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	members := newMemberSet(prev.properties())
	for _, m := range op.value.properties() {
		members.set(m.key, m.value)
	}
	return d.object(members.inOrder()), nil
}

// extend is Ramda's concat.
func extend(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	switch kind := prev.kind(); {
	case kind != op.value.kind():
	case kind == jsList:
		return d.list(append(d.elems(prev), op.value.expand().elems...)), nil
	case kind == jsText:
		return textValue(joinText(prev.text(), op.value.text())), nil
	}
	return jsValue{}, errThrown
}

func insert(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	if prev.isNil() {
		return jsValue{}, errThrown
	}
	length, index := prev.length(), op.index
	n, err := length.toNumber()
	if err != nil {
		return jsValue{}, err
	}
	if index.kind() == jsNumber && index.number() < 0 {
		if index, err = add(&length, &index); err != nil {
			return jsValue{}, err
		}
	}
	at, err := index.toNumber()
	if err != nil {
		return jsValue{}, err
	}
	if !(at < n && at >= 0) {
		at = n
	}
	elems, err := d.sliceElems(prev)
	return d.list(slices.Insert(elems, spliceStart(at, len(elems)), op.value)), err
}

func insertLast(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	elems, err := d.concatElems(prev)
	return d.list(append(elems, op.value)), err
}

func insertFirst(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	elems, err := d.concatElems(prev)
	return d.list(slices.Insert(elems, 0, op.value)), err
}

// calculate returns an operation with the two numbers.
func calculate(f func(a, b float64) float64) func(*jsDocument, *jsValue, *operation) (jsValue, error) {
	return func(_ *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
		a, err := prev.toNumber()
		if err != nil {
			return jsValue{}, err
		}
		b, err := op.value.toNumber()
		return numberValue(f(a, b)), err
	}
}

// clearValue is Ramda's empty.
func clearValue(d *jsDocument, prev *jsValue, _ *operation) (jsValue, error) {
	switch prev.kind() {
	case jsList:
		return d.list(nil), nil
	case jsText:
		return textValue(""), nil
	case jsObject:
		return d.object(nil), nil
	}
	return jsValue{}, nil
}

func reverse(d *jsDocument, prev *jsValue, _ *operation) (jsValue, error) {
	if prev.kind() == jsText {
		units := utf16Units(prev.text())
		slices.Reverse(units)
		return textValue(fromUnits(units...)), nil
	}
	elems, err := d.sliceElems(prev)
	slices.Reverse(elems)
	return d.list(elems), err
}

// remove drops the elements that equal a value.
func remove(d *jsDocument, prev *jsValue, op *operation) (jsValue, error) {
	if prev.kind() != jsList {
		return jsValue{}, errThrown
	}
	var err error
	elems := slices.DeleteFunc(d.elems(prev), func(elem jsValue) bool { // a copy: what is expanded in it is forgotten
		same, thrown := equals(&elem, &op.value, 0)
		err = errors.Join(err, thrown)
		return same || elem.kind() == jsHole
	})
	return d.list(elems), err
}
