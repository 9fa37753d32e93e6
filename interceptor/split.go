package interceptor

import "iter"

// What is here takes JSON texts apart that are whole and in memory, and were checked before. Of a text that is not, it calls
// for some members or none; it never fails.

// membersOf is the members of the object, in order: a key as it stands between the quotes, and its value. They are parts of
// object. White space around them is left out.
func membersOf(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := skipSpace(object, 0) + 1; ; i++ { // behind the brace, then behind a comma
			i = skipSpace(object, i)
			if i >= len(object) || object[i] != '"' {
				return
			}
			end := endOfQuoted(object, i)
			key := object[i+1 : max(i+1, end-1)]
			start := skipSpace(object, skipSpace(object, end)+1)
			if i = endOfValue(object, start); i == start || !yield(key, object[start:i]) {
				return
			}
			if i = skipSpace(object, i); i >= len(object) || object[i] != ',' {
				return
			}
		}
	}
}

// lastMember returns the value of the last member of the object with a key, or nil.
func lastMember(object []byte, name string) (found []byte) {
	for key, value := range membersOf(object) {
		if unquoteJS(key) == name {
			found = value
		}
	}
	return found
}

// elementsOf is the elements of the array, in order. They are parts of array, without white space around them.
func elementsOf(array []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		for i := skipSpace(array, 0) + 1; i > 0; {
			var start, end int
			if start, end, i = nextElement(array, i); start == end || !yield(array[start:end]) {
				return
			}
		}
	}
}

// nextElement returns where the element is that begins at p[i], without white space around it, and where the next one begins: 0 if
// there is none.
func nextElement(p []byte, i int) (start, end, next int) {
	start = skipSpace(p, i)
	end = endOfValue(p, start)
	if next = skipSpace(p, end); next < len(p) && p[next] == ',' {
		return start, end, next + 1
	}
	return start, end, 0
}

// endOfValue returns where the value that begins at p[i] ends; i, if none begins there.
func endOfValue(p []byte, i int) int {
	for depth := 0; i < len(p); {
		switch p[i] {
		case '"':
			i = endOfQuoted(p, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i
			}
			i++
			continue
		default: // a number or a literal
			for i < len(p) && !endsScalar[p[i]] {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
	return min(i, len(p))
}

// endOfQuoted returns where the string ends whose opening quote is p[i], behind its closing quote.
func endOfQuoted(p []byte, i int) int {
	if end := endOfShortString(p, i+1); end > 0 {
		return end
	}
	var s scanner
	end, _ := s.endOfString(p, i+1)
	return end
}

// skipSpace returns the first i, from i on, at which p has no white space, or its end.
func skipSpace(p []byte, i int) int {
	for i < len(p) && isSpace(p[i]) {
		i++
	}
	return min(i, len(p))
}

// endsScalar are the bytes at which a number or a literal ends.
var endsScalar = func() (table [256]bool) {
	for _, c := range []byte(",:]} \n\r\t\"[{") {
		table[c] = true
	}
	return table
}()
