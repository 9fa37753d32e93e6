package interceptor

import (
	"bytes"
	"encoding/json"
)

// An event is what a scanner came upon.
type event uint8

const (
	evMore   event = iota // all bytes are used: feed the next chunk
	evKey                 // an object's key has ended: see scanner.keyText
	evValue               // the next byte begins a value
	evEnd                 // a value has ended: one that was walked into, or the one that was skipped or captured
	evBroken              // the bytes are not JSON; the scanner is of no more use
)

// A want is what the grammar allows next.
type want uint8

const (
	wantValue want = iota
	wantValueOrEnd
	wantKey
	wantKeyOrEnd
	wantColon
	wantCommaOrEnd
	wantNothing
)

// A cutKind is what a chunk's end has cut.
type cutKind uint8

const (
	cutNone cutKind = iota
	cutString
	cutKey
	cutNumber
	cutLiteral
)

const (
	maxKeyText  = 4 << 10 // bytes of a key that are kept; the text of a longer key is ""
	maxNumber   = 2 << 10 // bytes of a captured number; a longer one counts as broken
	maxDepth    = 1 << 20 // open containers
	plainDigits = 15      // whole numbers of so many digits are exact in a browser
)

// A scanner walks a JSON text that arrives in chunks of any size, in constant memory. Its owner calls next, which uses up
// bytes and says what it came upon. At evValue the owner may call skip or capture to pass over that value, without a
// further event up to its evEnd; otherwise next walks into it.
//
// It checks what tells where values end and whether the text is whole: brackets, commas, colons, literals. It does not
// look into strings. NaN, Infinity and -Infinity are values: Python writes them.
//
// The zero scanner is ready for use.
type scanner struct {
	want      want
	open      bitStack // the open containers: true for an object
	announced bool     // evValue was returned for the value that comes next

	cut     cutKind
	escaped bool   // in a string: the next byte is escaped
	literal string // in a literal: the bytes still to come
	number  []byte // in a number: the bytes so far
	key     []byte // the last key, as it stands between its quotes
	keyLong bool   // the last key is longer than maxKeyText

	quiet bool    // a value is being skipped or captured,
	base  int     // inside so many open containers,
	out   *[]byte // and appended to this, if captured
}

// skip passes over the value that evValue announced.
func (s *scanner) skip() { s.quiet, s.base, s.out = true, s.open.n, nil }

// capture passes over the value that evValue announced and appends it to *out, its numbers as a browser would return them.
// A number that a chunk's end cuts is appended when it is whole.
func (s *scanner) capture(out *[]byte) { s.quiet, s.base, s.out = true, s.open.n, out }

// stopCapture goes on with a captured value as with a skipped one. What was held back of a number is appended as it came.
func (s *scanner) stopCapture() {
	if s.out != nil && s.cut == cutNumber {
		*s.out = append(*s.out, s.number...)
	}
	s.out = nil
}

// depth is how many containers are open.
func (s *scanner) depth() int { return s.open.n }

// whole reports whether the bytes used up are one whole JSON text.
func (s *scanner) whole() bool {
	return s.want == wantNothing || s.open.n == 0 && s.cut == cutNumber
}

// keyText is the last key, unescaped.
func (s *scanner) keyText() string {
	if s.keyLong {
		return ""
	}
	if bytes.IndexByte(s.key, '\\') < 0 {
		return string(s.key)
	}
	var text string
	if json.Unmarshal([]byte(`"`+string(s.key)+`"`), &text) != nil {
		return ""
	}
	return text
}

// next uses up the first n bytes of p and says why it stopped there.
func (s *scanner) next(p []byte) (n int, ev event) {
	i := 0
	copied := 0 // of p, so much is in *s.out if it belongs there
	stop := func(ev event) (int, event) {
		if s.out != nil && i > copied {
			*s.out = append(*s.out, p[copied:i]...)
		}
		if ev == evEnd {
			s.quiet, s.out = false, nil
		}
		return i, ev
	}

	for i < len(p) {
		switch s.cut {
		case cutString, cutKey:
			isKey := s.cut == cutKey
			end, ended := s.endOfString(p, i)
			if isKey && !s.quiet {
				s.addKey(p[i:end], ended)
			}
			i = end
			if !ended {
				return stop(evMore)
			}
			s.cut = cutNone
			if isKey {
				s.want = wantColon
				if !s.quiet {
					return stop(evKey)
				}
			} else if s.valueEnded() {
				return stop(evEnd)
			}
			continue

		case cutLiteral:
			for i < len(p) && s.literal != "" {
				if p[i] != s.literal[0] {
					return stop(evBroken)
				}
				i, s.literal = i+1, s.literal[1:]
			}
			if s.literal != "" {
				return stop(evMore)
			}
			s.cut = cutNone
			if s.valueEnded() {
				return stop(evEnd)
			}
			continue

		case cutNumber:
			end := endOfNumber(p, i)
			if len(s.number)+end-i <= maxNumber {
				s.number = append(s.number, p[i:end]...)
			} else if s.out != nil {
				*s.out = append(*s.out, s.number...)
				return stop(evBroken)
			}
			i, copied = end, end
			if i == len(p) {
				return i, evMore
			}
			s.cut = cutNone
			if p[i] == 'I' && string(s.number) == "-" {
				if s.out != nil {
					*s.out = append(*s.out, '-')
				}
				s.cut, s.literal = cutLiteral, "Infinity"
				continue
			}
			if s.out != nil && !s.appendNumber(s.number) {
				return stop(evBroken)
			}
			if s.valueEnded() {
				return stop(evEnd)
			}
			continue
		}

		c := p[i]
		if isSpace(c) {
			i++
			continue
		}
		switch s.want {
		case wantValue, wantValueOrEnd:
			if c == ']' && s.want == wantValueOrEnd {
				i++
				if s.closed() {
					return stop(evEnd)
				}
				continue
			}
			if !s.quiet && !s.announced {
				s.announced = true
				return i, evValue
			}
			s.announced = false
			switch {
			case isNumberByte[c]:
				start := i
				i = endOfNumber(p, i)
				if i == len(p) || c == '-' && i == start+1 { // cut, or perhaps -Infinity
					if s.out != nil {
						*s.out = append(*s.out, p[copied:start]...)
					}
					copied = i
					s.cut, s.number = cutNumber, append(s.number[:0], p[start:i]...)
					continue
				}
				if s.out != nil && !isPlainInteger(p[start:i]) {
					*s.out = append(*s.out, p[copied:start]...)
					copied = i
					if !s.appendNumber(p[start:i]) {
						return stop(evBroken)
					}
				}
				if s.valueEnded() {
					return stop(evEnd)
				}
				continue
			case c == '"':
				s.cut = cutString
			case c == '{':
				s.open.push(true)
				s.want = wantKeyOrEnd
			case c == '[':
				s.open.push(false)
				s.want = wantValueOrEnd
			default:
				if s.literal = literals[c]; s.literal == "" {
					return stop(evBroken)
				}
				s.cut = cutLiteral
				continue
			}
			if s.open.n > maxDepth {
				return stop(evBroken)
			}
		case wantKey, wantKeyOrEnd:
			if c == '}' && s.want == wantKeyOrEnd {
				i++
				if s.closed() {
					return stop(evEnd)
				}
				continue
			}
			if c != '"' {
				return stop(evBroken)
			}
			s.cut, s.key, s.keyLong = cutKey, s.key[:0], false
		case wantColon:
			if c != ':' {
				return stop(evBroken)
			}
			s.want = wantValue
		case wantCommaOrEnd:
			inObject := s.open.top()
			switch {
			case c == ',' && inObject:
				s.want = wantKey
			case c == ',':
				s.want = wantValue
			case c == '}' && inObject, c == ']' && !inObject:
				i++
				if s.closed() {
					return stop(evEnd)
				}
				continue
			default:
				return stop(evBroken)
			}
		case wantNothing:
			return stop(evBroken)
		}
		i++
	}
	return stop(evMore)
}

// valueEnded notes the end of a value, and reports whether the owner is to know of it.
func (s *scanner) valueEnded() bool {
	s.want = wantCommaOrEnd
	if s.open.n == 0 {
		s.want = wantNothing
	}
	return !s.quiet || s.open.n == s.base
}

// closed is valueEnded for a container.
func (s *scanner) closed() bool {
	s.open.pop()
	return s.valueEnded()
}

// appendNumber appends a captured number as a browser would return it. What is no number is appended as it is.
func (s *scanner) appendNumber(literal []byte) (ok bool) {
	if *s.out, ok = appendNumber(*s.out, literal); !ok {
		*s.out = append(*s.out, literal...)
	}
	return ok
}

// addKey appends a part of a key; the last part ends with the closing quote.
func (s *scanner) addKey(part []byte, last bool) {
	if last {
		part = part[:len(part)-1]
	}
	if len(s.key)+len(part) > maxKeyText {
		s.keyLong = true
		return
	}
	s.key = append(s.key, part...)
}

// endOfString returns the end of the string that p[i:] goes on with, behind its closing quote, or that it has no end in p.
func (s *scanner) endOfString(p []byte, i int) (end int, ended bool) {
	if s.escaped {
		s.escaped = false
		i++
	}
	quote := -1
	for {
		if quote < i {
			if quote = bytes.IndexByte(p[i:], '"'); quote >= 0 {
				quote += i
			} else {
				quote = len(p)
			}
		}
		backslash := bytes.IndexByte(p[i:quote], '\\')
		switch {
		case backslash >= 0 && i+backslash+1 == len(p):
			s.escaped = true
			return len(p), false
		case backslash >= 0:
			i += backslash + 2
		case quote == len(p):
			return len(p), false
		default:
			return quote + 1, true
		}
	}
}

func endOfNumber(p []byte, i int) int {
	for i < len(p) && isNumberByte[p[i]] {
		i++
	}
	return i
}

// isPlainInteger reports whether a number is the same in a browser at a glance: a short whole number.
func isPlainInteger(literal []byte) bool {
	if len(literal) > plainDigits || literal[0] == '0' && len(literal) > 1 {
		return false
	}
	for _, c := range literal {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

var isNumberByte = func() (table [256]bool) {
	for _, c := range []byte("0123456789+-.eE") {
		table[c] = true
	}
	return table
}()

var literals = [256]string{'t': "true", 'f': "false", 'n': "null", 'N': "NaN", 'I': "Infinity"}

// A bitStack is a stack of bits.
type bitStack struct {
	words []uint64
	n     int
}

func (b *bitStack) push(bit bool) {
	word, mask := b.n/64, uint64(1)<<(b.n%64)
	if word == len(b.words) {
		b.words = append(b.words, 0)
	}
	if b.words[word] &^= mask; bit {
		b.words[word] |= mask
	}
	b.n++
}

func (b *bitStack) pop() { b.n-- }

// top is the last bit that was pushed; there must be one.
func (b *bitStack) top() bool { return b.words[(b.n-1)/64]>>((b.n-1)%64)&1 == 1 }
