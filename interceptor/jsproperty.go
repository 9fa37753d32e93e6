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
func (v *jsValue) own(k jsKey) *jsValue {
	switch v.kind() {
	case jsObject:
		return v.expand().member(k.name())
	case jsList:
		n := v.expand()
		if i, isIndex := k.index(); isIndex {
			if i < len(n.elems) && n.elems[i].kind() != jsHole {
				return &n.elems[i]
			}
			return nil
		}
		if found := n.member(k.name()); found != nil {
			return found
		}
	case jsText:
		if i, isIndex := k.index(); isIndex {
			if units := utf16Units(v.text()); i < len(units) {
				char := textValue(fromUnits(units[i]))
				return &char
			}
			return nil
		}
	default:
		return nil
	}
	if k.name() == "length" {
		length := v.length()
		return &length
	}
	return nil
}

// length is the value's property "length". The value is not nil.
func (v *jsValue) length() jsValue {
	switch v.kind() {
	case jsList:
		return numberValue(float64(len(v.expand().elems)))
	case jsText:
		return numberValue(float64(len(utf16Units(v.text()))))
	case jsObject:
		if own := v.expand().member("length"); own != nil {
			return *own
		}
	}
	return jsValue{}
}

// properties returns, in a list of its own, what a loop over the value's properties sees. A key that such a loop cannot copy
// is not among them.
func (v *jsValue) properties() (members []jsMember) {
	switch v.kind() {
	case jsObject:
		members = slices.Clone(v.expand().members)
	case jsText:
		for i, unit := range utf16Units(v.text()) {
			members = append(members, jsMember{jsKey{number: float64(i), isNumber: true}.name(), textValue(fromUnits(unit))})
		}
	case jsList:
		for i, elem := range v.expand().elems {
			if elem.kind() != jsHole {
				members = append(members, jsMember{jsKey{number: float64(i), isNumber: true}.name(), elem})
			}
		}
		members = append(members, v.node.members...)
	}
	return slices.DeleteFunc(members, func(m jsMember) bool { return m.key == "__proto__" })
}

// step returns what path goes on with from a value under a key: nil for undefined.
func step(v *jsValue, k jsKey) *jsValue {
	if v == nil || v.isNil() {
		return nil
	}
	if !k.isInteger() {
		return v.own(k)
	}
	if k.number < 0 {
		length := v.length()
		k, _ = fromEnd(length, k)
	}
	if found := v.own(k); found != nil || v.kind() != jsText {
		return found
	}
	none := textValue("") // charAt
	return &none
}

// fromEnd is the key that is length + k.
func fromEnd(length jsValue, k jsKey) (jsKey, error) {
	offset := numberValue(k.number)
	sum, err := add(&length, &offset)
	if err != nil {
		return jsKey{}, err
	}
	return keyOf(&sum)
}

// keyOf is the property key that a value stands for.
func keyOf(v *jsValue) (jsKey, error) {
	if v.kind() == jsNumber {
		return jsKey{number: v.number(), isNumber: true}, nil
	}
	text, err := v.toText()
	return jsKey{text: text}, err
}
