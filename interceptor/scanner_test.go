package interceptor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A sighting is an event of a scanner, and where in the text.
type sighting struct {
	ev    event
	at    int
	depth int
	key   string
}

// A manner is how a value is passed: walked into, skipped or captured.
type manner uint8

const (
	walk manner = iota
	skipIt
	captureIt
)

// observe feeds chunks to a scanner until they are used up or broken. how says how the value at an offset is passed.
func observe(s *scanner, chunks [][]byte, how func(at int) manner, out *[]byte) (seen []sighting) {
	at := 0
	for _, chunk := range chunks {
		for rest := chunk; ; {
			n, ev := s.next(rest)
			rest, at = rest[n:], at+n
			if ev == evMore {
				break
			}
			found := sighting{ev: ev, at: at, depth: s.depth()}
			if ev == evKey {
				found.key = s.keyText()
			}
			seen = append(seen, found)
			switch {
			case ev == evBroken:
				return seen
			case ev == evValue && how(at) == skipIt:
				s.skip()
			case ev == evValue && how(at) == captureIt:
				s.capture(out)
			}
		}
	}
	return seen
}

func walkAll(int) manner { return walk }

// decoded lists what a scanner must see in a valid text, by encoding/json's account of which bytes each value spans.
func decoded(t testing.TB, text []byte) []sighting {
	t.Helper()
	var seen []sighting
	var value func(raw json.RawMessage, at, depth int)
	value = func(raw json.RawMessage, at, depth int) {
		seen = append(seen, sighting{ev: evValue, at: at, depth: depth})
		if raw[0] == '{' || raw[0] == '[' {
			decoder := json.NewDecoder(bytes.NewReader(raw))
			_, err := decoder.Token()
			require.NoError(t, err)
			for decoder.More() {
				if raw[0] == '{' {
					key, err := decoder.Token()
					require.NoError(t, err)
					seen = append(seen, sighting{evKey, at + int(decoder.InputOffset()), depth + 1, key.(string)})
				}
				var member json.RawMessage
				require.NoError(t, decoder.Decode(&member))
				value(member, at+int(decoder.InputOffset())-len(member), depth+1)
			}
		}
		seen = append(seen, sighting{ev: evEnd, at: at + len(raw), depth: depth})
	}
	var raw json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(text))
	require.NoError(t, decoder.Decode(&raw))
	value(raw, int(decoder.InputOffset())-len(raw), 0)
	return seen
}

// Whatever the chunking, a scanner sees the keys and values that encoding/json sees, at the same bytes.
func TestScannerAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 2_000 {
		text := append(newDocument(r, false).text, '\n') // behind a number at the top, so that its end is seen
		want := decoded(t, text)
		for range 3 {
			var s scanner
			chunks := chop(r, text)
			require.Equal(t, want, observe(&s, chunks, walkAll, nil), "%q", chunks)
			require.True(t, s.whole(), "%q", chunks)
		}
	}
}

// A value that is skipped or captured spans the same bytes as one that is walked into, with nothing seen in between. What is
// captured is those bytes with the numbers as a browser would return them.
func TestScannerSkipAndCapture(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	for range 2_000 {
		d := newDocument(r, true)
		text := append(d.text, ' ')
		var s scanner
		walked := observe(&s, [][]byte{text}, walkAll, nil)
		first := r.IntN(len(walked))
		for walked[first].ev != evValue {
			first--
		}
		last := first
		for walked[last].ev != evEnd || walked[last].depth != walked[first].depth {
			last++
		}
		start, end := walked[first].at, walked[last].at
		var want []sighting
		want = append(append(want, walked[:first+1]...), walked[last:]...)

		for _, how := range []manner{skipIt, captureIt} {
			var s scanner
			var got []byte
			chunks := chop(r, text)
			seen := observe(&s, chunks, func(at int) manner {
				if at == start {
					return how
				}
				return walk
			}, &got)
			require.Equal(t, want, seen, "%d %q", start, chunks)
			require.True(t, s.whole())
			if how == captureIt {
				require.Equal(t, browserNumbers(text[start:end]), string(got), "%d %q", start, chunks)
			}
		}
	}
}

// browserNumbers returns a JSON text with its numbers as a browser would return them, after the oracle in Go.
func browserNumbers(text []byte) string {
	var out bytes.Buffer
	for len(text) > 0 {
		n := 1
		switch c := text[0]; {
		case c == '"':
			for text[n] != '"' {
				if text[n] == '\\' {
					n++
				}
				n++
			}
			n++
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

// Python's NaN and infinities are values, also where a chunk's end cuts them.
func TestScannerPythonLiterals(t *testing.T) {
	t.Parallel()
	text := []byte(`[NaN,-Infinity ,Infinity,{"a":-Infinity,"b":NaN},-1,- ]`)
	text = bytes.Replace(text, []byte(",- "), nil, 1)
	for first := range len(text) {
		for second := first; second <= len(text); second++ {
			for _, how := range []manner{walk, skipIt, captureIt} {
				var s scanner
				var got []byte
				seen := observe(&s, [][]byte{text[:first], text[first:second], text[second:]},
					func(int) manner { return how }, &got)
				require.Equal(t, evEnd, seen[len(seen)-1].ev, "%d %d", first, second)
				require.True(t, s.whole())
				if how == captureIt {
					require.Equal(t, string(text), string(got), "%d %d", first, second)
				}
			}
		}
	}
}

// What is not JSON is found to be broken, and what ends too early is not whole, in chunks of any size.
func TestScannerBroken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`]`, `}`, `[}`, `{]`, `[1}`, `{"a":1]`, `[[1]}`, `[1 2]`, `["a" "b"]`, `[{}{}]`, `[,1]`, `[1,]`, `[1,,2]`, `{,}`, `{"a":1,}`,
		`{"a":1 "b":2}`, `{"a" 1}`, `{"a":}`, `{"a":,}`, `{"a"}`, `{a:1}`, `{1:1}`, `{"a"::1}`, `{true:1}`, `:`, `,`, `[1]]`, `{}}`,
		`[] []`, `1 2`, `"a" "b"`, `{} x`, `null,`, `nulll`, `nul `, `tru]`, `[tru,1]`, `[NaM]`, `[Infinit]`, `[-Infinite]`,
		`[--Infinity]`, `[1Infinity]`, `[+Infinity]`, `[-Nan]`, `[-I]`, `undefined`, `'a'`, `[x]`, "\ufeff{}", "\x00", "[\x00]", "\u00a0[]",
		`<html>`, `/**/{}`,
	} {
		for size := 1; size <= len(text); size++ {
			var s scanner
			seen := observe(&s, chopEvery(size, []byte(text)), walkAll, nil)
			require.NotEmpty(t, seen, text)
			require.Equal(t, evBroken, seen[len(seen)-1].ev, "%q in chunks of %d", text, size)
		}
	}
	for _, text := range []string{``, ` `, `[`, `[1`, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `"`, `"\`, `"\"`, `nul`, `-Inf`,
		`{"a":{"b":[1,2,{"c":"d"}]}`, `[-`, `["a",`} {
		for size := 1; size <= len(text)+1; size++ {
			var s scanner
			seen := observe(&s, chopEvery(size, []byte(text)), walkAll, nil)
			require.False(t, len(seen) > 0 && seen[len(seen)-1].ev == evBroken, "%q in chunks of %d", text, size)
			require.False(t, s.whole(), "%q in chunks of %d", text, size)
		}
	}
}

// A captured value's numbers are numbers, in the grammar of JSON, in chunks of any size.
func TestScannerCapturedNumbers(t *testing.T) {
	t.Parallel()
	for _, literal := range []string{"-", "01", "1.", "1.e5", "+1", ".5", "1e", "1-1", "00", "-a", "1.2.3", strings.Repeat("1", maxNumber+1)} {
		text := []byte(`[` + literal + `,2]`)
		for size := 1; size <= min(len(text), 7); size++ {
			for _, chunks := range [][][]byte{chopEvery(size, text), {text}} {
				var s scanner
				got := []byte{}
				seen := observe(&s, chunks, func(int) manner { return captureIt }, &got)
				require.Equal(t, evBroken, seen[len(seen)-1].ev, "%.20q in chunks of %d", text, size)
				s.stopCapture()
				require.True(t, bytes.HasPrefix(text, got), "captured %.20q of %.20q", got, text)
			}
		}
	}
	longest := strings.Repeat("1", 300) + strings.Repeat("0", maxNumber-303) + "e-9"
	for size := 1; size < 3000; size += 13 {
		var s scanner
		var got []byte
		observe(&s, chopEvery(size, []byte(`[`+longest+`]`)), func(int) manner { return captureIt }, &got)
		require.True(t, s.whole())
		require.Equal(t, `[null]`, string(got))
	}
}

// The bytes of a number that are no longer kept must not make another value of it: "-", 3,000 digits and "Infinity" in three
// chunks once passed for -Infinity.
func TestScannerLongNumberIsNoInfinity(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("1", maxNumber+1)
	var s scanner
	seen := observe(&s, [][]byte{[]byte("[-"), []byte(digits), []byte("Infinity]")}, walkAll, nil)
	require.Equal(t, evBroken, seen[len(seen)-1].ev)
}

// A key is unescaped; the text of one that is too long, or has a wrong escape, is "".
func TestScannerKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", maxKeyText)
	tests := []struct{ name, raw, want string }{
		{"plain", `data`, `data`},
		{"empty", ``, ``},
		{"escaped letters", `\u0064\u0061ta`, `data`},
		{"dict id", `{\"index\":1,\"type\":\"df\"}`, `{"index":1,"type":"df"}`},
		{"backslash at the end", `a\\`, `a\`},
		{"surrogates", `\ud83e\udd86`, `🦆`},
		{"not ASCII", `é`, `é`},
		{"the longest", long, long},
		{"too long", long + "k", ""},
		{"wrong escape", `\x`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := []byte(`{"` + tt.raw + `":{"` + tt.raw + `":1}, "b":2}`)
			for _, size := range []int{1, 2, 3, 7, 100, len(text)} {
				var s scanner
				var keys []string
				for _, found := range observe(&s, chopEvery(size, text), walkAll, nil) {
					if found.ev == evKey {
						keys = append(keys, found.key)
					}
				}
				require.Equal(t, []string{tt.want, tt.want, "b"}, keys, "in chunks of %d", size)
			}
		})
	}
}

// Nesting costs neither stack nor much memory, and has a bound.
func TestScannerDeep(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{63, 64, 65, 100_000, maxDepth, maxDepth + 1} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			t.Parallel()
			for _, text := range []string{
				strings.Repeat("[", depth) + strings.Repeat("]", depth),
				strings.Repeat(`{"a":[`, depth/2) + strings.Repeat("[", depth%2) + strings.Repeat("]", depth%2) + strings.Repeat(`]}`, depth/2),
			} {
				var s scanner
				seen := observe(&s, [][]byte{[]byte(text)}, func(int) manner { return skipIt }, nil)
				require.Equal(t, depth <= maxDepth, s.whole())
				require.Len(t, seen, 2) // evValue, and evEnd or evBroken
			}
		})
	}
}

// A scanner allocates nothing while bytes pass, however many.
func TestScannerConstantMemory(t *testing.T) { // not parallel: AllocsPerRun
	record := []byte(`{"carrier":"UA","delay":-5.0,"time":"2013-01-01T05:00:00Z","x":[1.5,0.1234567890123456,null,true]},`)
	window := bytes.Repeat(record, 1000)
	var s scanner
	out := make([]byte, 0, 2*len(window))
	observe(&s, [][]byte{[]byte(`[`), []byte(`[`)}, func(at int) manner {
		if at == 1 {
			return captureIt
		}
		return walk
	}, &out)
	const windows = 50 << 20 / 100_000
	allocs := testing.AllocsPerRun(1, func() {
		for range windows / 2 {
			if n, ev := s.next(window); n != len(window) || ev != evMore {
				panic("broken")
			}
			out = out[:0]
		}
	})
	require.Zero(t, allocs)
}

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e3,NaN,-Infinity,"\"\\é"],"b":{"c":null}}`, ` [ ] `, `[1}`, `{"a" 1}`, `"\ud800"`, `-`, `12`, `[tru`, `{"a":1,}`,
		`{"\u0061":[[[{}]]]}`, "[\x00]", `[-I`, `[1 2]`,
	} {
		f.Add([]byte(seed), uint64(len(seed)))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		var want []sighting
		g := grammar{
			p:     text,
			begin: func(at, depth int) { want = append(want, sighting{ev: evValue, at: at, depth: depth}) },
			end:   func(at, depth int) { want = append(want, sighting{ev: evEnd, at: at, depth: depth}) },
			key: func(raw []byte, at, depth int) {
				s := scanner{key: raw, keyLong: len(raw) > maxKeyText}
				want = append(want, sighting{evKey, at, depth, s.keyText()})
			},
		}
		whole := g.text()
		r := rand.New(rand.NewPCG(seed, 0))
		for _, chunks := range [][][]byte{{text}, chopEvery(1, text), chop(r, text)} {
			var s scanner
			seen := observe(&s, chunks, walkAll, nil)
			if n := len(seen); n > 0 && seen[n-1].ev == evBroken {
				require.False(t, whole)
				seen = seen[:n-1]
			} else {
				require.Equal(t, whole, s.whole())
			}
			require.Equal(t, want, seen)
		}
		if json.Valid(text) {
			require.True(t, whole)
		}

		// Passed over as a whole, it is as whole; what is captured is the text itself, numbers aside.
		var one, many []byte
		for i, chunks := range [][][]byte{{text}, chop(r, text)} {
			var s scanner
			out := []*[]byte{&one, &many}[i]
			observe(&s, chunks, func(int) manner { return captureIt }, out)
			s.stopCapture()
			if json.Valid(text) && len(text) < maxNumber {
				require.True(t, s.whole())
			}
		}
		require.Equal(t, string(one), string(many))
	})
}
