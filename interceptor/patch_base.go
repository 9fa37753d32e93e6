package interceptor

// inlineBase returns the data that was inline when it was first patched: an object without the records. The renderer, to add
// them, has made an object of a list, and of a text; and null, and empty data, have left nothing.
//
// What it was is told by the first operation that can tell, and else by the keys.
func (d *jsDocument) inlineBase(object jsValue, patches []patch) (jsValue, error) {
	const (
		unknown = iota
		isObject
		isList
		isText
	)
	was := unknown
	for _, p := range patches {
		for op, err := range p.operations(d) {
			if err != nil {
				return jsValue{}, err
			}
			switch {
			case len(op.location) > 0 && op.location[0].isNumber:
				was = isList // Python's p[0]; p["0"] is a text
			case len(op.location) > 0 || op.name == "Merge" || op.name == "Assign":
				was = isObject
			case op.name == "Add" || op.name == "Extend" && op.value.kind() == jsText:
				was = isText
			case op.name != "Clear" && op.name != "Delete":
				was = isList
			}
			if was != unknown {
				break
			}
		}
		if was != unknown {
			break
		}
	}
	var elems jsElems
	var chars []uint16
	for i, m := range d.expand(&object).members {
		if index, isIndex := arrayIndex(m.key); !isIndex || index != i {
			return object, nil
		}
		if m.value.kind() == jsText && len(m.value.raw) <= len(`"\ud83e\udd86"`) {
			if char := d.units(&m.value); len(char) == 1 {
				chars = append(chars, char[0])
			}
		}
		elems.insert(d, i, m.value)
	}
	switch {
	case was == isText && len(chars) == elems.length:
		return textValue(fromUnits(chars...)), d.err
	case was == isObject || elems.length == 0 && was != isList:
		return object, d.err
	}
	return jsValue{node: &jsNode{kind: jsList, elems: elems}}, d.err
}
