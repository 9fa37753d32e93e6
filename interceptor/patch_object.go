package interceptor

import (
	"bytes"
	"io"
)

// patchedKey is the key under which a Store's data, where an app has patched it, has the records of its Patches:
//
//	{"$dashstash":"<token text>","$dashstash_patches":[["<record's token text>", …], …]}
//
// What else is in the object is what was patched: a token, or data that was inline. Only the first list counts; what stands
// behind it is left over from folding (see folds). A record that could not be stored carries its bytes:
// {"<record's token text>":"<bytes>"}.
const patchedKey = `"$dashstash_patches"`

// firstRecords returns the elements of the first list of records, as JSON, if list is one or more lists of records.
func firstRecords(list []byte) (records [][]byte, ok bool) {
	if len(list) == 0 || list[0] != '[' {
		return nil, false
	}
	ok = true
	first := true
	eachElement(list, func(inner []byte) {
		n := 0
		if inner[0] == '[' {
			eachElement(inner, func(element []byte) {
				text, _ := recordText(element)
				ok = ok && text != nil
				if n++; first {
					records = append(records, element)
				}
			})
		}
		ok, first = ok && n > 0, false
	})
	return records, ok && !first
}

// recordText returns the token's text in a record, and the record's bytes as a JSON string if it carries them. The text is nil
// if element is no record.
func recordText(element []byte) (text, bytes []byte) {
	switch {
	case len(element) == TokenSize+2 && element[0] == '"' && isTokenText(element[1:TokenSize+1]):
		return element[1 : TokenSize+1], nil
	case element[0] == '{':
		members := 0
		eachMember(element, func(key, value []byte) {
			if members++; isTokenText(key) && value[0] == '"' {
				text, bytes = key, value
			}
		})
		if members == 1 {
			return text, bytes
		}
	}
	return nil, nil
}

// A patched is an object with records, taken apart.
type patched struct {
	base    []byte   // the object without its records
	records [][]byte // the first list's elements
}

func parsePatched(object []byte) (p patched, ok bool) {
	p.base = append(make([]byte, 0, len(object)), '{')
	eachMember(object, func(key, value []byte) {
		if string(key) == recordsKey {
			p.records, ok = firstRecords(value)
			return
		}
		if len(p.base) > 1 {
			p.base = append(p.base, ',')
		}
		p.base = append(append(append(p.base, '"'), key...), '"', ':')
		p.base = append(p.base, value...)
	})
	p.base = append(p.base, '}')
	return p, ok
}

// readerOf returns a source of what is in memory.
func readerOf(text []byte) (io.ReaderAt, int64) { return bytes.NewReader(text), int64(len(text)) }
