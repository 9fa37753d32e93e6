package interceptor

import (
	"bytes"
	"fmt"
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

// A patchedSpan is such an object in a request.
type patchedSpan struct {
	start, end int64
	storeID    string // the canonical id of the Store whose data it is; "": this cannot be told
}

// A patchedFrame is an open container on the way through a request.
type patchedFrame struct {
	start     int64
	key       []byte // the last key, if it is one of those below
	records   [2]int64
	id        [2]int64
	isData    bool // its "property" is "data"
	ambiguous bool // it has the key of the records twice
}

// patchedObjects returns the objects with records, in order, but for those within others. Anything that is not exactly of that
// shape is somebody's own data. A text that is no JSON has none.
func (t *textWindow) patchedObjects() (found []patchedSpan) {
	if t.find(patchedKey, 0) == t.size {
		return nil
	}
	var (
		s           scanner
		frames      []patchedFrame
		scalar      bool // the value that has begun is no container
		scalarStart int64
		inRecords   = -1 // the depth at which a value stands under the key: what is within it is not looked at
	)
	for i := int64(0); i < t.size && t.at(i) != 0; {
		n, ev := s.next(t.window[i-t.start:])
		i += int64(n)
		top := len(frames) - 1
		switch ev {
		case evBroken:
			return nil
		case evKey:
			frames[top].key = knownKey(s.key)
		case evValue:
			if scalar = t.at(i) != '{' && t.at(i) != '['; scalar {
				scalarStart = i
				continue
			}
			if top >= 0 && inRecords < 0 && string(frames[top].key) == patchedKey[1:len(patchedKey)-1] {
				inRecords = top
			}
			frames = append(frames, patchedFrame{start: i})
		case evEnd:
			span := [2]int64{scalarStart, i}
			if !scalar {
				span[0] = frames[top].start
				if frame := frames[top]; inRecords < 0 && t.isPatched(frame) {
					for len(found) > 0 && found[len(found)-1].start > frame.start {
						found = found[:len(found)-1]
					}
					p := patchedSpan{start: frame.start, end: i}
					if top > 0 && string(frames[top-1].key) == "value" && frames[top-1].isData {
						p.storeID = t.idAt(frames[top-1].id)
					}
					found = append(found, p)
				}
				frames = frames[:top]
				top--
			}
			if scalar = false; top >= 0 {
				t.note(&frames[top], span)
			}
			if inRecords == top {
				inRecords = -1
			}
		}
	}
	if !s.whole() {
		return nil
	}
	return found
}

// knownKey returns a key that matters to patchedObjects, or nil.
func knownKey(key []byte) []byte {
	for _, known := range [...]string{"id", "property", "value", patchedKey[1 : len(patchedKey)-1]} {
		if string(key) == known {
			return []byte(known)
		}
	}
	return nil
}

// note keeps where the value under a frame's last key is.
func (t *textWindow) note(f *patchedFrame, value [2]int64) {
	switch string(f.key) {
	case patchedKey[1 : len(patchedKey)-1]:
		f.ambiguous = f.records != [2]int64{}
		f.records = value
	case "id":
		f.id = value
	case "property":
		f.isData = value[1]-value[0] == int64(len(`"data"`)) && string(t.read(value)) == `"data"`
	}
	f.key = nil
}

// isPatched reports whether the object in a frame has records, in their exact shape.
func (t *textWindow) isPatched(f patchedFrame) bool {
	if f.records == [2]int64{} || f.ambiguous {
		return false
	}
	_, ok := firstRecords(t.read(f.records))
	return ok
}

// idAt returns the canonical id that a value is.
func (t *textWindow) idAt(span [2]int64) string {
	if span[1]-span[0] > maxIDText || span[1] == 0 {
		return ""
	}
	raw := t.read(span)
	if raw[0] == '"' {
		return canonicalID(unquote(raw))
	}
	return canonicalID(string(raw))
}

// read returns the text in a span.
func (t *textWindow) read(span [2]int64) []byte {
	text := make([]byte, span[1]-span[0])
	if n, err := t.source.ReadAt(text, span[0]); n < len(text) {
		t.err = fmt.Errorf("reading again: %w", err)
	}
	return text
}

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

// A patched is a patchedSpan's object taken apart.
type patched struct {
	base    []byte   // the object without its records
	records [][]byte // the first list's elements
}

func parsePatched(object []byte) (p patched, ok bool) {
	p.base = append(make([]byte, 0, len(object)), '{')
	eachMember(object, func(key, value []byte) {
		if string(key) == patchedKey[1:len(patchedKey)-1] {
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
