package interceptor

import (
	"bytes"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// number is a number's value.
func (v *jsValue) number() float64 {
	if v.raw == nil {
		return v.node.number
	}
	f, err := strconv.ParseFloat(string(v.raw), 64) // Python's NaN and Infinity too
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// toNumber is JavaScript's: ECMA-262, section 7.1.4.
func (d *jsDocument) toNumber(v *jsValue) (float64, error) {
	switch v.kind() {
	case jsNumber:
		return v.number(), nil
	case jsBool:
		if v.raw[0] == 't' {
			return 1, nil
		}
		return 0, nil
	case jsNull:
		return 0, nil
	case jsText:
		return textToNumber(d.text(v)), nil
	case jsList, jsObject:
		text, err := d.toText(v)
		return textToNumber(text), err
	}
	return math.NaN(), nil
}

// textToNumber is JavaScript's StringToNumber: ECMA-262, section 7.1.4.1.1.
func textToNumber(text string) float64 {
	text = strings.Trim(text, "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"+
		"\u2028\u2029\u202f\u205f\u3000\ufeff")
	switch strings.TrimLeft(text, "+-") {
	case "":
		if text == "" {
			return 0
		}
		return math.NaN()
	case "Infinity":
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
		return math.NaN()
	}
	if len(text) > 2 && text[0] == '0' && strings.IndexByte("xXoObB", text[1]) >= 0 {
		base := map[byte]int{'x': 16, 'o': 8, 'b': 2}[text[1]|0x20]
		whole, ok := new(big.Int).SetString(text[2:], base)
		if !ok || strings.ContainsAny(text, "+-_") {
			return math.NaN()
		}
		f, _ := new(big.Float).SetInt(whole).Float64()
		return f
	}
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return math.NaN()
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// toText is JavaScript's ToString: ECMA-262, section 7.1.17.
func (d *jsDocument) toText(v *jsValue) (string, error) {
	switch v.kind() {
	case jsText:
		return d.text(v), nil
	case jsNumber:
		return numberText(v.number()), nil
	case jsBool:
		return string(v.raw), nil
	case jsNull:
		return "null", nil
	case jsObject:
		if d.member(d.expand(v), "toString") != nil {
			return "", errThrown // JSON has no functions
		}
		return "[object Object]", nil
	case jsList:
		var text strings.Builder
		err := d.join(&text, v, 0)
		return text.String(), err
	}
	return "undefined", nil
}

// join appends what a list's toString returns: its elements, with commas.
func (d *jsDocument) join(text *strings.Builder, list *jsValue, depth int) error {
	if depth > maxPatchDepth {
		return errThrown
	}
	walk := d.walk(d.expand(list))
	for elem, comma := walk.next(), false; elem != nil && d.err == nil; elem, comma = walk.next(), true {
		if comma {
			text.WriteByte(',')
		}
		switch {
		case elem.isNil():
			d.spend(1)
			continue
		case elem.kind() == jsList:
			inside := *elem // a copy: what is expanded in it is forgotten
			if err := d.join(text, &inside, depth+1); err != nil {
				return err
			}
			continue
		}
		one, err := d.toText(elem)
		if err != nil {
			return err
		}
		d.spend(2*len(one) + 2) // it is copied as it grows
		text.WriteString(one)
	}
	return nil
}

// numberText is Number::toString.
func numberText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return string(appendJSNumber(nil, f))
}

// add is JavaScript's a + b.
func (d *jsDocument) add(a, b *jsValue) (jsValue, error) {
	isText := func(v *jsValue) bool { return v.kind() >= jsText } // a list and an object become one
	if !isText(a) && !isText(b) {
		x, _ := d.toNumber(a)
		y, _ := d.toNumber(b)
		return numberValue(x + y), nil
	}
	x, err := d.toText(a)
	if err != nil {
		return jsValue{}, err
	}
	y, err := d.toText(b)
	return d.joined(x, y), err
}

// joined is the two texts as one.
func (d *jsDocument) joined(a, b string) jsValue {
	if !d.spend(3 * (len(a) + len(b))) {
		return jsValue{}
	}
	return textValue(joinText(a, b))
}

// truthy is JavaScript's ToBoolean.
func (v *jsValue) truthy() bool {
	switch v.kind() {
	case jsNumber:
		f := v.number()
		return f != 0 && !math.IsNaN(f)
	case jsText:
		return len(v.raw) > len(`""`)
	case jsBool:
		return v.raw[0] == 't'
	}
	return v.kind() >= jsList
}

// equals is Ramda's equals, for what JSON and a Patch can make.
func (d *jsDocument) equals(a, b *jsValue, depth int) (bool, error) {
	if sameJSON(a, b) {
		return true, nil
	}
	kind := a.kind()
	if kind == jsHole {
		kind = jsUndefined
	}
	switch {
	case depth > maxPatchDepth:
		return false, errThrown
	case kind != b.kind():
		return false, nil
	}
	switch kind {
	case jsNumber:
		x, y := a.number(), b.number()
		return math.IsNaN(x) && math.IsNaN(y) || math.Float64bits(x) == math.Float64bits(y), nil
	case jsText:
		isEscaped := func(v *jsValue) bool { return bytes.IndexByte(v.raw, '\\') >= 0 }
		return (isEscaped(a) || isEscaped(b)) && d.text(a) == d.text(b), nil
	case jsBool:
		return a.raw[0] == b.raw[0], nil
	case jsList:
		return d.equalLists(a, b, depth)
	case jsObject:
		return d.equalProperties(d.expand(a).members, d.expand(b).members, depth)
	}
	return true, nil
}

// equalLists compares what a loop over the lists' properties sees.
func (d *jsDocument) equalLists(a, b *jsValue, depth int) (bool, error) {
	n, m := d.expand(a), d.expand(b)
	if n.elems.length-n.elems.holes() != m.elems.length-m.elems.holes() {
		return false, nil
	}
	if same, err := d.equalProperties(n.members, m.members, depth); err != nil || !same {
		return false, err
	}
	some := func(w *jsWalk, at *int) *jsValue {
		elem := w.next()
		for *at++; elem != nil && elem.kind() == jsHole; *at++ {
			elem = w.next()
		}
		return elem
	}
	i, j := 0, 0
	for walkA, walkB := d.walk(n), d.walk(m); d.err == nil; {
		x, y := some(&walkA, &i), some(&walkB, &j)
		if x == nil || i != j {
			return x == nil, nil
		}
		before, xCopy, yCopy := d.used, *x, *y
		same, err := d.equals(&xCopy, &yCopy, depth+1)
		if d.used = before; err != nil || !same { // what was expanded in the copies is forgotten
			return false, err
		}
	}
	return false, d.err
}

func (d *jsDocument) equalProperties(a, b []jsMember, depth int) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	if !slices.EqualFunc(a, b, func(x, y jsMember) bool { return x.key == y.key }) {
		order := func(x, y jsMember) int { return strings.Compare(x.key, y.key) }
		a, b = slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order)
	}
	for i := range a {
		if a[i].key != b[i].key {
			return false, nil
		}
		x, y := a[i].value, b[i].value
		if same, err := d.equals(&x, &y, depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}
