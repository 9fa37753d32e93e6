package interceptor

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
	shortString = 32      // bytes
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
	key     []byte // the last key, as it stands between its quotes; empty if it is longer than maxKeyText
	keyLong bool   // it is

	quiet  bool    // a value is being skipped or captured,
	base   int     // inside so many open containers,
	out    *[]byte // and appended to this, if captured:
	copied int     // of next's p, so many bytes are in it, or not to be in it as they are

	rank       uint32   // of the last key of the innermost object that is captured: see keyRank
	ranks      []uint32 // the same for the objects around it
	disordered bool     // the value captured last has an object whose keys a browser would put into another order
}

// skip passes over the value that evValue announced.
func (s *scanner) skip() { s.quiet, s.base, s.out = true, s.open.n, nil }

// capture passes over the value that evValue announced and appends it to *out, its numbers as a browser would return them, its
// keys as they come: see disordered. A number that a chunk's end cuts is appended when it is whole.
func (s *scanner) capture(out *[]byte) {
	s.quiet, s.base, s.out = true, s.open.n, out
	s.ranks, s.disordered = s.ranks[:0], false
}

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

// next uses up the first n bytes of p and says why it stopped there.
func (s *scanner) next(p []byte) (n int, ev event) {
	s.copied = 0
	n, ev = s.scan(p)
	if s.out != nil && n > s.copied {
		*s.out = append(*s.out, p[s.copied:n]...)
	}
	if ev == evEnd {
		s.quiet, s.out = false, nil
	}
	return n, ev
}

// scan is next without the copying that is left at its end. evMore means here, and in what it calls, that it goes on if there
// are bytes left.
func (s *scanner) scan(p []byte) (i int, ev event) {
	for i < len(p) && ev == evMore {
		if s.cut != cutNone {
			i, ev = s.resume(p, i)
			continue
		}
		c := p[i]
		switch {
		case c <= ' ' && isSpace(c):
			i++
		case s.want == wantValue || s.want == wantValueOrEnd && c != ']':
			if !s.quiet && !s.announced {
				s.announced = true
				return i, evValue
			}
			s.announced = false
			i, ev = s.begin(p, i)
		case s.want == wantKey || s.want == wantKeyOrEnd && c != '}':
			i, ev = s.beginKey(p, i)
		case s.want == wantColon && c == ':':
			i, s.want = i+1, wantValue
		case s.want == wantCommaOrEnd && c == ',':
			if i, s.want = i+1, wantValue; s.open.top {
				s.want = wantKey
			}
		case c == ']' && (s.want == wantValueOrEnd || s.want == wantCommaOrEnd && !s.open.top),
			c == '}' && (s.want == wantKeyOrEnd || s.want == wantCommaOrEnd && s.open.top):
			if c == '}' && s.out != nil {
				s.endKeys()
			}
			s.open.pop()
			i, ev = i+1, s.endValue()
		default:
			ev = evBroken
		}
	}
	return i, ev
}

// begin begins the value at p[i], and ends it where that is cheap.
func (s *scanner) begin(p []byte, i int) (int, event) {
	switch c := p[i]; {
	case isNumberByte[c]:
		start, end := i, endOfNumber(p, i)
		if end == len(p) || c == '-' && end == start+1 { // cut, or perhaps -Infinity
			s.copyRun(p, start, end)
			s.cut, s.number = cutNumber, append(s.number[:0], p[start:end]...)
			return end, evMore
		}
		if s.out != nil && len(returnedPart(p[start:end])) != end-start {
			s.copyRun(p, start, end)
			if !s.appendNumber(p[start:end]) {
				return end, evBroken
			}
		}
		return end, s.endValue()
	case c == '"':
		if end := endOfShortString(p, i+1); end > 0 {
			return end, s.endValue()
		}
		s.cut = cutString
	case c == '{':
		if s.out != nil {
			s.beginKeys()
		}
		s.open.push(true)
		s.want = wantKeyOrEnd
	case c == '[':
		s.open.push(false)
		s.want = wantValueOrEnd
	default:
		if s.literal = literals[c]; s.literal == "" {
			return i, evBroken
		}
		s.cut = cutLiteral
		return i, evMore
	}
	if s.open.n > maxDepth {
		return i, evBroken
	}
	return i + 1, evMore
}

// beginKey begins the key at p[i], and ends it where that is cheap.
func (s *scanner) beginKey(p []byte, i int) (int, event) {
	if p[i] != '"' {
		return i, evBroken
	}
	if s.quiet {
		if end := endOfShortString(p, i+1); end > 0 {
			if s.out != nil {
				s.noteKey(p[i+1 : end-1])
			}
			s.want = wantColon
			return end, evMore
		}
	}
	s.cut, s.key, s.keyLong = cutKey, s.key[:0], false
	return i + 1, evMore
}

// resume goes on with a token that has begun before p[i].
func (s *scanner) resume(p []byte, i int) (int, event) {
	switch s.cut {
	case cutString, cutKey:
		end, ended := s.endOfString(p, i)
		if s.cut == cutKey && (!s.quiet || s.out != nil) {
			s.addKey(p[i:end], ended)
		}
		switch {
		case !ended:
			return end, evMore
		case s.cut == cutString:
			return end, s.endValue()
		}
		s.cut, s.want = cutNone, wantColon
		if s.out != nil {
			s.noteKey(s.key)
		}
		if s.quiet {
			return end, evMore
		}
		return end, evKey

	case cutLiteral:
		for i < len(p) && s.literal != "" {
			if p[i] != s.literal[0] {
				return i, evBroken
			}
			i, s.literal = i+1, s.literal[1:]
		}
		if s.literal != "" {
			return i, evMore
		}
		return i, s.endValue()
	}

	end := endOfNumber(p, i)
	s.copyRun(p, i, end)
	switch {
	case len(s.number)+end-i <= maxNumber:
		s.number = append(s.number, p[i:end]...)
	case s.out != nil:
		*s.out = append(append(*s.out, s.number...), p[i:end]...)
		s.cut = cutNone
		return end, evBroken
	default:
		s.number = append(s.number[:0], '0') // it matters only that it is not "-"
	}
	if end == len(p) {
		return end, evMore
	}
	s.cut = cutNone
	switch {
	case p[end] == 'I' && string(s.number) == "-":
		if s.out != nil {
			*s.out = append(*s.out, '-')
		}
		s.cut, s.literal = cutLiteral, "Infinity"
		return end, evMore
	case s.out != nil && !s.appendNumber(s.number):
		return end, evBroken
	}
	return end, s.endValue()
}

// copyRun appends what comes before p[i], if it is captured, and leaves it to the caller to append what goes up to end.
func (s *scanner) copyRun(p []byte, i, end int) {
	if s.out != nil {
		*s.out = append(*s.out, p[s.copied:i]...)
	}
	s.copied = end
}

// endValue notes that a value has ended. The event is evEnd if the owner is to know.
func (s *scanner) endValue() event {
	s.cut, s.want = cutNone, wantCommaOrEnd
	if s.open.n == 0 {
		s.want = wantNothing
	}
	if s.quiet && s.open.n > s.base {
		return evMore
	}
	return evEnd
}
