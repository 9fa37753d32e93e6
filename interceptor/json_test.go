package interceptor

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A document is a random JSON text, and where its numbers are.
type document struct {
	text    []byte
	numbers []numberSpan
	r       *rand.Rand
	python  bool // with NaN and the infinities, as Python writes them
	indices bool // with keys that are array indices, or nearly
}

type numberSpan struct{ start, end int }

var literalGenerators = func() (generators []func(*rand.Rand) string) {
	for _, name := range slices.Sorted(maps.Keys(numberLiterals)) {
		generators = append(generators, numberLiterals[name])
	}
	return generators
}()

// newDocument makes a document of all kinds of values, spellings and white space.
func newDocument(r *rand.Rand, python bool) *document {
	d := &document{r: r, python: python}
	d.value(1 + r.IntN(8))
	return d
}

// newIndexedDocument makes a document with objects whose keys a browser puts into another order.
func newIndexedDocument(r *rand.Rand) *document {
	d := &document{r: r, indices: true}
	d.value(1 + r.IntN(8))
	return d
}

func (d *document) space() {
	if d.r.IntN(6) == 0 {
		d.text = append(d.text, oneOf(d.r, " ", "\n", "\t", "\r\n  ", "   ")...)
	}
}

func (d *document) value(depth int) {
	kind := d.r.IntN(10)
	if depth == 0 {
		kind = 4 + d.r.IntN(6)
	}
	switch kind {
	case 0, 1:
		d.list('{', '}', func() {
			d.key()
			d.space()
			d.text = append(d.text, ':')
			d.space()
			d.value(depth - 1)
		})
	case 2, 3:
		d.list('[', ']', func() { d.value(depth - 1) })
	case 4, 5:
		d.string()
	case 6:
		d.text = append(d.text, oneOf(d.r, "true", "false", "null")...)
	default:
		if d.python && d.r.IntN(8) == 0 {
			d.text = append(d.text, oneOf(d.r, "NaN", "Infinity", "-Infinity")...)
			return
		}
		d.number(literalGenerators[d.r.IntN(len(literalGenerators))](d.r))
	}
}

func (d *document) number(literal string) {
	d.numbers = append(d.numbers, numberSpan{len(d.text), len(d.text) + len(literal)})
	d.text = append(d.text, literal...)
}

func (d *document) list(open, end byte, item func()) {
	d.text = append(d.text, open)
	d.space()
	for i := range d.r.IntN(5) {
		if i > 0 {
			d.text = append(d.text, ',')
			d.space()
		}
		item()
		d.space()
	}
	d.text = append(d.text, end)
}

func (d *document) key() {
	switch n := d.r.IntN(5); {
	case !d.indices || n == 0:
		d.string()
	case n == 1:
		d.text = append(d.text, oneOf(d.r,
			`"0"`, `"00"`, `"01"`, `"-1"`, `"-0"`, `"1.0"`, `"1e1"`, `"+1"`, `" 1"`, `"1 "`, `"1a"`, `""`, `"x"`, `"null"`, `"true"`, `"NaN"`,
			`"4294967293"`, `"4294967294"`, `"4294967295"`, `"4294967296"`, `"04294967294"`, `"9999999999"`, `"18446744073709551616"`,
			`"\u0030"`, `"\u0031"`, `"1\u0032"`, `"\u003a"`, `"\u0031\u00e9"`, `"\u00301"`, `"\u0661"`, `"١"`, `"\n1"`, `"__proto__"`,
			`"\u0034\u0032\u0039\u0034\u0039\u0036\u0037\u0032\u0039\u0034"`)...)
	default:
		d.text = fmt.Appendf(d.text, "%q", strconv.Itoa(d.r.IntN(30)))
	}
}

func (d *document) string() {
	d.text = append(d.text, '"')
	for range d.r.IntN(4) {
		d.text = append(d.text, oneOf(d.r,
			"a", "data", "-1.50", "é", "日本", "🦆", `\"`, `\\`, `\\\"`, `\/`, `\n`, `\u00e9`, `\ud83e\udd86`, `\u0022`, "]}", "{[,:", "NaN",
			"-__dash_patch_update", "$dashstash", "\u2028", "<&>", strings.Repeat("x", d.r.IntN(30)))...)
	}
	d.text = append(d.text, '"')
}

// literals are the document's numbers.
func (d *document) literals() (literals []string) {
	for _, n := range d.numbers {
		literals = append(literals, string(d.text[n.start:n.end]))
	}
	return literals
}

// withNumbers is the document with other literals in place of its numbers.
func (d *document) withNumbers(literals []string) string {
	var out bytes.Buffer
	done := 0
	for i, n := range d.numbers {
		out.Write(d.text[done:n.start])
		out.WriteString(literals[i])
		done = n.end
	}
	out.Write(d.text[done:])
	return out.String()
}

// browserNumbers returns a JSON text, or the beginning of one, with its numbers as a browser would return them, after the oracle in Go.
func browserNumbers(text []byte) string {
	var out bytes.Buffer
	for len(text) > 0 {
		n := 1
		switch c := text[0]; {
		case c == '"':
			for n < len(text) && text[n] != '"' {
				if text[n] == '\\' {
					n++
				}
				n++
			}
			n = min(n+1, len(text))
		case (c == '-' || c-'0' <= 9) && !bytes.HasPrefix(text, []byte("-I")):
			for n < len(text) && strings.IndexByte("0123456789+-.eE", text[n]) >= 0 {
				n++
			}
			out.WriteString(numberToString(string(text[:n])))
			text = text[n:]
			continue
		}
		out.Write(text[:n])
		text = text[n:]
	}
	return out.String()
}

// A grammar reads a JSON text recursively, by the rules that a scanner has: lenient within strings and numbers, NaN and the
// infinities are values. It is what a scanner is compared with.
type grammar struct {
	p       []byte
	i       int
	numbers func(literal []byte) bool // whether a number is one; nil: any run of its bytes is
	begin   func(start, depth int)    // nil: not called
	end     func(end, depth int)      // likewise
	key     func(raw []byte, end, depth int)
	cut     bool // the text ended too early
}

// isWhole reports whether p is one JSON text by these rules.
func isWhole(p []byte) bool {
	g := grammar{p: p}
	return g.text()
}

func (g *grammar) text() bool {
	if !g.value(0) {
		return false
	}
	g.space()
	return g.i == len(g.p)
}

func (g *grammar) space() {
	for g.i < len(g.p) && bytes.IndexByte([]byte(" \t\r\n"), g.p[g.i]) >= 0 {
		g.i++
	}
}

// take takes c, behind white space.
func (g *grammar) take(c byte) bool {
	g.space()
	if g.i == len(g.p) {
		g.cut = true
		return false
	}
	if g.p[g.i] != c {
		return false
	}
	g.i++
	return true
}

func (g *grammar) value(depth int) bool {
	g.space()
	if g.i == len(g.p) {
		g.cut = true
		return false
	}
	if g.begin != nil {
		g.begin(g.i, depth)
	}
	ok := false
	switch c := g.p[g.i]; c {
	case '{':
		ok = g.container(depth, '}', func() bool {
			g.space()
			start := g.i
			if !g.string() {
				return false
			}
			if g.key != nil {
				g.key(g.p[start+1:g.i-1], g.i, depth+1)
			}
			return g.take(':') && g.value(depth+1)
		})
	case '[':
		ok = g.container(depth, ']', func() bool { return g.value(depth + 1) })
	case '"':
		ok = g.string()
	case 't', 'f', 'n', 'N', 'I':
		ok = g.literal(map[byte]string{'t': "true", 'f': "false", 'n': "null", 'N': "NaN", 'I': "Infinity"}[c])
	default:
		ok = g.number(depth)
	}
	if ok && g.end != nil && !g.cut {
		g.end(g.i, depth)
	}
	return ok
}

func (g *grammar) container(depth int, end byte, item func() bool) bool {
	g.i++
	if g.take(end) {
		return true
	}
	for !g.cut && item() {
		if g.take(end) {
			return true
		}
		if g.cut || !g.take(',') {
			return false
		}
	}
	return false
}

func (g *grammar) string() bool {
	if !g.take('"') {
		return false
	}
	for ; g.i < len(g.p); g.i++ {
		switch g.p[g.i] {
		case '\\':
			g.i++
		case '"':
			g.i++
			return true
		}
	}
	g.i, g.cut = len(g.p), true
	return false
}

func (g *grammar) literal(word string) bool {
	for i := range len(word) {
		if g.i == len(g.p) {
			g.cut = true
			return false
		}
		if g.p[g.i] != word[i] {
			return false
		}
		g.i++
	}
	return true
}

func (g *grammar) number(depth int) bool {
	start := g.i
	for g.i < len(g.p) && bytes.IndexByte([]byte("0123456789+-.eE"), g.p[g.i]) >= 0 {
		g.i++
	}
	literal := g.p[start:g.i]
	switch {
	case g.i == len(g.p): // it may go on
		g.cut = true
		return depth == 0 && len(literal) > 0
	case string(literal) == "-" && g.p[g.i] == 'I':
		return g.literal("Infinity")
	}
	return len(literal) > 0 && (g.numbers == nil || g.numbers(literal))
}
