package interceptor

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A JavaScript text is a run of UTF-16 units, in which half of a surrogate pair may stand alone. Here it is WTF-8
// (https://simonsapin.github.io/wtf-8/): UTF-8, with a lone half in three bytes as if it were a character.

// unquoteJS returns the text that a JSON string is. quoted is what stands between its quotes.
func unquoteJS(quoted []byte) string {
	if !bytes.ContainsRune(quoted, '\\') {
		return string(quoted)
	}
	text, _ := appendUnquoted(make([]byte, 0, len(quoted)), quoted, true)
	return string(text)
}

// longestEscape is how long an escape can be.
const longestEscape = len(`\u0000`)

// appendUnquoted appends the text that a part of a JSON string is, and returns how many bytes of it were used: all, but for an
// escape at the end of a part that is not the last.
func appendUnquoted(text, quoted []byte, isLast bool) (_ []byte, used int) {
	for i := 0; i < len(quoted); i++ {
		if quoted[i] != '\\' {
			plain := bytes.IndexByte(quoted[i:], '\\')
			if plain < 0 {
				return append(text, quoted[i:]...), len(quoted)
			}
			text = append(text, quoted[i:i+plain]...)
			i += plain
		}
		if !isLast && i+longestEscape > len(quoted) {
			return text, i
		}
		if i+1 == len(quoted) {
			text = append(text, '\\')
			continue
		}
		i++
		switch c := quoted[i]; c {
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		case 'u':
			unit, err := strconv.ParseUint(string(quoted[i+1:min(i+5, len(quoted))]), 16, 16)
			if err != nil {
				unit = utf8.RuneError
			}
			text = appendUnit(text, uint16(unit))
			i = min(i+4, len(quoted))
		default:
			text = append(text, c)
		}
	}
	return text, len(quoted)
}

// writeUnquoted writes the text that a JSON string is, however long it is. quoted is what stands between its quotes.
func writeUnquoted(w io.Writer, quoted io.Reader) error {
	const joins = 3 // bytes at the end of a text that the next unit may be joined with
	var text []byte
	chunk := make([]byte, 0, writeSize)
	for isLast := false; !isLast; {
		n, err := io.ReadFull(quoted, chunk[len(chunk):cap(chunk)])
		if isLast = err == io.EOF || err == io.ErrUnexpectedEOF; err != nil && !isLast {
			return err
		}
		chunk = chunk[:len(chunk)+n]
		var used int
		text, used = appendUnquoted(text, chunk, isLast)
		chunk = append(chunk[:0], chunk[used:]...)
		whole := len(text)
		if !isLast {
			whole = max(0, whole-joins)
		}
		if _, err := w.Write(text[:whole]); err != nil {
			return err
		}
		text = append(text[:0], text[whole:]...)
	}
	return nil
}

// appendUnit appends a UTF-16 unit to WTF-8, joined with a first half of a surrogate pair at its end.
func appendUnit(text []byte, unit uint16) []byte {
	if utf16.IsSurrogate(rune(unit)) {
		if n := len(text) - 3; n >= 0 {
			if first, size := decodeWTF8(string(text[n:])); size == 3 {
				if r := utf16.DecodeRune(first, rune(unit)); r != utf8.RuneError {
					return utf8.AppendRune(text[:n], r)
				}
			}
		}
		return append(text, 0xe0|byte(unit>>12), 0x80|byte(unit>>6)&0x3f, 0x80|byte(unit)&0x3f)
	}
	return utf8.AppendRune(text, rune(unit))
}

// decodeWTF8 returns the first character of text, or half of a surrogate pair, and its size in bytes.
func decodeWTF8(text string) (rune, int) {
	r, size := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && len(text) >= 3 && text[0] == 0xed && text[1]&0xe0 == 0xa0 && text[2]&0xc0 == 0x80 {
		return 0xd000 | rune(text[1]&0x3f)<<6 | rune(text[2]&0x3f), 3
	}
	return r, size
}

// utf16Units returns the text's UTF-16 units.
func utf16Units(text string) []uint16 {
	units := make([]uint16, 0, len(text))
	for len(text) > 0 {
		r, size := decodeWTF8(text)
		text = text[size:]
		if utf16.IsSurrogate(r) {
			units = append(units, uint16(r))
		} else {
			units = utf16.AppendRune(units, r)
		}
	}
	return units
}

// fromUnits returns the text of UTF-16 units.
func fromUnits(units ...uint16) string {
	text := make([]byte, 0, len(units))
	for _, unit := range units {
		text = appendUnit(text, unit)
	}
	return string(text)
}

// joinText returns the two texts as one: halves of a surrogate pair that meet become a character.
func joinText(a, b string) string {
	if len(a) >= 3 && len(b) >= 3 && b[0] == 0xed {
		if second, size := decodeWTF8(b); size == 3 && utf16.IsSurrogate(second) {
			return string(appendUnit([]byte(a), uint16(second))) + b[size:]
		}
	}
	return a + b
}

// appendQuotedJS appends a text as JSON.stringify writes it: ECMA-262, section 25.5.2.3.
func appendQuotedJS(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ' && c != 0xed:
			dst = append(dst, c)
		case c == 0xed:
			r, size := decodeWTF8(text[i:])
			if utf16.IsSurrogate(r) {
				dst = append(append(dst, `\u`...), strconv.FormatUint(uint64(r), 16)...)
			} else {
				dst = append(dst, text[i:i+size]...)
			}
			i += size
			continue
		default:
			if short := strings.IndexByte("\b\t\n\f\r", c); short >= 0 {
				dst = append(dst, '\\', "btnfr"[short])
			} else {
				dst = append(dst, '\\', 'u', '0', '0', '0'+c>>4, "0123456789abcdef"[c&15])
			}
		}
		i++
	}
	return append(dst, '"')
}
