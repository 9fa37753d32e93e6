package interceptor

// inlineBase returns the data that was inline when it was first patched: an object without the records. The renderer, to add
// them, has made an object of a list, and of a text; and null, and empty data, have left nothing.
//
// What it was is told by the first operation that can tell, and else by the keys.
func inlineBase(object jsValue, patches []patch) jsValue {
	const (
		unknown = iota
		isObject
		isList
		isText
	)
	was := unknown
	for _, p := range patches {
		for _, op := range p {
			switch {
			case was != unknown:
			case len(op.location) > 0 && op.location[0].isNumber:
				was = isList // Python's p[0]; p["0"] is a text
			case len(op.location) > 0 || op.name == "Merge" || op.name == "Assign":
				was = isObject
			case op.name == "Add" || op.name == "Extend" && op.value.kind() == jsText:
				was = isText
			case op.name != "Clear" && op.name != "Delete":
				was = isList
			}
		}
	}
	members := object.expand().members
	var elems []jsValue
	allChars := true
	for i, m := range members {
		if index, isIndex := arrayIndex(m.key); !isIndex || index != i {
			return object
		}
		allChars = allChars && m.value.kind() == jsText && len(utf16Units(m.value.text())) == 1
		elems = append(elems, m.value)
	}
	switch {
	case was == isText && allChars:
		text := ""
		for _, char := range elems {
			text = joinText(text, char.text())
		}
		return textValue(text)
	case was == isObject || len(elems) == 0 && was != isList:
		return object
	}
	return jsValue{node: &jsNode{kind: jsList, elems: elems}}
}
