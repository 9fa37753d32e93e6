package interceptor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Nesting costs neither stack nor much memory, and has a bound.
func TestScannerDeep(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{63, 64, 65, 100_000, 1 << 20, 1<<20 + 1} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			t.Parallel()
			for _, text := range []string{
				strings.Repeat("[", depth) + strings.Repeat("]", depth),
				strings.Repeat(`{"a":[`, depth/2) + strings.Repeat("[", depth%2) + strings.Repeat("]", depth%2) + strings.Repeat(`]}`, depth/2),
			} {
				var s scanner
				seen := observe(&s, [][]byte{[]byte(text)}, func(int) manner { return skipIt }, nil)
				require.Equal(t, depth <= 1<<20, s.whole())
				require.Len(t, seen, 2) // evValue, and evEnd or evBroken
			}
		})
	}
}

// A capture that is stopped has all the bytes up to there, those of a number that is cut too, and gets no more.
func TestScannerStopCapture(t *testing.T) {
	t.Parallel()
	text := []byte(`["é\"", 1.5, [-12.25, true], -Infinity, {"a": 1e5}]`)
	for n := 1; n < len(text); n++ {
		var s scanner
		var got []byte
		observe(&s, [][]byte{text[:n]}, func(int) manner { return captureIt }, &got)
		s.stopCapture()
		kept := string(got)
		require.Equal(t, browserNumbers(text[:n]), browserNumbers(got))
		seen := observe(&s, [][]byte{text[n:]}, walkAll, nil)
		require.Equal(t, []sighting{{ev: evEnd, at: len(text) - n}}, seen)
		require.Equal(t, kept, string(got))
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
		if len(text) > 2*maxKeyText { // longer ones find nothing, slowly
			return
		}
		var want []sighting
		g := grammar{
			p:     text,
			begin: func(at, depth int) { want = append(want, sighting{ev: evValue, at: at, depth: depth}) },
			end:   func(at, depth int) { want = append(want, sighting{ev: evEnd, at: at, depth: depth}) },
			key: func(raw []byte, at, depth int) {
				if len(raw) > maxKeyText {
					raw = nil
				}
				want = append(want, sighting{evKey, at, depth, unescape(raw)})
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
			if !slices.Equal(want, seen) { // asked first, for speed
				require.Equal(t, want, seen)
			}
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
		if len(text) <= maxNumber { // a longer number is broken as soon as it is known to be longer
			require.Equal(t, string(one), string(many))
		}
	})
}
