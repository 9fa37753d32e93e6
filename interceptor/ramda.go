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
	cost
	pause func() error // is called between operations, unless it is nil; an error ends the Patch
}

// path is Ramda's.
func (d *jsDocument) path(location []jsKey) *jsValue {
	v := &d.root
	for _, k := range location {
		v = d.step(v, k)
	}
	if v == nil {
		v = &jsValue{}
	}
	return v
}

// list returns a new list for the document.
func (d *jsDocument) list(elems jsElems) jsValue {
	return jsValue{node: &jsNode{kind: jsList, elems: elems, epoch: d.epoch}}
}

func (d *jsDocument) object(members []jsMember) jsValue {
	return jsValue{node: &jsNode{kind: jsObject, members: members, epoch: d.epoch}}
}

// elems returns a list's elements, which may be changed if the list is dropped.
func (d *jsDocument) elems(list *jsValue) jsElems {
	n := d.expand(list)
	elems := n.elems
	if n.epoch != d.epoch {
		d.pass(len(elems.runs))
		elems.runs = slices.Clone(elems.runs)
	}
	return elems
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
		inside := d.own(v, path[0])
		switch {
		case inside != nil && (inside.kind() == jsNull || inside.kind() >= jsList):
			next = *inside
		case path[1].isInteger():
			next = d.list(jsElems{})
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
		if n := d.ownObject(v); k.name() != "__proto__" {
			d.set(n, k.name(), value)
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
	if err := d.invent(float64(i - elems.length)); err != nil {
		return err
	}
	if i < elems.length {
		elems.set(d, i, value)
	} else {
		elems.fill(d, jsHole, i-elems.length)
		elems.insert(d, i, value)
	}
	*v = d.list(elems)
	return nil
}

// ownObject makes the value an object with the properties it has, which may be changed.
func (d *jsDocument) ownObject(v *jsValue) *jsNode {
	if v.kind() != jsObject || d.expand(v).epoch != d.epoch {
		members := d.properties(v)
		d.pass(len(members))
		*v = d.object(members)
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
	inside := d.own(v, path[0])
	if inside == nil || inside.isNil() {
		if path[0].isInteger() && v.kind() == jsList {
			*v = d.list(d.elems(v))
		} else {
			d.ownObject(v)
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
		if i := spliceStart(k.number, elems.length); i < elems.length {
			elems.remove(d, i)
		}
		*v = d.list(elems)
		return nil
	}
	n := d.ownObject(v)
	d.pass(len(n.members))
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
func (d *jsDocument) concatElems(v *jsValue) (jsElems, error) {
	if !v.truthy() || v.kind() < jsText {
		return jsElems{}, nil
	}
	if v.kind() != jsObject {
		elems, err := d.sliceElems(v)
		elems.defined(d)
		return elems, err
	}
	length := d.length(v)
	n, err := d.toNumber(&length)
	if err != nil || math.IsNaN(n) || n <= 0 {
		return jsElems{}, err
	}
	return d.likeList(v, math.Ceil(n), jsUndefined)
}

// sliceElems returns the elements that Array.prototype.slice sees in a value.
func (d *jsDocument) sliceElems(v *jsValue) (elems jsElems, err error) {
	switch v.kind() {
	case jsUndefined, jsHole, jsNull:
		return elems, errThrown
	case jsList:
		return d.elems(v), nil
	case jsText:
		for i, unit := range d.units(v) {
			if elems.insert(d, i, charValue(unit)); d.err != nil {
				break
			}
		}
	case jsObject:
		length := d.length(v)
		n, err := d.toNumber(&length)
		if n = math.Trunc(n); err != nil || math.IsNaN(n) || n <= 0 {
			return elems, err
		}
		return d.likeList(v, n, jsHole)
	}
	return elems, nil
}

// likeList returns the first n elements of an object that is like a list.
func (d *jsDocument) likeList(v *jsValue, n float64, missing jsKind) (elems jsElems, err error) {
	if err := d.invent(n); err != nil {
		return elems, err
	}
	for i := 0; i < int(n) && d.err == nil; i++ {
		if own := d.own(v, jsKey{number: float64(i), isNumber: true}); own != nil {
			elems.insert(d, i, *own)
		} else {
			elems.fill(d, missing, 1)
		}
	}
	return elems, nil
}
