package interceptor

import (
	"bytes"
	"fmt"
)

// Bounds of a request. No browser comes near them, and Python reads no JSON that is nested deeper than a few thousand times.
const (
	maxTokens  = 1 << 12 // each holds on to what its reader needs, which for the file storage is a file descriptor
	maxRecords = 1 << 16 // of Patches
	maxNesting = 10_000  // open containers, where a request is walked
)

var (
	errManyTokens  = fmt.Errorf("%w: more than %d tokens", ErrTooLarge, maxTokens)
	errManyRecords = fmt.Errorf("%w: more than %d records of Patches", ErrTooLarge, maxRecords)
)

// An objectSpan is an object in a request that stands for data.
type objectSpan struct {
	start, end int64
	text       []byte // of the token, unless it is patched
	alone      bool   // it holds nothing but the token
	patched    bool   // it has records of Patches
	storeID    string // the canonical id of the Store whose data it is; "": this cannot be told
	records    recordLists
}

// An objectFrame is an open container on the way through a request.
type objectFrame struct {
	start     int64
	members   int
	key       string // the last key, if it is one of those below
	text      []byte // of a token, if one opens the last
	keyAt     int64  // of the records
	records   recordLists
	id        [2]int64
	isData    bool // its "property" is "data"
	ambiguous bool // it has the key of the records twice
}

// plain reports whether nextToken sees all that stands for data in a text: whether no object in it has records, and the key of a
// token is, as in all that browsers send, the first of its object and without escapes.
func (t *textWindow) plain() bool {
	const prefix = `"$dashstash`
	for i := t.find(prefix, 0); i < t.size; i = t.find(prefix, i+1) {
		if t.at(i+int64(len(prefix))) == '_' || t.at(t.skipSpace(i-1, -1)) == ',' {
			return false
		}
	}
	const escape = `\u00`
	for i := t.find(escape, 0); i < t.size; i = t.find(escape, i+1) {
		if c := t.at(i + int64(len(escape))); '2' <= c && c <= '7' { // an ASCII character that need not be escaped
			return false
		}
	}
	return true
}

// objects returns the objects in a text that stand for data, in order, but for those within others: however they are spelled.
// Anything that is not exactly of that shape is somebody's own data. With opens, which says whether a token opens, an object
// that holds more than a token is told from such data.
//
// ok is false if the text is no JSON. It fails with ErrTooLarge as soon as it has come upon too many of them, too many records or
// too deep a nesting.
func (t *textWindow) objects(opens func(text []byte) bool) (found []objectSpan, ok bool, err error) {
	var (
		s           scanner
		frames      []objectFrame
		scalar      bool // the value that has begun is no container
		scalarStart int64
		records     int
		inRecords   = -1 // the depth at which a value stands under the key of records: no records are looked for within it
	)
	for i := t.behindMark(); i < t.size && t.at(i) != 0; {
		n, ev := s.next(t.window[i-t.start:])
		i += int64(n)
		top := len(frames) - 1
		switch ev {
		case evBroken:
			return nil, false, nil
		case evKey:
			frames[top].members++
			if frames[top].key = knownKey(s.key); frames[top].key == recordsKey && inRecords < 0 {
				frames[top].keyAt = i - int64(len(patchedKey))
			}
		case evValue:
			if scalar = t.at(i) != '{' && t.at(i) != '['; scalar {
				scalarStart = i
				continue
			}
			if top >= 0 && inRecords < 0 && frames[top].key == recordsKey {
				inRecords = top
			}
			if len(frames) == maxNesting {
				return nil, false, fmt.Errorf("%w: nested more than %d times", ErrTooLarge, maxNesting)
			}
			frames = append(frames, objectFrame{start: i})
		case evEnd:
			span := [2]int64{scalarStart, i}
			if !scalar {
				span[0] = frames[top].start
				object := t.objectOf(frames, i, inRecords < 0)
				if object.patched || object.text != nil && (object.alone || opens(object.text)) {
					found = append(before(found, object.start), object)
					records += object.records.count
				}
				if len(found) > maxTokens {
					return nil, false, errManyTokens
				}
				if records > maxRecords {
					return nil, false, errManyRecords
				}
				frames = frames[:top]
				top--
			}
			if scalar = false; top >= 0 {
				t.note(&frames[top], span, opens, inRecords == top)
			}
			if inRecords == top {
				inRecords = -1
			}
		}
	}
	return found, s.whole(), nil
}

// objectOf is the object that ends at the end of the innermost of frames, which may be a list. mayBePatched is false within records.
func (t *textWindow) objectOf(frames []objectFrame, end int64, mayBePatched bool) objectSpan {
	top := len(frames) - 1
	frame := frames[top]
	object := objectSpan{start: frame.start, end: end, text: frame.text, alone: frame.members == 1}
	if object.patched = mayBePatched && frame.records.count > 0 && !frame.ambiguous; object.patched {
		object.records = frame.records
	}
	if (object.patched || object.text != nil) && top > 0 && frames[top-1].key == "value" && frames[top-1].isData {
		object.storeID = t.idAt(frames[top-1].id)
	}
	return object
}

// before drops what was found behind a place: it is in the object that begins there.
func before(found []objectSpan, start int64) []objectSpan {
	for len(found) > 0 && found[len(found)-1].start > start {
		found = found[:len(found)-1]
	}
	return found
}

// behindMark is where the text begins, behind a byte order mark, which Python passes over.
func (t *textWindow) behindMark() int64 {
	if t.at(0) == 0xef && t.at(1) == 0xbb && t.at(2) == 0xbf {
		return 3
	}
	return 0
}

// The keys that matter to objects, unquoted.
var (
	textKey    = tokenKey[1 : len(tokenKey)-1]
	recordsKey = patchedKey[1 : len(patchedKey)-1]
)

// knownKey returns a key, given as it stands between its quotes, that matters to objects, or "".
func knownKey(key []byte) string {
	if bytes.IndexByte(key, '\\') >= 0 {
		if unescape(key) == textKey {
			return textKey
		}
		return ""
	}
	for _, known := range [...]string{"id", "property", "value", textKey, recordsKey} {
		if string(key) == known {
			return known
		}
	}
	return ""
}

// note keeps what matters of the value under a frame's last key. mayBeRecords is false for what is within records.
func (t *textWindow) note(f *objectFrame, value [2]int64, opens func(text []byte) bool, mayBeRecords bool) {
	switch f.key {
	case textKey:
		if text := t.tokenText(value); text != nil && (f.text == nil || opens(text)) {
			f.text = text
		}
	case recordsKey:
		f.ambiguous = f.records.end > 0
		if f.records.end = value[1]; mayBeRecords && !f.ambiguous {
			f.records = t.recordLists(f.keyAt, value)
		}
	case "id":
		f.id = value
	case "property":
		f.isData = value[1]-value[0] == int64(len(`"data"`)) && string(t.read(value)) == `"data"`
	}
	f.key = ""
}

// tokenText returns the token's text that a value is, or nil.
func (t *textWindow) tokenText(value [2]int64) []byte {
	const longest = TokenSize*len(`\u0041`) + 2
	if value[1]-value[0] > int64(longest) || t.at(value[0]) != '"' {
		return nil
	}
	text := []byte(unquote(t.read(value)))
	if !isTokenText(text) {
		return nil
	}
	return text
}

// idAt returns the canonical id that a value is.
func (t *textWindow) idAt(span [2]int64) string {
	if span[1]-span[0] > maxIDText || span[1] == 0 {
		return ""
	}
	return idOf(string(t.read(span)))
}

// read returns the text in a span, which is short.
func (t *textWindow) read(span [2]int64) []byte {
	text := make([]byte, span[1]-span[0])
	if n, err := t.source.ReadAt(text, span[0]); n < len(text) {
		t.err = fmt.Errorf("reading again: %w", err)
	}
	return text
}
