package interceptor

import (
	"math"
	"slices"
)

// A jsKey is a property's key: a number or a text.
type jsKey struct {
	text     string
	number   float64
	isNumber bool
}

func (k jsKey) isInteger() bool {
	return k.isNumber && k.number == math.Trunc(k.number) && !math.IsInf(k.number, 0)
}

// name is the key as a property has it.
func (k jsKey) name() string {
	if k.isNumber {
		return numberText(k.number)
	}
	return k.text
}

// index returns the array index that the key is.
func (k jsKey) index() (int, bool) {
	if k.isInteger() {
		return int(k.number), k.number >= 0 && k.number < maxArrayLength
	}
	return arrayIndex(k.name())
}

const maxArrayLength = 1<<32 - 1 // ECMA-262, section 10.4.2

// arrayIndex returns the array index that a key is.
func arrayIndex(key string) (index int, ok bool) {
	if key == "" || len(key) > 10 || key[0] == '0' && key != "0" {
		return 0, false
	}
	for i := range len(key) {
		if key[i]-'0' > 9 {
			return 0, false
		}
		index = index*10 + int(key[i]-'0')
	}
	return index, index < maxArrayLength
}

// own returns the value's own property under a key, or nil.
func (d *jsDocument) own(v *jsValue, k jsKey) *jsValue {
	switch v.kind() {
	case jsObject:
		return d.member(d.expand(v), k.name())
	case jsList:
		n := d.expand(v)
		if i, isIndex := k.index(); isIndex {
			if i >= n.elems.length {
				return nil
			}
			if elem := n.elems.at(d, i); elem.kind() != jsHole {
				return elem
			}
			return nil
		}
		if found := d.member(n, k.name()); found != nil {
			return found
		}
	case jsText:
		if i, isIndex := k.index(); isIndex {
			if units := d.units(v); i < len(units) {
				char := charValue(units[i])
				return &char
			}
			return nil
		}
	default:
		return nil
	}
	if k.name() == "length" {
		length := d.length(v)
		return &length
	}
	return nil
}

// units are the UTF-16 units of the text that the value is.
func (d *jsDocument) units(v *jsValue) []uint16 {
	if !d.spend(2 * len(v.raw)) {
		return nil
	}
	return utf16Units(d.text(v))
}

// charValue is the text of a UTF-16 unit.
func charValue(unit uint16) jsValue { return jsonValue(appendQuotedJS(nil, fromUnits(unit))) }

// length is the value's property "length". The value is not nil.
func (d *jsDocument) length(v *jsValue) jsValue {
	switch v.kind() {
	case jsList:
		return numberValue(float64(d.expand(v).elems.length))
	case jsText:
		return numberValue(float64(len(d.units(v))))
	case jsObject:
		if own := d.member(d.expand(v), "length"); own != nil {
			return *own
		}
	}
	return jsValue{}
}

// properties returns, in a list of its own, what a loop over the value's properties sees. A key that such a loop cannot copy
// is not among them.
func (d *jsDocument) properties(v *jsValue) (members []jsMember) {
	add := func(i int, value jsValue) {
		d.spend(memberCost)
		members = append(members, jsMember{jsKey{number: float64(i), isNumber: true}.name(), value})
	}
	switch v.kind() {
	case jsObject:
		members = slices.Clone(d.expand(v).members)
	case jsText:
		for i, unit := range d.units(v) {
			if d.err != nil {
				break
			}
			add(i, charValue(unit))
		}
	case jsList:
		i := 0
		walk := d.walk(d.expand(v))
		for elem := walk.next(); elem != nil && d.err == nil; elem = walk.next() {
			if elem.kind() != jsHole {
				add(i, *elem)
			}
			i++
		}
		members = append(members, v.node.members...)
	}
	return slices.DeleteFunc(members, func(m jsMember) bool { return m.key == "__proto__" })
}

// step returns what path goes on with from a value under a key: nil for undefined.
func (d *jsDocument) step(v *jsValue, k jsKey) *jsValue {
	if v == nil || v.isNil() {
		return nil
	}
	if !k.isInteger() {
		return d.own(v, k)
	}
	if k.number < 0 {
		length := d.length(v)
		k, _ = d.fromEnd(length, k)
	}
	if found := d.own(v, k); found != nil || v.kind() != jsText {
		return found
	}
	none := textValue("") // charAt
	return &none
}

// fromEnd is the key that is length + k.
func (d *jsDocument) fromEnd(length jsValue, k jsKey) (jsKey, error) {
	offset := numberValue(k.number)
	sum, err := d.add(&length, &offset)
	if err != nil {
		return jsKey{}, err
	}
	return d.keyOf(&sum)
}

// keyOf is the property key that a value stands for.
func (d *jsDocument) keyOf(v *jsValue) (jsKey, error) {
	if v.kind() == jsNumber {
		return jsKey{number: v.number(), isNumber: true}, nil
	}
	text, err := d.toText(v)
	return jsKey{text: text}, err
}
