package interceptor

import (
	"bytes"
	"encoding/binary"
)

// appendNumber appends a captured number as a browser would return it. What is no number is appended as it is.
func (s *scanner) appendNumber(literal []byte) (ok bool) {
	if len(literal) <= maxNumber {
		*s.out, ok = appendNumber(*s.out, literal)
	}
	if !ok {
		*s.out = append(*s.out, literal...)
	}
	return ok
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

// endOfShortString returns the end of a string whose opening quote is before p[i], if it is short and without a backslash,
// as most are; else 0. A loop over so few bytes is faster than endOfString's searches.
func endOfShortString(p []byte, i int) (end int) {
	for j, c := range p[i:min(len(p), i+shortString)] {
		if c == '"' {
			return i + j + 1
		}
		if c == '\\' {
			break
		}
	}
	return 0
}

// endOfNumber returns where the bytes of a number end that begins or goes on at p[i]. Behind a point come many digits, or few.
func endOfNumber(p []byte, i int) int {
	for i < len(p) && isNumberByte[p[i]] {
		point := p[i] == '.'
		i++
		for point && i+8 <= len(p) && eightDigits(binary.LittleEndian.Uint64(p[i:])) {
			i += 8
		}
	}
	return i
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
	top   bool // the bit that was pushed last
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
	b.top = bit
}

func (b *bitStack) pop() {
	b.n--
	if last := b.n - 1; last >= 0 {
		b.top = b.words[last/64]>>(last%64)&1 == 1
	}
}
