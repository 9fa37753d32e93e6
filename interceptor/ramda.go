package interceptor

import (
	"errors"
	"math"
	"slices"
)

const (
	// maxPatchDepth is how deep a Patch may reach. A browser's own stack ends at about that depth.
	maxPatchDepth = 4 << 10
	// maxMade is how many elements a chain of Patches may make out of nothing, such as the holes before an index that is far
	// behind a list's end.
	maxMade = 1 << 20
)

// errThrown stands for an exception in the browser.
var errThrown = errors.New("patch that cannot be applied to the data")

// A jsDocument is a value that Patches change by what Ramda 0.30 does in the browser: path, assocPath, dissocPath and what
// they call. Ramda copies whatever it changes; here, that is done at the first change of an epoch only.
type jsDocument struct {
	root  jsValue
	epoch int // what was made in it may be changed in place; what is older is shared with the value before the Patch
	made  int // see maxMade
}

// path is Ramda's.
func (d *jsDocument) path(location []jsKey) *jsValue {
	v := &d.root
	for _, k := range location {
		v = step(v, k)
	}
	if v == nil {
		v = &jsValue{}
	}
	return v
}

// list returns a new list for the document.
func (d *jsDocument) list(elems []jsValue) jsValue {
	return jsValue{node: &jsNode{kind: jsList, elems: elems, epoch: d.epoch}}
}

func (d *jsDocument) object(members []jsMember) jsValue {
	return jsValue{node: &jsNode{kind: jsObject, members: members, epoch: d.epoch}}
}

// elems returns a list's elements, which may be changed if the list is dropped.
func (d *jsDocument) elems(list *jsValue) []jsValue {
	if n := list.expand(); n.epoch != d.epoch {
		return append(make([]jsValue, 0, len(n.elems)+len(n.elems)/8+1), n.elems...)
	}
	return list.node.elems
}

// invent counts elements that are made out of nothing.
func (d *jsDocument) invent(n float64) error {
	if n > float64(maxMade-d.made) {
		return errThrown
	}
	d.made += max(0, int(n))
	return nil
}

// assocPath is Ramda's: it changes v.
func (d *jsDocument) assocPath(v *jsValue, path []jsKey, value jsValue) error {
	if len(path) == 0 {
		*v = value
		return nil
	}
	if len(path) > 1 {
		var next jsValue
		inside := v.own(path[0])
		switch {
		case inside != nil && (inside.kind() == jsNull || inside.kind() >= jsList):
			next = *inside
		case path[1].isInteger():
			next = d.list(nil)
		default:
			next = d.object(nil)
		}
		if err := d.assocPath(&next, path[1:], value); err != nil {
			return err
		}
		value = next
	}
	return d.assoc(v, path[0], value)
}

// assoc is Ramda's: it changes v.
func (d *jsDocument) assoc(v *jsValue, k jsKey, value jsValue) error {
	if !k.isInteger() || v.kind() != jsList {
		if n := d.own(v); k.name() != "__proto__" {
			n.set(k.name(), value)
		}
		return nil
	}
	elems := d.elems(v)
	i, isIndex := k.index()
	if !isIndex {
		*v = d.list(elems)
		v.node.members = []jsMember{{k.name(), value}}
		return nil
	}
	if err := d.invent(float64(i - len(elems))); err != nil {
		return err
	}
	for len(elems) <= i {
		elems = append(elems, hole)
	}
	elems[i] = value
	*v = d.list(elems)
	return nil
}

// own makes the value an object with the properties it has, which may be changed.
func (d *jsDocument) own(v *jsValue) *jsNode {
	if v.kind() != jsObject || v.expand().epoch != d.epoch {
		*v = d.object(v.properties())
	}
	v.raw = nil
	return v.node
}

// dissocPath is Ramda's: it changes v.
func (d *jsDocument) dissocPath(v *jsValue, path []jsKey) error {
	if len(path) == 0 || v.isNil() {
		return nil
	}
	if len(path) == 1 {
		return d.dissoc(v, path[0])
	}
	inside := v.own(path[0])
	if inside == nil || inside.isNil() {
		if path[0].isInteger() && v.kind() == jsList {
			*v = d.list(d.elems(v))
		} else {
			d.own(v)
		}
		return nil
	}
	next := *inside
	if err := d.dissocPath(&next, path[1:]); err != nil {
		return err
	}
	return d.assoc(v, path[0], next)
}

// dissoc is Ramda's: it changes v.
func (d *jsDocument) dissoc(v *jsValue, k jsKey) error {
	if k.isInteger() && v.kind() == jsList {
		elems := d.elems(v)
		start := spliceStart(k.number, len(elems))
		*v = d.list(slices.Delete(elems, start, min(start+1, len(elems))))
		return nil
	}
	n := d.own(v)
	n.members = slices.DeleteFunc(n.members, func(m jsMember) bool { return m.key == k.name() })
	return nil
}

// spliceStart is where Array.prototype.splice begins.
func spliceStart(start float64, length int) int {
	switch start = math.Trunc(start); {
	case math.IsNaN(start):
		return 0
	case start < 0:
		return int(max(0, float64(length)+start))
	}
	return int(min(start, float64(length)))
}

// concatElems returns the elements that Ramda's append and prepend see in a value.
func (d *jsDocument) concatElems(v *jsValue) ([]jsValue, error) {
	if !v.truthy() || v.kind() < jsText {
		return nil, nil
	}
	if v.kind() != jsObject {
		elems, err := d.sliceElems(v)
		for i := range elems {
			if elems[i].kind() == jsHole {
				elems[i] = jsValue{}
			}
		}
		return elems, err
	}
	length := v.length()
	n, err := length.toNumber()
	if err != nil || math.IsNaN(n) || n <= 0 {
		return nil, err
	}
	return d.likeList(v, math.Ceil(n), jsValue{})
}

// sliceElems returns the elements that Array.prototype.slice sees in a value.
func (d *jsDocument) sliceElems(v *jsValue) ([]jsValue, error) {
	switch v.kind() {
	case jsUndefined, jsHole, jsNull:
		return nil, errThrown
	case jsList:
		return d.elems(v), nil
	case jsText:
		var elems []jsValue
		for _, unit := range utf16Units(v.text()) {
			elems = append(elems, textValue(fromUnits(unit)))
		}
		return elems, nil
	case jsObject:
		length := v.length()
		n, err := length.toNumber()
		if n = math.Trunc(n); err != nil || math.IsNaN(n) || n <= 0 {
			return nil, err
		}
		return d.likeList(v, n, hole)
	}
	return nil, nil
}

// likeList returns the first n elements of an object that is like a list.
func (d *jsDocument) likeList(v *jsValue, n float64, missing jsValue) ([]jsValue, error) {
	if err := d.invent(n); err != nil {
		return nil, err
	}
	elems := make([]jsValue, int(n))
	for i := range elems {
		if own := v.own(jsKey{number: float64(i), isNumber: true}); own != nil {
			elems[i] = *own
		} else {
			elems[i] = missing
		}
	}
	return elems, nil
}
