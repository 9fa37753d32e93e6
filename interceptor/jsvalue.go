package interceptor

import (
	"bytes"
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
	elems   []jsValue  // of a list
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

func textValue(text string) jsValue { return jsValue{raw: appendQuotedJS(nil, text)} }

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
func (v *jsValue) text() string { return unquoteJS(v.raw[1 : len(v.raw)-1]) }

// expand returns what is in a list or an object.
func (v *jsValue) expand() *jsNode {
	if v.node != nil {
		return v.node
	}
	v.node = &jsNode{kind: v.kind()}
	if v.node.kind == jsList {
		eachElement(v.raw, func(value []byte) { v.node.elems = append(v.node.elems, jsonValue(value)) })
		return v.node
	}
	members := newMemberSet(nil)
	eachMember(v.raw, func(key, value []byte) { members.set(unquoteJS(key), jsonValue(value)) })
	v.node.members = members.inOrder()
	return v.node
}

// A memberSet collects the properties of an object: the last one of a key wins, in the place of the first.
type memberSet struct {
	members []jsMember
	places  map[string]int // of the keys, once there are many
}

func newMemberSet(members []jsMember) *memberSet { return &memberSet{members: members} }

func (s *memberSet) set(key string, value jsValue) {
	i, ok := s.find(key)
	switch {
	case ok:
		s.members[i].value = value
		return
	case s.places != nil:
		s.places[key] = len(s.members)
	}
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
func (n *jsNode) member(key string) *jsValue {
	for i := range n.members {
		if n.members[i].key == key {
			return &n.members[i].value
		}
	}
	return nil
}

// set gives n a property, in its place in JavaScript's order. n is not to be shared.
func (n *jsNode) set(key string, value jsValue) {
	if old := n.member(key); old != nil {
		*old = value
		return
	}
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

// appendJSON appends what JSON.stringify writes. faithful is false if JSON.parse would not give the same value back.
// Undefined alone, which JSON.stringify does not write, becomes null.
func (v *jsValue) appendJSON(dst []byte) (_ []byte, faithful bool) {
	switch {
	case v.raw != nil:
		return append(dst, v.raw...), true
	case v.node != nil && v.node.kind == jsList:
		faithful = len(v.node.members) == 0
		dst = append(dst, '[')
		for i := range v.node.elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			var same bool
			dst, same = v.node.elems[i].appendJSON(dst)
			faithful = faithful && same
		}
		return append(dst, ']'), faithful
	case v.node != nil && v.node.kind == jsObject:
		faithful = true
		dst = append(dst, '{')
		for i := range v.node.members {
			m := &v.node.members[i]
			if m.value.kind() == jsUndefined {
				faithful = false
				continue
			}
			if dst[len(dst)-1] != '{' {
				dst = append(dst, ',')
			}
			dst = append(appendQuotedJS(dst, m.key), ':')
			var same bool
			dst, same = m.value.appendJSON(dst)
			faithful = faithful && same
		}
		return append(dst, '}'), faithful
	case v.node != nil && v.node.kind == jsNumber && v.node.number == 0:
		return append(dst, '0'), false
	}
	return append(dst, "null"...), false
}

// sameJSON reports, for most equal values and for no others, that they are equal.
func sameJSON(a, b *jsValue) bool { return a.raw != nil && bytes.Equal(a.raw, b.raw) }
