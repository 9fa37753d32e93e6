package interceptor

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// numberLiterals are generators of number literals, each named for what it is apt to find.
var numberLiterals = map[string]func(*rand.Rand) string{
	"floats as Python writes them": func(r *rand.Rand) string {
		f := r.NormFloat64() * math.Pow10(r.IntN(12)-5)
		return strconv.FormatFloat(f, 'g', -1, 64)
	},
	"shortest forms of all doubles": func(r *rand.Rand) string {
		return strconv.FormatFloat(anyDouble(r), "eEg"[r.IntN(3)], -1, 64)
	},
	"subnormals": func(r *rand.Rand) string {
		f := math.Float64frombits(r.Uint64N(1<<52) >> r.UintN(52))
		return randomSign(r) + strconv.FormatFloat(f, 'e', r.IntN(20)-1, 64)
	},
	"15 digits": func(r *rand.Rand) string { return randomSign(r) + withPoint(r, randomDigits(r, 15)) },
	"16 digits": func(r *rand.Rand) string { return randomSign(r) + withPoint(r, randomDigits(r, 16)) },
	"17 digits": func(r *rand.Rand) string { return randomSign(r) + withPoint(r, randomDigits(r, 17)) },
	"up to 40 digits": func(r *rand.Rand) string {
		return randomSign(r) + withPoint(r, randomDigits(r, 1+r.IntN(40)))
	},
	"integers": func(r *rand.Rand) string { return randomSign(r) + randomDigits(r, 1+r.IntN(30)) },
	"zeros at the end": func(r *rand.Rand) string {
		return randomSign(r) + withPoint(r, randomDigits(r, 1+r.IntN(18))+strings.Repeat("0", 1+r.IntN(8)))
	},
	"exponents in all spellings": func(r *rand.Rand) string {
		mantissa := withPoint(r, randomDigits(r, 1+r.IntN(19)))
		zeros := strings.Repeat("0", r.IntN(4))
		return randomSign(r) + mantissa + oneOf(r, "e", "E") + oneOf(r, "", "+", "-") + zeros + strconv.Itoa(r.IntN(340))
	},
	"beside shortest forms": func(r *rand.Rand) string {
		f := plainDouble(r)
		precision := r.IntN(3) + 16 // too few digits, what some need and what all need, one too many
		return randomSign(r) + nudgeLast(r, plainNotation(f, precision))
	},
	"beside midpoints of doubles": func(r *rand.Rand) string {
		f := plainDouble(r)
		middle := new(big.Float).SetPrec(80).SetFloat64(f)
		middle.Add(middle, big.NewFloat(math.Nextafter(f, math.Inf(1))))
		middle.Quo(middle, big.NewFloat(2))
		return randomSign(r) + nudgeLast(r, plainNotation(middle, 15+r.IntN(4)))
	},
	"midpoints of doubles": func(r *rand.Rand) string {
		f := plainDouble(r)
		middle := new(big.Float).SetPrec(80).SetFloat64(f)
		middle.Add(middle, big.NewFloat(math.Nextafter(f, math.Inf(1))))
		return randomSign(r) + middle.Quo(middle, big.NewFloat(2)).Text('f', 80) + oneOf(r, "", "1")
	},
	"beside powers of two": func(r *rand.Rand) string {
		f := math.Ldexp(1, r.IntN(78)-20)
		for range r.IntN(3) {
			f = math.Nextafter(f, oneOf(r, 0, math.Inf(1)))
		}
		return randomSign(r) + nudgeLast(r, plainNotation(f, 15+r.IntN(4)))
	},
	"beside thresholds": func(r *rand.Rand) string {
		f := oneOf(r, 1e-7, 1e-6, 1e-5, 0.1, 1, 10, 1e14, 1e15, 1<<52, 1<<53, 1e16, 1e17, 1e19, 1<<63, 1<<64, 1e20, 1e21, 1e22)
		for range r.IntN(4) {
			f = math.Nextafter(f, oneOf(r, 0, math.Inf(1)))
		}
		if r.IntN(2) == 0 {
			return randomSign(r) + nudgeLast(r, plainNotation(f, 14+r.IntN(6)))
		}
		return randomSign(r) + strconv.FormatFloat(f, "ef"[r.IntN(2)], -1, 64)
	},
}

func oneOf[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomSign(r *rand.Rand) string { return oneOf(r, "", "-") }

// randomDigits returns n digits of which the first is not zero.
func randomDigits(r *rand.Rand, n int) string {
	d := make([]byte, n)
	for i := range d {
		d[i] = '0' + byte(r.IntN(10))
	}
	d[0] = '1' + byte(r.IntN(9))
	return string(d)
}

// withPoint puts a decimal point somewhere into d, with up to seven zeros before it.
func withPoint(r *rand.Rand, d string) string {
	if r.IntN(4) == 0 || len(d) == 1 {
		return "0." + strings.Repeat("0", r.IntN(8)) + d
	}
	at := 1 + r.IntN(len(d)-1)
	return d[:at] + "." + d[at:]
}

func anyDouble(r *rand.Rand) float64 {
	for {
		if f := math.Float64frombits(r.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
}

// plainDouble returns a double of the magnitudes that isShortest judges, and a little beyond, of any mantissa.
func plainDouble(r *rand.Rand) float64 {
	return math.Ldexp(1+r.Float64(), r.IntN(76)-21)
}

// plainNotation returns f, a float64 or *big.Float, to so many significant digits in plain notation.
func plainNotation[F float64 | *big.Float](f F, precision int) string {
	x, isBig := any(f).(*big.Float)
	if !isBig {
		x = big.NewFloat(any(f).(float64))
	}
	_, exp, _ := strings.Cut(x.Text('e', precision-1), "e")
	e, _ := strconv.Atoi(exp)
	return x.Text('f', max(0, precision-1-e))
}

// nudgeLast changes the last digit of d by one at most, as long as that carries nothing.
func nudgeLast(r *rand.Rand, d string) string {
	last := len(d) - 1
	if c := d[last] + byte(r.IntN(3)) - 1; c-'0' <= 9 && len(d) > 1 {
		return d[:last] + string(c)
	}
	return d
}

// numberToString is the oracle in Go: ECMA-262's Number::toString, step by step, on strconv's shortest digits.
func numberToString(lit string) string {
	x, _ := strconv.ParseFloat(lit, 64)
	switch {
	case math.IsInf(x, 0):
		return "null"
	case x == 0:
		return "0"
	case x < 0:
		return "-" + numberToString(strings.TrimPrefix(lit, "-"))
	}
	s, exp, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	s = strings.Replace(s, ".", "", 1)
	n, _ := strconv.Atoi(exp)
	k := len(s)
	n++
	switch {
	case k <= n && n <= 21:
		return s + strings.Repeat("0", n-k)
	case 0 < n && n <= 21:
		return s[:n] + "." + s[n:]
	case -6 < n && n <= 0:
		return "0." + strings.Repeat("0", -n) + s
	}
	if k > 1 {
		s = s[:1] + "." + s[1:]
	}
	if n-1 > 0 {
		return s + "e+" + strconv.Itoa(n-1)
	}
	return s + "e" + strconv.Itoa(n-1)
}

func BenchmarkAppendNumber(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	uniform := func(length int) func() string {
		return func() string {
			for {
				if lit := strconv.FormatFloat(r.Float64(), 'f', -1, 64); length == 0 || len(lit) == len("0.")+length {
					return lit
				}
			}
		}
	}
	for _, bb := range []struct {
		name     string
		generate func() string
	}{
		{"uniform", uniform(0)},
		{"17 digits", uniform(17)},
		{"16 digits", uniform(16)},
		{"normal", func() string { return strconv.FormatFloat(1e3*r.NormFloat64(), 'f', -1, 64) }},
		{"short", func() string { return strconv.FormatFloat(float64(r.IntN(1e6))/100, 'f', -1, 64) }},
		{"fraction of zeros", func() string { return strconv.Itoa(r.IntN(1e5)) + ".0" }},
		{"not canonical", func() string { return withPoint(r, randomDigits(r, 17)) }},
		{"exponent", func() string { return strconv.FormatFloat(r.Float64()/1e5, 'e', -1, 64) }},
	} {
		lits := make([][]byte, 1<<16) // so many that branches cannot be learnt by heart
		for i := range lits {
			lits[i] = []byte(bb.generate())
		}
		dst := make([]byte, 0, 64)
		b.Run(bb.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				dst, _ = appendNumber(dst[:0], lits[i%len(lits)])
			}
		})
		b.Run(bb.name+"/strconv", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				f, _ := strconv.ParseFloat(string(lits[i%len(lits)]), 64)
				dst = strconv.AppendFloat(dst[:0], f, 'g', -1, 64)
			}
		})
	}
}
