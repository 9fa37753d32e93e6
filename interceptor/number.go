package interceptor

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// appendNumber appends the JSON number literal lit to dst as a browser would return it, and reports whether lit is a
// number in the grammar of RFC 8259, section 6. If it is not, dst is returned as it was. lit is only read.
//
// What a browser returns is JSON.stringify(JSON.parse(lit)): the double nearest to lit, written by Number::toString
// (ECMA-262, section 6.1.6.1.20) in the fewest digits that give that double back, "0" for minus zero, and "null" for
// what is too large for a double (SerializeJSONProperty).
//
// Python writes floats in the same fewest digits, so nearly every literal it sends in plain notation is returned as it
// is but for a fraction of zeros. Proving that is several times cheaper than to parse and to format the double; only
// what cannot be proved goes that long way.
func appendNumber(dst, lit []byte) ([]byte, bool) {
	if part := returnedPart(lit); part != nil {
		return append(dst, part...), true
	}
	return appendParsed(dst, lit)
}

// returnedPart returns the part of the number literal lit that a browser returns, which is all of it or all but a fraction of
// zeros, and a sign before zero; nil where this cannot be told without parsing.
func returnedPart(lit []byte) []byte {
	w, k, ok := plainDecimal(lit)
	if !ok {
		return nil
	}
	if k > 0 && lit[len(lit)-1] == '0' {
		for k > 0 && lit[len(lit)-1] == '0' {
			w, k, lit = w/10, k-1, lit[:len(lit)-1]
		}
		if k == 0 {
			lit = lit[:len(lit)-1] // the point
		}
	}
	switch {
	case w == 0:
		return lit[len(lit)-1:] // of "0" or "-0"
	case w < 1e15, // DBL_DIG: decimals of at most 15 digits all give different doubles, so none is shorter than lit
		k == 0 && w <= 1<<53, // 16 digits, and every other decimal as short is at least 1 away
		k > 0 && w < 1e17 && isShortest(w, k):
		return lit
	}
	return nil
}

// plainDecimal reads lit as an integer or a decimal fraction without an exponent: its magnitude is w / 10^k. It reports
// false for all else, and also for more than 19 digits, which might overflow w, and for a fraction with more than five
// zeros before its first digit, because below 1e-6 a browser writes an exponent. lit is then still to be judged.
func plainDecimal(lit []byte) (w uint64, k int, ok bool) {
	rest := lit
	if len(rest) > 0 && rest[0] == '-' {
		rest = rest[1:]
	}
	digits := 0
	for digits < len(rest) && rest[digits]-'0' <= 9 {
		w = w*10 + uint64(rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 19 || digits > 1 && rest[0] == '0' {
		return 0, 0, false
	}
	if digits == len(rest) {
		return w, 0, true
	}
	if rest[digits] != '.' {
		return 0, 0, false
	}
	rest = rest[digits+1:]
	k = len(rest)
	if w == 0 {
		digits = 0
		for len(rest) > 0 && rest[0] == '0' {
			rest = rest[1:]
		}
		if k-len(rest) > 5 {
			return 0, 0, false
		}
	}
	if k == 0 || digits+len(rest) > 19 {
		return 0, 0, false
	}
	for len(rest) >= 8 {
		v := binary.LittleEndian.Uint64(rest)
		if !eightDigits(v) {
			return 0, 0, false
		}
		w = w*1e8 + parseEight(v)
		rest = rest[8:]
	}
	for _, c := range rest {
		if c-'0' > 9 {
			return 0, 0, false
		}
		w = w*10 + uint64(c-'0')
	}
	return w, k, true
}

// eightDigits reports whether the eight bytes of v are ASCII digits. Only for a digit do both c+0x46 and c-0x30 leave
// the top bit clear. Digits carry nothing into the next byte, so the first byte that is none is always seen.
func eightDigits(v uint64) bool {
	return ((v+0x4646464646464646)|(v-0x3030303030303030))&0x8080808080808080 == 0
}

// parseEight returns the value of eight ASCII digits, the first one in the lowest byte. It joins neighbours to numbers
// of two digits, and those to the whole with two multiplications whose sums meet in the upper half
// (https://johnnylee-sde.github.io/Fast-numeric-string-to-int/).
func parseEight(v uint64) uint64 {
	v -= 0x3030303030303030
	v = v*10 + v>>8
	return ((v&0x000000ff000000ff)*(100+1000000<<32) + (v>>16&0x000000ff000000ff)*(1+10000<<32)) >> 32
}

// maxScale is the largest k that isShortest is asked for: 17 digits of a number that is not below 1e-6.
const maxScale = 22

// pow5[k] is 5^k, and inv5[k] the 64 leading bits of 1 / 5^k for k > 0. All of pow5 is below 2^52.
var pow5, inv5 = func() (pow, inv [maxScale + 1]uint64) {
	pow[0] = 1
	for k := 1; k <= maxScale; k++ {
		pow[k] = 5 * pow[k-1]
		inv[k], _ = bits.Div64(1<<(bits.Len64(pow[k])-1), 0, pow[k])
	}
	return pow, inv
}()

// isShortest reports whether s = w / 10^k is what Number::toString writes for the double nearest to s, for
// 1e15 <= w < 1e17, 0 < k <= maxScale and w no multiple of ten. It answers false also where it cannot tell: next to
// a power of two, and from 2^52 on.
//
// Let d = m * 2^e be a double with 2^52 < m < 2^53. The reals that round to d are those less than half an ulp (2^e)
// from it; the ends belong to d or to its neighbours, but no decimal looked at here lies on them. s is written for d
// exactly if
//
//  1. s rounds to d;
//  2. no decimal with fewer digits does. All those in question are multiples of t = 10 / 10^k. (Finer ones exist only
//     beyond a power of ten, itself a multiple of t, and the reals that round to d have no gaps.) For the same reason
//     it is enough to look at the multiples of t on either side of s: with r the last digit of w and u = 1 / 10^k, they
//     are s - r*u and s + (10-r)*u;
//  3. no decimal with as many digits, a multiple of u, is as near to d: |s - d| < u/2.
//
// All of it is settled in whole numbers. Multiply by 5^k / 2^e and write j = -k - e. For j >= 0
//
//	s becomes w * 2^j, d becomes m * 5^k, u becomes 2^j and an ulp becomes 5^k.
//
// Both s and d outgrow 64 bits, but their difference does not: m comes from a product with inv5, whose relative error
// is below 2^-61, and is rounded from at least 10 bits more, so that |s - d| is less than 0.51 ulp and less than 2^52
// here. Subtraction modulo 2^64 is therefore exact. So are the comparisons: u is less than 10 ulp, as 10^15 <= w and
// m < 2^53, hence everything stays below 2^61. m itself needs no proof: condition 1 is checked like the others. And
// since 5^k is odd, twice a whole number never equals it: no decimal is on the end of the interval.
func isShortest(w uint64, k int) bool {
	ulp := pow5[k]
	z := bits.LeadingZeros64(w)
	hi, _ := bits.Mul64(w<<z, inv5[k]) // w / 5^k, scaled to 63 or 64 bits
	shift := 10 + int(hi>>63)
	m := (hi>>(shift-1) + 1) >> 1
	j := z + bits.Len64(ulp) - 1 - shift
	if j < 0 || m&(m-1) == 0 { // below a power of two, doubles are twice as close
		return false
	}
	delta := int64(w<<j - m*ulp)
	u, half := int64(1)<<j, int64(ulp/2) // 2*x > ulp is x > half, as ulp is odd
	r := int64(w % 10)
	return max(delta, -delta) <= half && 2*max(delta, -delta) < u && r*u-delta > half && (10-r)*u+delta > half
}

// appendParsed is appendNumber for any literal. It takes time and, beyond 32 bytes, memory in proportion to lit.
func appendParsed(dst, lit []byte) ([]byte, bool) {
	point, exp, ok := splitNumber(lit)
	if !ok {
		return dst, false
	}
	if len(lit) > 1000 && exp < len(lit) {
		lit = rescale(lit, point, exp)
	}
	f, _ := strconv.ParseFloat(string(lit), 64) // the grammar is known to be right; out of range is an infinity
	switch abs := math.Abs(f); {
	case abs == 0:
		return append(dst, '0'), true
	case math.IsInf(f, 0):
		return append(dst, "null"...), true
	case 1e-6 <= abs && abs < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64), true
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-2] == '0' { // Go writes e-07, a browser e-7
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst, true
}

// splitNumber checks lit against RFC 8259's grammar and returns the index that ends its integer part and the one that
// ends its fraction; the latter is that of the "e", or the length of lit.
func splitNumber(lit []byte) (point, exp int, ok bool) {
	digits := func(i int) int {
		for i < len(lit) && lit[i]-'0' <= 9 {
			i++
		}
		return i
	}
	start := 0
	if len(lit) > 0 && lit[0] == '-' {
		start = 1
	}
	point = digits(start)
	if point == start || point > start+1 && lit[start] == '0' {
		return 0, 0, false
	}
	exp = point
	if exp < len(lit) && lit[exp] == '.' {
		if exp = digits(point + 1); exp == point+1 {
			return 0, 0, false
		}
	}
	if exp == len(lit) {
		return point, exp, true
	}
	if lit[exp]|0x20 != 'e' {
		return 0, 0, false
	}
	start = exp + 1
	if start < len(lit) && (lit[start] == '+' || lit[start] == '-') {
		start++
	}
	return point, exp, start < len(lit) && digits(start) == len(lit)
}

// rescale returns the number lit, split by splitNumber, in the form 0.ddde±x whose first d is not zero. ParseFloat reads
// only the first five digits of an exponent, which is wrong where thousands of digits make up for a larger one.
func rescale(lit []byte, point, exp int) []byte {
	start := 0
	if lit[0] == '-' {
		start = 1
	}
	x, _ := strconv.Atoi(string(lit[exp+1:])) // beyond the range of int, the nearest in it
	x = max(-1<<30, min(x, 1<<30)) + point - start
	all := bytes.Replace(lit[start:exp], []byte("."), nil, 1)
	digits := bytes.TrimLeft(all, "0")
	x -= len(all) - len(digits)

	out := make([]byte, 0, len(lit)+16)
	out = append(out, lit[:start]...)
	out = append(out, "0."...)
	out = append(out, digits...)
	out = append(out, 'e')
	return strconv.AppendInt(out, int64(x), 10)
}
