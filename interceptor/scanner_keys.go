package interceptor

import (
	"bytes"
	"encoding/json"
	"math"
)

// textRank is the rank of a key that is no array index.
const textRank = math.MaxUint32

// keyRank says where a browser puts an object's key, given as it stands between its quotes: keys come in ascending rank, and
// those of equal rank in the order in which they came.
//
// Array indices come first, ascending: the whole numbers below 2^32-1, written as JavaScript writes them. All other keys keep
// their order (ECMA-262, sections 6.1.7 and 10.1.11.1, which JSON.parse and JSON.stringify follow).
func keyRank(key []byte) uint32 {
	if len(key) == 0 || key[0]-'0' > 9 && key[0] != '\\' {
		return textRank // most are
	}
	return indexRank(key)
}

// indexRank is keyRank for a key that begins with a digit or an escape.
func indexRank(key []byte) uint32 {
	if key[0] == '\\' && !bytes.HasPrefix(key, []byte(`\u003`)) { // U+0030 is 0
		return textRank
	}
	if bytes.IndexByte(key, '\\') >= 0 {
		key = []byte(unescape(key))
	}
	if len(key) == 0 || len(key) > len("4294967294") || key[0] == '0' && len(key) > 1 {
		return textRank
	}
	rank := uint64(0)
	for _, c := range key {
		if c-'0' > 9 {
			return textRank
		}
		rank = 10*rank + uint64(c-'0')
	}
	return uint32(min(rank, textRank))
}

// beginKeys notes that an object begins in the value that is captured.
func (s *scanner) beginKeys() {
	s.ranks = append(s.ranks, s.rank)
	s.rank = 0
}

// noteKey notes a key of that object. That a key is there twice need not be noted: of its values, Python takes the last one, as
// JSON.parse does, and the place of the first.
func (s *scanner) noteKey(key []byte) {
	rank := keyRank(key)
	s.disordered = s.disordered || rank < s.rank
	s.rank = rank
}

// endKeys notes that the object has ended.
func (s *scanner) endKeys() {
	last := len(s.ranks) - 1
	s.rank, s.ranks = s.ranks[last], s.ranks[:last]
}

// keyText is the last key, unescaped.
func (s *scanner) keyText() string { return unescape(s.key) }

// unescape returns what stands between the quotes of a string; "" if it has a wrong escape.
func unescape(inside []byte) string {
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	var text string
	if json.Unmarshal([]byte(`"`+string(inside)+`"`), &text) != nil {
		return ""
	}
	return text
}

// addKey appends a part of a key; the last part ends with the closing quote.
func (s *scanner) addKey(part []byte, last bool) {
	if last {
		part = part[:len(part)-1]
	}
	if s.keyLong || len(s.key)+len(part) > maxKeyText {
		s.key, s.keyLong = s.key[:0], true
		return
	}
	s.key = append(s.key, part...)
}
