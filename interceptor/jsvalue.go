package interceptor

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"slices"
	"strconv"
)

// A jsValue is a value as JavaScript has it once JSON.parse has read it and a Patch has changed it. What nobody has touched
// stays JSON text, since a Store's data may be large and a Patch touches little of it. The zero jsValue is undefined.
type jsValue struct {
	raw  []byte  // its JSON, unless it has changed; shared, never written to
	node *jsNode // what is in it, once somebody has looked; raw may still be there
}

// A jsKind is what a jsValue is.
type jsKind uint8

const (
	jsUndefined jsKind = iota
	jsHole             // an element of a list that is not there: undefined, but neither counted nor copied as a property
	jsNull
	jsBool
	jsNumber
	jsText
	jsList
	jsObject
)

// A jsNode is what a jsValue holds that is no JSON text, or not only.
type jsNode struct {
	kind    jsKind
	number  float64    // of a number that JSON has no text for: NaN, an infinity or minus zero
	elems   jsElems    // of a list
	members []jsMember // of an object, in JavaScript's order; of a list, its properties that are no indexes
	epoch   int        // of the jsDocument, when it was made; 0: it came out of raw
}

// A jsMember is a property of an object. Its key is WTF-8: see unquoteJS.
type jsMember struct {
	key   string
	value jsValue
}

var hole = jsValue{node: &jsNode{kind: jsHole}}

func jsonValue(raw []byte) jsValue { return jsValue{raw: raw} }

// textValue is a text that was made here, and takes memory: its node says so, see weigh.
func textValue(text string) jsValue {
	return jsValue{raw: appendQuotedJS(nil, text), node: &jsNode{kind: jsText}}
}

func numberValue(f float64) jsValue {
	if math.IsNaN(f) || math.IsInf(f, 0) || f == 0 && math.Signbit(f) {
		return jsValue{node: &jsNode{kind: jsNumber, number: f}}
	}
	return jsValue{raw: appendJSNumber(nil, f)}
}

// appendJSNumber appends a finite number as Number::toString writes it.
func appendJSNumber(dst []byte, f float64) []byte {
	var literal [32]byte
	dst, _ = appendNumber(dst, strconv.AppendFloat(literal[:0], f, 'e', -1, 64))
	return dst
}

func (v *jsValue) kind() jsKind {
	switch {
	case v.node != nil:
		return v.node.kind
	case len(v.raw) == 0:
		return jsUndefined
	}
	switch v.raw[0] {
	case '{':
		return jsObject
	case '[':
		return jsList
	case '"':
		return jsText
	case 't', 'f':
		return jsBool
	case 'n':
		return jsNull
	}
	return jsNumber
}

// isNil reports whether the value is undefined or null.
func (v *jsValue) isNil() bool { return v.kind() <= jsNull }

// text is the text that the value is.
func (d *jsDocument) text(v *jsValue) string {
	if !d.spend(len(v.raw)) {
		return ""
	}
	return unquoteJS(v.raw[1 : len(v.raw)-1])
}

// expand returns what is in a list or an object.
func (d *jsDocument) expand(v *jsValue) *jsNode {
	if v.node != nil {
		return v.node
	}
	v.node = &jsNode{kind: v.kind()}
	d.pass(len(v.raw))
	if v.node.kind == jsList {
		v.node.elems = d.elemsIn(v.raw)
		return v.node
	}
	members := d.newMemberSet(nil)
	for key, value := range membersOf(v.raw) {
		if members.set(unquoteJS(key), jsonValue(value)); d.err != nil {
			break
		}
	}
	v.node.members = members.inOrder()
	return v.node
}

// A memberSet collects the properties of an object: the last one of a key wins, in the place of the first.
type memberSet struct {
	d       *jsDocument
	members []jsMember
	places  map[string]int // of the keys, once there are many
}

func (d *jsDocument) newMemberSet(members []jsMember) *memberSet {
	return &memberSet{d: d, members: members}
}

func (s *memberSet) set(key string, value jsValue) {
	i, ok := s.find(key)
	switch {
	case ok:
		s.members[i].value = value
		return
	case s.places != nil:
		s.places[key] = len(s.members)
	}
	s.d.spend(memberCost + len(key))
	s.members = append(s.members, jsMember{key, value})
}

func (s *memberSet) find(key string) (place int, ok bool) {
	const few = 16
	if len(s.members) <= few {
		place = slices.IndexFunc(s.members, func(m jsMember) bool { return m.key == key })
		return place, place >= 0
	}
	if s.places == nil {
		s.places = make(map[string]int, 2*len(s.members))
		for i, m := range s.members {
			s.places[m.key] = i
		}
	}
	place, ok = s.places[key]
	return place, ok
}

// inOrder returns the members as JavaScript lists them: keys that are array indexes in front, ascending, the others as they
// came (ECMA-262, section 10.1.11).
func (s *memberSet) inOrder() []jsMember {
	order := func(a, b jsMember) int { return compareKeys(a.key, b.key) }
	if !slices.IsSortedFunc(s.members, order) {
		slices.SortStableFunc(s.members, order)
	}
	return s.members
}

func compareKeys(a, b string) int {
	i, isIndexA := arrayIndex(a)
	j, isIndexB := arrayIndex(b)
	switch {
	case isIndexA && isIndexB:
		return i - j
	case isIndexA:
		return -1
	case isIndexB:
		return 1
	}
	return 0
}

// member returns the property of n with a key, or nil.
func (d *jsDocument) member(n *jsNode, key string) *jsValue {
	d.pass(len(n.members))
	for i := range n.members {
		if n.members[i].key == key {
			return &n.members[i].value
		}
	}
	return nil
}

// set gives n a property, in its place in JavaScript's order. n is not to be shared.
func (d *jsDocument) set(n *jsNode, key string, value jsValue) {
	if old := d.member(n, key); old != nil {
		*old = value
		return
	}
	d.spend(memberCost + len(key))
	n.insert(jsMember{key, value})
}

// insert adds a property that n does not have.
func (n *jsNode) insert(m jsMember) {
	at := len(n.members)
	if _, isIndex := arrayIndex(m.key); isIndex {
		at, _ = slices.BinarySearchFunc(n.members, m.key, func(other jsMember, key string) int {
			if _, isIndex := arrayIndex(other.key); !isIndex {
				return 1
			}
			return compareKeys(other.key, key)
		})
	}
	n.members = slices.Insert(n.members, at, m)
}

// writeTo writes what JSON.stringify writes of the document. faithful is false if JSON.parse would not give the same value back.
// Undefined alone, which JSON.stringify does not write, becomes null.
func (d *jsDocument) writeTo(to io.Writer) (faithful bool, err error) {
	w := bufio.NewWriterSize(to, 16<<10)
	faithful = d.writeValue(w, &d.root)
	return faithful, w.Flush()
}

// writeValue is writeTo of a value. An error stays in w.
func (d *jsDocument) writeValue(w *bufio.Writer, v *jsValue) (faithful bool) {
	switch {
	case v.raw != nil:
		_, _ = w.Write(v.raw)
		return true
	case v.node != nil && v.node.kind == jsList:
		return d.writeList(w, v.node)
	case v.node != nil && v.node.kind == jsObject:
		return d.writeObject(w, v.node)
	case v.node != nil && v.node.kind == jsNumber && v.node.number == 0:
		_ = w.WriteByte('0')
		return false
	}
	_, _ = w.WriteString("null")
	return false
}

func (d *jsDocument) writeList(w *bufio.Writer, n *jsNode) (faithful bool) {
	faithful = len(n.members) == 0
	_ = w.WriteByte('[')
	for i := range n.elems.runs {
		run := &n.elems.runs[i]
		if i > 0 {
			_ = w.WriteByte(',')
		}
		if run.elems == nil && run.raw != nil && !run.reversed {
			_, _ = w.Write(run.raw)
			continue
		}
		walk := jsWalk{d: d, runs: n.elems.runs[i : i+1]}
		for elem, comma := walk.next(), false; elem != nil; elem, comma = walk.next(), true {
			if comma {
				_ = w.WriteByte(',')
			}
			faithful = d.writeValue(w, elem) && faithful
		}
	}
	_ = w.WriteByte(']')
	return faithful
}

func (d *jsDocument) writeObject(w *bufio.Writer, n *jsNode) (faithful bool) {
	faithful = true
	_ = w.WriteByte('{')
	comma := false
	for i := range n.members {
		m := &n.members[i]
		if m.value.kind() == jsUndefined {
			faithful = false
			continue
		}
		if comma {
			_ = w.WriteByte(',')
		}
		comma = true
		_, _ = w.Write(append(appendQuotedJS(w.AvailableBuffer(), m.key), ':'))
		faithful = d.writeValue(w, &m.value) && faithful
	}
	_ = w.WriteByte('}')
	return faithful
}

// sameJSON reports, for most equal values and for no others, that they are equal.
func sameJSON(a, b *jsValue) bool { return a.raw != nil && bytes.Equal(a.raw, b.raw) }
