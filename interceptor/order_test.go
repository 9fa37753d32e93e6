package interceptor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Captured in chunks of any size, and put in order if the scanner says so, a document reads in Python as what a browser makes
// of it: keys, their order, and whether a number is an int.
func TestOrderAsNode(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(41, 1))
	texts := []string{
		`{"b":1,"10":2,"9":3}`,
		`{"__proto__":1,"1":{"__proto__":{"2":0,"1":0}}}`,
		`{"null":1,"x":2,"null":3,"1":4,"x":5,"1":6}`,
		`{"1":1,"1":2,"0":3,"1":4}`,
		`{"a":{"1":[{"2":0,"1":{"c":0,"0":0}}],"0":0},"5":{}}`,
		`{"` + strings.Repeat("1", maxKeyText+1) + `":1,"1":2}`,
		strings.Repeat(`[{"k":`, 2000) + `{"1":1,"0":2}` + strings.Repeat(`}]`, 2000),
		strings.Repeat(`{"k":0,"1":`, 30) + `0` + strings.Repeat(`,"0":""}`, 30),
	}
	texts = append(texts, `{"`+strings.Join(strings.Split("zyxwvutsrqponmlkjihgfedcba", ""), `":0,"`)+`":0,"1":1,"1":2}`)
	for range 4_000 {
		texts = append(texts, "["+strings.Map(oneLine, string(newIndexedDocument(r).text))+"]")
	}
	reordered := 0
	for i, node := range numbersInNode(t, texts) {
		text, disordered := captureWhole(t, chop(r, []byte(texts[i])))
		if before := string(text); disordered {
			reordered++
			require.True(t, orderKeys(text))
			require.NotEqual(t, before, string(text), "a false alarm")
		}
		merged := reading{merge: true}
		require.Equal(t, merged.of(t, []byte(node)), merged.of(t, text), "%s", texts[i])
	}
	require.Greater(t, reordered, 400)
}

// oneLine maps what would end a line to a space.
func oneLine(c rune) rune {
	if c == '\n' || c == '\r' {
		return ' '
	}
	return c
}

// captureWhole captures a text, which is no number alone: of that, it takes more than its bytes to know that it is whole.
func captureWhole(t testing.TB, chunks [][]byte) (text []byte, disordered bool) {
	t.Helper()
	var s scanner
	observe(&s, chunks, func(int) manner { return captureIt }, &text)
	require.True(t, s.whole())
	return text, s.disordered
}

// Plain documents raise no alarm: those of a frame by its index, by dates or by floats among them.
func TestOrderNoFalseAlarm(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"0":1,"1":2,"10":3,"4294967294":4,"a":5,"4294967295":6}`,
		`{"2013-01-02":1,"2013-01-01":2,"0.5":3,"-1":4,"1357016400000":5,"1357016300000":6}`,
		`{"b":{"1":1},"a":[{"1":1},{"0":1,"1":{"0":1}}],"c":{}}`,
		`{"":1,"01":2,"1.0":3,"null":4,"null":5}`,
	} {
		for size := 1; size <= len(text); size++ {
			_, disordered := captureWhole(t, chopEvery(size, []byte(text)))
			require.False(t, disordered, text)
		}
	}
}

// A key that is too long to be kept is no array index, even if the part of it that came in an earlier chunk looks like one.
func TestOrderLongKey(t *testing.T) {
	t.Parallel()
	_, disordered := captureWhole(t, [][]byte{[]byte(`{"5`), []byte(strings.Repeat("x", maxKeyText) + `":1,"7":2}`)})
	require.True(t, disordered)
}

// What is captured after a value that is out of order, or that was given up in the middle of an object, starts afresh.
func TestOrderStartsAfresh(t *testing.T) {
	t.Parallel()
	var s scanner
	var out []byte
	text := []byte(`[{"a":{"1":1,"0":2}},{"7":1,"8":2},{"a":3}]`)
	n, _ := s.next(text)
	m, _ := s.next(text[n:])
	at := n + m
	s.capture(&out)
	n, _ = s.next(text[at : at+8])
	s.stopCapture()
	at += n
	n, ev := s.next(text[at:])
	require.Equal(t, evEnd, ev)
	for range 2 {
		at += n
		n, ev = s.next(text[at:])
		require.Equal(t, evValue, ev)
		at += n
		s.capture(&out)
		n, ev = s.next(text[at:])
		require.Equal(t, evEnd, ev)
		require.False(t, s.disordered)
		require.Empty(t, s.ranks)
	}
}

// Objects out of order within one another, many deep, are given up rather than moved again and again; those that are not
// are no trouble at any depth.
func TestOrderDeep(t *testing.T) {
	t.Parallel()
	deep := func(before, after string) []byte {
		return []byte(strings.Repeat(before, 1<<15) + `{"1":1,"0":2}` + strings.Repeat(after, 1<<15))
	}
	text := deep(`{"k":`, `}`)
	require.True(t, orderKeys(text))
	require.Equal(t, string(deep(`{"k":`, `}`)), strings.Replace(string(text), `{"0":2,"1":1}`, `{"1":1,"0":2}`, 1))
	text = deep(`{"1":`, `,"0":2}`)
	require.False(t, orderKeys(text))
	require.True(t, isWhole(text))
}

func FuzzOrder(f *testing.F) {
	for _, seed := range []string{
		`{"b":1,"10":2,"9":3}`, `[{"2":[],"1":{"x":"}\"","0":-1.5e3}}, {"1":1,"1":2,"0":3} ]`, ` { "1" : 1 , "0" : { } } `, `{"a":{"\u0031":1,"0":2},"":{}}`,
		`{"4294967295":0,"4294967294":{"01":0,"1":0}}`, `"1"`, `{}`, `[[],{"1":"1","0":"0"}]`,
	} {
		f.Add([]byte(seed), uint64(len(seed)))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		if !json.Valid(text) || len(text) > maxNumber { // a longer number is not captured
			return
		}
		text = slices.Concat([]byte("["), text, []byte("]"))
		captured, disordered := captureWhole(t, chop(rand.New(rand.NewPCG(seed, 0)), text))
		got := bytes.Clone(captured)
		if !orderKeys(got) {
			t.Fatalf("%q was given up", text)
		}
		require.Equal(t, reading{sort: true}.of(t, captured), reading{}.of(t, got))
		require.Equal(t, !bytes.Equal(captured, got), disordered, "%q became %q", captured, got)
		again := bytes.Clone(got)
		require.True(t, orderKeys(again))
		require.Equal(t, string(got), string(again))
	})
}

// A reading is a way to read a JSON text, all of whose members count, in their order.
type reading struct {
	merge bool // of a key that is there twice, the place of the first and the value of the last count, as for Python's json.loads
	sort  bool // array indices come first, ascending
}

// of returns what is read, in a form that can be compared. Numbers are read as they are written.
func (how reading) of(t testing.TB, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return how.value(t, decoder)
}

func (how reading) value(t testing.TB, decoder *json.Decoder) string {
	token, err := decoder.Token()
	require.NoError(t, err)
	delim, isContainer := token.(json.Delim)
	if !isContainer {
		return fmt.Sprintf("%T %[1]q", token)
	}
	var keys, values []string
	first := map[string]int{} // the place of each key
	for decoder.More() {
		key := ""
		if delim == '{' {
			token, err := decoder.Token()
			require.NoError(t, err)
			key = token.(string)
		}
		value := how.value(t, decoder)
		if i, isThere := first[key]; how.merge && delim == '{' && isThere {
			values[i] = value
			continue
		}
		first[key] = len(keys)
		keys, values = append(keys, key), append(values, value)
	}
	_, err = decoder.Token()
	require.NoError(t, err)
	places := make([]int, len(keys))
	for i := range places {
		places[i] = i
	}
	if how.sort {
		slices.SortStableFunc(places, func(a, b int) int { return int(browserRank(keys[a]) - browserRank(keys[b])) })
	}
	var out strings.Builder
	for _, i := range places {
		fmt.Fprintf(&out, "%q:%s,", keys[i], values[i])
	}
	return delim.String() + out.String() + "end"
}

// browserRank is keyRank's oracle in Go, of a key without escapes.
func browserRank(key string) int64 {
	n, err := strconv.ParseUint(key, 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != key {
		return math.MaxUint32
	}
	return int64(n)
}
