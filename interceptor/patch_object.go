package interceptor

import "io"

// patchedKey is the key under which a Store's data, where an app has patched it, has the records of its Patches:
//
//	{"$dashstash":"<token text>","$dashstash_patches":[["<record's token text>", …], …]}
//
// What else is in the object is what was patched: a token, or data that was inline. Only the first list counts; what stands
// behind it is left over from folding (see folds). A record that could not be stored carries its bytes:
// {"<record's token text>":"<bytes>"}.
const patchedKey = `"$dashstash_patches"`

// recordLists is where an object has its records.
type recordLists struct {
	start, end       int64 // of the lists
	count            int   // of records in the first of them; 0: it is no such list
	cutFrom, cutBack int64 // what is to be left out of the object to have what was patched
}

// recordLists looks at the value of a key of records.
func (t *textWindow) recordLists(keyAt int64, value [2]int64) recordLists {
	lists := recordLists{start: value[0], end: value[1], cutFrom: keyAt, cutBack: value[1]}
	comma := t.skipSpace(keyAt-1, -1)
	isFirst := t.at(comma) != ','
	if !isFirst {
		lists.cutFrom = comma
	}
	n := 0
	if t.eachRecord(lists, func(recordSpan) bool { n++; return true }) {
		lists.count = n
	}
	if comma = t.skipSpace(value[1], 1); isFirst && t.at(comma) == ',' {
		lists.cutBack = comma + 1
	}
	return lists
}

// A recordSpan is a record in a list of them.
type recordSpan struct {
	start, end int64
	text       [TokenSize]byte // of its token
	bytes      [2]int64        // what stands between the quotes of the record's bytes, if it carries them
}

// eachRecord calls visit with each record in the first of the lists, until it returns false. It returns true if there are
// lists of records, none of them empty, and nothing else, and visit always was true.
func (t *textWindow) eachRecord(lists recordLists, visit func(recordSpan) bool) bool {
	var (
		s       scanner
		r       recordSpan
		start   [4]int64 // of the last value of a depth
		inside  [4]int   // how many values have ended in it
		isFirst = true
	)
	for i := lists.start; i < lists.end && t.at(i) != 0; {
		n, ev := s.next(t.window[i-t.start:])
		i += int64(n)
		switch depth := s.depth(); ev {
		case evBroken:
			return false
		case evKey:
			if !isTokenText(s.key) {
				return false
			}
			copy(r.text[:], s.key)
		case evValue:
			c := t.at(i)
			isList, isText := depth < 2 && c == '[', depth >= 2 && c == '"'
			if !isList && !isText && (depth != 2 || c != '{') {
				return false
			}
			start[depth], inside[depth] = i, 0
		case evEnd:
			span := [2]int64{start[depth], i}
			switch ok := inside[depth] > 0; {
			case depth == 0:
				return ok
			case depth == 1 && !ok, depth == 2 && !t.endRecord(&r, span, inside[2]), depth == 2 && isFirst && !visit(r):
				return false
			case depth == 3:
				r.bytes = [2]int64{span[0] + 1, span[1] - 1}
			}
			isFirst = isFirst && depth != 1
			inside[depth-1]++
			if depth == 2 {
				r = recordSpan{}
			}
		}
	}
	return false
}

// endRecord notes what a record is that has a number of members: none, if it is a token's text. It reports whether it is one.
func (t *textWindow) endRecord(r *recordSpan, span [2]int64, members int) bool {
	r.start, r.end = span[0], span[1]
	if t.at(span[0]) == '{' {
		return members == 1
	}
	if span[1]-span[0] != TokenSize+2 {
		return false
	}
	for i := range r.text {
		r.text[i] = t.at(span[0] + 1 + int64(i))
	}
	return isTokenText(r.text[:])
}

// A cutText is a part of a text, without a part of it.
type cutText struct {
	source           io.ReaderAt
	start, end       int64
	cutFrom, cutBack int64
}

func (c *cutText) size() int64 { return c.end - c.start - (c.cutBack - c.cutFrom) }

// ReadAt is [io.ReaderAt].
func (c *cutText) ReadAt(p []byte, offset int64) (n int, err error) {
	before := c.cutFrom - c.start
	if offset < before {
		if n, err = io.NewSectionReader(c.source, c.start, before).ReadAt(p, offset); n == len(p) || err != io.EOF {
			return n, err
		}
	}
	behind, err := io.NewSectionReader(c.source, c.cutBack, c.end-c.cutBack).ReadAt(p[n:], offset+int64(n)-before)
	return n + behind, err
}
