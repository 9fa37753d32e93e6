package interceptor

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var patchCases = flag.Int("patchcases", 10_000, "how many documents the tests of Patches ask Node about")

// Any chain of Patches does to any data what the renderer does to it, also where the renderer throws.
func TestPatchAsRenderer(t *testing.T) {
	t.Parallel()
	browser := newRenderer(t, "ramda")
	r := rand.New(rand.NewPCG(4, 4))
	threw, applied := 0, map[string]int{}
	for range (*patchCases + 99) / 100 {
		var asked []patchAnswer // many at a time: Node is waited for but once
		for range 100 {
			asked = append(asked, patchOnce(t, r)...)
		}
		go func() {
			for _, a := range asked {
				browser.send(t, a.step)
			}
		}()
		for _, a := range asked {
			wantThrown, want := browser.answer(t)
			require.Equal(t, want, a.value, "%s", strings.Join(a.history, "\n"))
			require.Equal(t, wantThrown, a.threw, "%s", strings.Join(a.history, "\n"))
			if a.threw {
				threw++
			}
			for _, name := range a.applied {
				applied[name]++
			}
		}
	}
	t.Logf("%d patches threw, operations applied: %v", threw, applied)
	require.Len(t, applied, len(operations))
	require.Greater(t, threw, *patchCases/10)
}

// What random Patches hardly find.
func TestPatchRare(t *testing.T) {
	t.Parallel()
	browser := newRenderer(t, "ramda")
	op := func(name, location, value string) string {
		return fmt.Sprintf(`{"operation":"%s","location":%s,"params":{"value":%s}}`, name, location, value)
	}
	for _, tt := range []struct{ name, base, operations string }{
		{"a negative index beyond the start reads what it does not write", `{"a":[[1],[2]]}`, op("Append", `["a",1]`, "5") + "," + op("Reverse", `["a",-3]`, "0")},
		{"it is a property of the list", `[[1],2]`, op("Assign", `[-5]`, "5") + "," + op("Assign", `["x"]`, "6")},
		{"a text cannot be made", `{"a":{"toString":1}}`, op("Add", `["a"]`, `"x"`)},
		{"holes are kept, turned, filled and dropped", `[1]`, op("Assign", `[4]`, "5") + "," + op("Reverse", `[]`, "0") + "," + op("Remove", `[]`, "5")},
		{"holes become undefined", `[1]`, op("Assign", `[4]`, "5") + "," + op("Prepend", `[]`, "0") + "," + op("Remove", `[]`, "5")},
		{"undefined is left out", `{"a":1,"b":2}`, op("Clear", `["a"]`, "0") + "," + op("Append", `["c"]`, "1")},
		{"NaN goes on", `{"a":"x"}`, op("Mul", `["a"]`, "2") + "," + op("Add", `["a"]`, "1") + "," + op("Add", `["b"]`, `"x"`)},
		{"minus zero", `{"a":0}`, op("Mul", `["a"]`, "-1") + "," + op("Div", `["a"]`, "0")},
		{"minus zero is not zero", `[[0]]`, op("Mul", `[0,0]`, "-1") + "," + op("Remove", `[0]`, "0")},
		{"minus infinity", `{"a":0}`, op("Mul", `["a"]`, "-1") + "," + op("Assign", `["b"]`, "1") + "," + op("Add", `["c"]`, `"x"`)},
		{"a prototype is no data", `{"a":1}`, op("Assign", `["__proto__","a"]`, "2") + "," + op("Merge", `[]`, `{"b":1}`)},
		{"no index of a list", `[1]`, op("Assign", `[4294967295]`, "2") + "," + op("Assign", `[1.5]`, "2")},
		{"halves of a character meet", `{"a":"\ud83e"}`, op("Add", `["a"]`, `"\udd86"`) + "," + op("Extend", `["a"]`, `"\udd86"`)},
		{"null is an object to assocPath", `{"a":null}`, op("Assign", `["a",0]`, "1") + "," + op("Assign", `["b",0]`, "1")},
		{"half of it throws", `{"a":[1]}`, op("Append", `["a"]`, "2") + "," + op("Extend", `["b"]`, "[1]")},
	} {
		_, base := browser.ask(t, rendererStep{Name: "a", Set: []byte(tt.base)})
		text := []byte(`{"operations":[` + tt.operations + `]}`)
		wantThrown, want := browser.ask(t, rendererStep{Name: "a", Patch: text})
		d := jsDocument{root: jsonValue([]byte(base))}
		p, err := parsePatch(text)
		require.NoError(t, err, tt.name)
		require.Equal(t, wantThrown, d.apply(p) != nil, tt.name)
		got, _ := d.json()
		require.Equal(t, want, got, tt.name)
	}
}

// A patchAnswer is what we make of a step that Node is asked about too.
type patchAnswer struct {
	step    rendererStep
	threw   bool
	value   string
	applied []string // operations
	history []string
}

// json is what JSON.stringify makes of a document.
func (d *jsDocument) json() (text string, faithful bool) {
	var out strings.Builder
	faithful, _ = d.writeTo(&out)
	return out.String(), faithful
}

// patchOnce applies a few Patches to some data.
func patchOnce(t *testing.T, r *rand.Rand) []patchAnswer {
	base := randomData(r, 3)
	d := jsDocument{root: jsonValue(base)}
	answers := []patchAnswer{{step: rendererStep{Name: "a", Set: base}, value: string(base)}}
	history := []string{string(base)}
	for range 1 + r.IntN(5) {
		before, _ := d.json()
		text := randomPatch(r, before)
		history = append(history, string(text))
		p, err := parsePatch(text)
		if err != nil {
			require.ErrorIs(t, err, errNotRecordable)
			continue
		}
		a := patchAnswer{step: rendererStep{Name: "a", Patch: text}, history: slices.Clone(history)}
		if a.threw = d.apply(p) != nil; !a.threw {
			for op := range p.operations(&d) {
				a.applied = append(a.applied, op.name)
			}
		}
		a.value, _ = d.json()
		answers = append(answers, a)
	}
	return answers
}

var dataKeys = []string{"a", "b", "c", "rows", "0", "1", "2", "10", "-1", "NaN", "length", "é", "🦆", "\uffff", "", "x y", `q"\`,
	"4294967294", "4294967295", "operations"}

func randomKey(r *rand.Rand) string {
	if r.IntN(3) > 0 {
		return dataKeys[r.IntN(4)]
	}
	return dataKeys[r.IntN(len(dataKeys))]
}

func quoted(text string) string { return string(appendQuotedJS(nil, text)) }

// randomData is a Store's data, as JSON that a browser has written.
func randomData(r *rand.Rand, depth int) []byte {
	text := randomValue(r, depth)
	orderKeys(text)
	return text
}

func randomValue(r *rand.Rand, depth int) []byte {
	kind := r.IntN(12)
	if depth == 0 {
		kind = 6 + r.IntN(6)
	}
	var parts []string
	switch {
	case kind < 3:
		seen := map[string]bool{}
		for range r.IntN(6) {
			key, value := randomKey(r), randomValue(r, depth-1)
			if seen[key] {
				continue
			}
			seen[key] = true
			if key == "length" { // of what is like a list
				value = []byte(oneOf(r, "0", "1", "2", "3", "-1", "1.5", "null", `"2"`, "[1]"))
			}
			parts = append(parts, quoted(key)+":"+string(value))
		}
		return []byte("{" + strings.Join(parts, ",") + "}")
	case kind < 6:
		for range r.IntN(6) {
			parts = append(parts, string(randomValue(r, depth-1)))
		}
		return []byte("[" + strings.Join(parts, ",") + "]")
	case kind < 8:
		return []byte(oneOf(r, `"a"`, `""`, `"text"`, `"é"`, `"🦆x"`, `"\ud83e"`, `"\udd86"`, `"\"\\\n\u0001"`, `"12"`, `" 0x1f "`, `"-Infinity"`,
			`"1e3"`, `"+.5"`, "\"\u00a0\"", `"<>"`, "\"\u2028\"", `"1,2"`))
	case kind < 10:
		return []byte(oneOf(r, "0", "1", "-1", "2", "3", "0.1", "0.2", "1e+21", "1e-7", "5e-324", "1.7976931348623157e+308",
			"9007199254740992", "123456789.125", "-2.5", "1e+300", "0.30000000000000004", "100000000000000000000"))
	case kind < 11:
		return []byte(oneOf(r, "true", "false"))
	}
	return []byte("null")
}

// randomPatch is a Patch of data, whose locations mostly are in it.
func randomPatch(r *rand.Rand, data string) []byte {
	var value any
	_ = json.Unmarshal([]byte(data), &value)
	var ops []string
	for range oneOf(r, 0, 1, 1, 1, 2, 3, 6) {
		ops = append(ops, randomOperation(r, value))
	}
	return []byte(`{"__dash_patch_update":"__dash_patch_update","operations":[` + strings.Join(ops, ",") + `]}`)
}

func randomOperation(r *rand.Rand, data any) string {
	name := oneOf(r, "Assign", "Merge", "Extend", "Delete", "Insert", "Append", "Prepend", "Add", "Sub", "Mul", "Div", "Clear",
		"Reverse", "Remove")
	location := []string{}
	for range oneOf(r, 0, 1, 1, 1, 2, 2, 3, 4) {
		part, inside := randomStep(r, data)
		location, data = append(location, part), inside
	}
	params := "{}"
	if len(location) > 0 && location[len(location)-1] == `"length"` {
		name = oneOf(r, "Delete", "Clear", "Extend") // a large one would keep Node busy for ever
	}
	if list, isList := data.([]any); isList && name == "Remove" && len(list) > 0 && r.IntN(2) == 0 {
		value, _ := json.Marshal(list[r.IntN(len(list))])
		params = `{"value":` + string(value) + `}`
	} else if name != "Delete" && name != "Clear" && name != "Reverse" {
		depth := r.IntN(3)
		value := string(randomData(r, depth))
		switch {
		case name == "Merge" && r.IntN(4) > 0:
			value = fmt.Sprintf(`{%s:%s}`, quoted(randomKey(r)), value)
		case name == "Extend" && r.IntN(4) > 0:
			value = fmt.Sprintf(`[%s]`, value)
		}
		params = `{"value":` + value + `}`
		if name == "Insert" {
			params = fmt.Sprintf(`{"value":%s,"index":%s}`, value,
				oneOf(r, "0", "1", "2", "-1", "-2", "-9", "7", "1.5", "null", `"1"`, "true", "[1]", "-0.5"))
		}
	}
	return fmt.Sprintf(`{"operation":"%s","location":[%s],"params":%s}`, name, strings.Join(location, ","), params)
}

// randomStep is a part of a location, and what is there in data.
func randomStep(r *rand.Rand, data any) (part string, inside any) {
	switch data := data.(type) {
	case map[string]any:
		if len(data) > 0 && r.IntN(5) > 0 {
			key := slices.Sorted(maps.Keys(data))[r.IntN(len(data))]
			return quoted(key), data[key]
		}
	case []any:
		if len(data) > 0 && r.IntN(5) > 0 {
			i := r.IntN(len(data))
			return oneOf(r, fmt.Sprint(i), fmt.Sprint(i), fmt.Sprint(i-len(data)), fmt.Sprintf(`"%d"`, i)), data[i]
		}
	}
	if r.IntN(2) == 0 {
		return quoted(randomKey(r)), nil
	}
	return oneOf(r, "0", "1", "2", "3", "-1", "-2", "-7", "12", "1.5", "-1.5", "true", "null", "4294967295", "[1]"), nil
}

// Whatever comes as a Patch, the data is JSON still, and as it was where the Patch does not fit.
func FuzzPatch(f *testing.F) {
	for _, operation := range slices.Sorted(maps.Keys(operations)) {
		for _, location := range []string{`[]`, `["a"]`, `["a",-1]`, `[-9,"length"]`, `[1,[null],1.5]`} {
			f.Add([]byte(`{"a":[1,{"a":"\ud83e"}],"10":-0.5e-3,"2":{"length":2}}`),
				fmt.Appendf(nil, `{"operations":[{"operation":"%s","location":%s,"params":{"value":[{"a":1}],"index":-1}}]}`, operation, location))
		}
	}
	f.Add([]byte(`["a","b"]`), []byte(`{"operations":[{"operation":"Assign","location":["__proto__",0],"params":{}}],"operations":[]}`))
	f.Add([]byte(`"text"`), []byte(`{"operations":[{"operation":"Add","location":[],"params":{"value":"\udd86"}},{"operation":"Assign","location":[4294967294]}]}`))
	f.Fuzz(func(t *testing.T, base, text []byte) {
		if !json.Valid(base) || !json.Valid(text) || len(base)+len(text) > 1<<10 {
			return
		}
		p, err := parsePatch(bytes.TrimSpace(text))
		if err != nil {
			require.ErrorIs(t, err, errNotRecordable)
			return
		}
		d := jsDocument{root: jsonValue(bytes.TrimSpace(base))}
		for range 3 {
			before, _ := d.json()
			err := d.apply(p)
			after, faithful := d.json()
			require.True(t, json.Valid([]byte(after)), "%s", after)
			if err != nil {
				require.Equal(t, before, after)
			}
			if again := (jsDocument{root: jsonValue([]byte(after))}); faithful && again.root.kind() >= jsList {
				again.expand(&again.root)
				again.root.raw = nil
				twice, _ := again.json()
				require.JSONEq(t, after, twice)
			}
		}
	})
}
