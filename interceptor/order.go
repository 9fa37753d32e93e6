package interceptor

import (
	"cmp"
	"slices"
)

// maxMoves bounds orderKeys: so many times the length of a text may be moved in it. An object within another is moved with it,
// so it takes objects out of order within one another, deeper than this, to get there.
const maxMoves = 32

// A member is where an object has a key with its value, and all white space around them: from behind a brace or a comma up to
// the next.
type member struct {
	rank       uint32 // the key's: see keyRank
	start, end int
}

// orderKeys puts the members of each object in a JSON text, which is whole and in memory, into a browser's order: see keyRank.
// It changes the text in place, and but for that order leaves every byte, also of keys that are there twice. It needs memory
// in proportion to the largest object that is out of order, and to the number of members in objects that are open at a time.
//
// It reports false if it gave up halfway: see maxMoves. The text then is as good as it was before.
func orderKeys(text []byte) bool {
	var (
		members []member // of all objects that are open
		open    []int    // for each open container, where its members begin; -1 for an array
		atKey   bool     // a key comes next, or an object's end
		start   int      // behind the last brace or comma
		scratch []byte
		moves   = maxMoves * len(text)
	)
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			end := endOfQuoted(text, i)
			if atKey {
				members = append(members, member{rank: keyRank(text[i+1 : max(i+1, end-1)]), start: start})
				atKey = false
			}
			i = end
			continue
		case '{':
			open, atKey, start = append(open, len(members)), true, i+1
		case '[':
			open, atKey = append(open, -1), false
		case ',':
			if first := open[len(open)-1]; first >= 0 {
				members[len(members)-1].end = i
				atKey, start = true, i+1
			}
		case '}', ']':
			first := open[len(open)-1]
			open, atKey = open[:len(open)-1], false
			if first < 0 || first == len(members) {
				break
			}
			members[len(members)-1].end = i
			if object := members[first:]; !slices.IsSortedFunc(object, byRank) {
				if moves -= i - object[0].start; moves < 0 {
					return false
				}
				scratch = orderMembers(text, object, scratch)
			}
			members = members[:first]
		}
		i++
	}
	return true
}

// orderMembers moves the members of one object in the text that holds them. It uses scratch for what it likes, and returns it.
func orderMembers(text []byte, members []member, scratch []byte) []byte {
	at, end := members[0].start, members[len(members)-1].end
	base := at
	scratch = append(scratch[:0], text[at:end]...)
	slices.SortFunc(members, byRank)
	for i, m := range members {
		if i > 0 {
			text[at] = ','
			at++
		}
		at += copy(text[at:], scratch[m.start-base:m.end-base])
	}
	return scratch
}

func byRank(a, b member) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.start, b.start))
}
