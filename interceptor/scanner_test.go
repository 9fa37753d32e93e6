package interceptor

import (
	"bytes"
	"encoding/json"
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
