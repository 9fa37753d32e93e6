package interceptor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// A tokenSpan is an object in a request that begins with a token.
type tokenSpan struct {
	start   int64
	textEnd int64  // behind the token's text
	end     int64  // 0 if the object goes on with other keys
	text    []byte // the token's
}

// alone reports whether the object holds nothing but the token.
func (s tokenSpan) alone() bool { return s.end > 0 }

// A textWindow reads a long text through a window.
type textWindow struct {
	source io.ReaderAt
	size   int64
	window []byte // the bytes from start
	start  int64
	err    error
}

// newTextWindow returns a window over a text of a size in bytes. If that is in memory, the window is all of it.
func newTextWindow(source io.ReaderAt, size int64) *textWindow {
	if held, ok := source.(interface{ Bytes() []byte }); ok && int64(len(held.Bytes())) >= size {
		return &textWindow{source: source, size: size, window: held.Bytes()[:size:size]}
	}
	return &textWindow{source: source, size: size, window: make([]byte, 0, min(size, 64<<10))}
}

// at is the byte at i, or 0 where there is none.
func (t *textWindow) at(i int64) byte {
	if i < 0 || i >= t.size || t.err != nil {
		return 0
	}
	if i < t.start || i >= t.start+int64(len(t.window)) {
		t.load(i - int64(cap(t.window)/2)) // room both ways
	}
	if t.err != nil {
		return 0
	}
	return t.window[i-t.start]
}

// load moves the window to begin at start, or as near as makes sense.
func (t *textWindow) load(start int64) {
	t.start = max(0, min(start, t.size-int64(cap(t.window))))
	t.window = t.window[:min(int64(cap(t.window)), t.size-t.start)]
	if n, err := t.source.ReadAt(t.window, t.start); n < len(t.window) {
		t.err = err
	}
}

// find returns where word is, from i on; size if it is not.
func (t *textWindow) find(word string, i int64) int64 {
	for ; i+int64(len(word)) <= t.size && t.err == nil; i = t.start + int64(len(t.window)-len(word)) + 1 {
		if t.at(i); i+int64(len(word)) > t.start+int64(len(t.window)) {
			t.load(i)
		}
		if t.err != nil {
			break
		}
		if found := bytes.Index(t.window[i-t.start:], []byte(word)); found >= 0 {
			return i + int64(found)
		}
	}
	return t.size
}

func (t *textWindow) skipSpace(i, step int64) int64 {
	for isSpace(t.at(i)) {
		i += step
	}
	return i
}

// isWide reports whether the text is a JSON object in UTF-16 or UTF-32, by what Python's json.detect_encoding goes by.
func (t *textWindow) isWide() bool {
	if t.at(0) == 0xfe && t.at(1) == 0xff || t.at(0) == 0xff && t.at(1) == 0xfe {
		return true
	}
	zeros := 0
	for i := range min(t.size, 4) {
		switch c := t.at(i); {
		case c == 0:
			zeros++
		case c >= 0x80: // an object begins with ASCII characters
			return false
		}
	}
	return zeros > 0 && t.err == nil
}

// nextToken returns the first object from i on whose first key is "$dashstash", with a text of a token's shape; ok is false if
// there is none.
//
// It looks at bytes alone, which is enough: in a JSON text, an unescaped quote begins or ends a string. Behind a brace it
// begins one, the key; and had it ended one, a dollar sign could not follow.
func (t *textWindow) nextToken(i int64) (span tokenSpan, ok bool) {
	for i = t.find(tokenKey, i); i < t.size; i = t.find(tokenKey, i+1) {
		if span, ok = t.tokenAt(i); ok {
			return span, true
		}
	}
	return tokenSpan{}, false
}

// tokenAt returns the object with a token whose key is at i.
func (t *textWindow) tokenAt(i int64) (span tokenSpan, ok bool) {
	span.start = t.skipSpace(i-1, -1)
	if t.at(span.start) != '{' {
		return span, false
	}
	i = t.skipSpace(i+int64(len(tokenKey)), 1)
	if t.at(i) != ':' {
		return span, false
	}
	i = t.skipSpace(i+1, 1)
	if t.at(i) != '"' {
		return span, false
	}
	for i++; len(span.text) < TokenSize; i++ {
		span.text = append(span.text, t.at(i))
	}
	if !isTokenText(span.text) || t.at(i) != '"' {
		return span, false
	}
	span.textEnd = i + 1
	i = t.skipSpace(span.textEnd, 1)
	switch t.at(i) {
	case '}':
		span.end = i + 1
		return span, true
	case ',':
		return span, true
	}
	return span, false
}

// maxBefore is how many bytes in front of a token are looked at for whose data it is.
const maxBefore = 1 << 10

// storeBefore returns the canonical id of the Store of which the value that begins at i is the data, if that stands before it as
// browsers write it: {"id":"df","property":"data","value":. It is "" if that cannot be told, which changes no more than a count.
func (t *textWindow) storeBefore(i int64) string {
	const begin, end = `{"id":`, `,"property":"data","value":`
	before, ok := bytes.CutSuffix(t.read([2]int64{max(0, i-maxBefore), i}), []byte(end))
	for at := len(before); ok && at >= 0; {
		if at = bytes.LastIndex(before[:at], []byte(begin)); at < 0 {
			break
		}
		if id := before[at+len(begin):]; json.Valid(id) { // a dict id may itself have the key "id"
			return idOf(string(id))
		}
	}
	return ""
}

// endOfValue returns where the JSON value that begins at i ends.
func (t *textWindow) endOfValue(i int64) (end int64, ok bool) {
	var s scanner
	for i < t.size && t.at(i) != 0 {
		n, ev := s.next(t.window[i-t.start:])
		i += int64(n)
		switch ev {
		case evValue:
			s.skip()
		case evEnd:
			return i, true
		case evBroken:
			return 0, false
		}
	}
	return 0, false
}

var errNoList = errors.New("this is no JSON list")

// elements returns where the elements of a JSON list are, and fails with errManyTokens if they are more than most.
func (t *textWindow) elements(most int) (spans [][2]int64, err error) {
	var s scanner
	start := int64(0)
	for i := t.behindMark(); i < t.size && t.at(i) != 0; {
		n, ev := s.next(t.window[i-t.start:])
		i += int64(n)
		switch {
		case ev == evBroken || ev == evValue && s.depth() == 0 && t.at(i) != '[':
			return nil, errNoList
		case ev == evValue && s.depth() == 1:
			start = i
			s.skip()
		case ev == evEnd && s.depth() == 1:
			if len(spans) == most {
				return nil, errManyTokens
			}
			spans = append(spans, [2]int64{start, i})
		}
	}
	if t.err != nil {
		return nil, t.err
	}
	if !s.whole() {
		return nil, errNoList
	}
	return spans, nil
}
