package interceptor

import (
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
func (v *jsValue) toNumber() (float64, error) {
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
		return textToNumber(v.text()), nil
	case jsList, jsObject:
		text, err := v.toText()
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
func (v *jsValue) toText() (string, error) {
	switch v.kind() {
	case jsText:
		return v.text(), nil
	case jsNumber:
		return numberText(v.number()), nil
	case jsBool:
		return string(v.raw), nil
	case jsNull:
		return "null", nil
	case jsObject:
		if v.expand().member("toString") != nil {
			return "", errThrown // JSON has no functions
		}
		return "[object Object]", nil
	case jsList:
		return v.joined(0)
	}
	return "undefined", nil
}

// joined is what a list's toString returns: its elements, with commas.
func (v *jsValue) joined(depth int) (string, error) {
	if depth > maxPatchDepth {
		return "", errThrown
	}
	texts := make([]string, len(v.expand().elems))
	for i := range texts {
		elem := &v.node.elems[i]
		var err error
		switch {
		case elem.isNil():
			continue
		case elem.kind() == jsList:
			texts[i], err = elem.joined(depth + 1)
		default:
			texts[i], err = elem.toText()
		}
		if err != nil {
			return "", err
		}
	}
	return strings.Join(texts, ","), nil
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
func add(a, b *jsValue) (jsValue, error) {
	isText := func(v *jsValue) bool { return v.kind() >= jsText } // a list and an object become one
	if !isText(a) && !isText(b) {
		x, _ := a.toNumber()
		y, _ := b.toNumber()
		return numberValue(x + y), nil
	}
	x, err := a.toText()
	if err != nil {
		return jsValue{}, err
	}
	y, err := b.toText()
	return textValue(joinText(x, y)), err
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
func equals(a, b *jsValue, depth int) (bool, error) {
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
		return a.text() == b.text(), nil
	case jsBool:
		return a.raw[0] == b.raw[0], nil
	case jsList, jsObject:
		return equalProperties(a.properties(), b.properties(), depth)
	}
	return true, nil
}

func equalProperties(a, b []jsMember, depth int) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	order := func(x, y jsMember) int { return strings.Compare(x.key, y.key) }
	if !slices.EqualFunc(a, b, func(x, y jsMember) bool { return x.key == y.key }) {
		slices.SortFunc(a, order)
		slices.SortFunc(b, order)
	}
	for i := range a {
		if a[i].key != b[i].key {
			return false, nil
		}
		if same, err := equals(&a[i].value, &b[i].value, depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}
