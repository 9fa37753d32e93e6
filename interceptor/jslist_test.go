package interceptor

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// longList is a list of elements of very different lengths, as JSON, in many runs.
func longList(r *rand.Rand, n int) string {
	elems := make([]string, n)
	for i := range elems {
		switch r.IntN(200) {
		case 0:
			elems[i] = quoted(strings.Repeat("x", r.IntN(2*runText)))
		case 1:
			elems[i] = string(randomValue(r, 2))
		default:
			elems[i] = fmt.Sprint(r.IntN(20))
		}
	}
	return "[" + strings.Join(elems, ",") + "]"
}

// Whatever is done to a list in runs, it is as a list of values would be; and the list that it was before stays as it was.
func TestListInRuns(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(77, 1))
	for range 20 {
		text := longList(r, r.IntN(8000))
		d := jsDocument{root: jsonValue([]byte(text)), epoch: 1}
		var want []string
		for elem := range elementsOf([]byte(text)) {
			want = append(want, string(elem))
		}
		for range 12 {
			before, beforeText := d.root, "["+strings.Join(want, ",")+"]"
			d.epoch++
			elems := d.elems(&d.root)
			for range r.IntN(8) {
				n := len(want)
				i := r.IntN(n + 1)
				if r.IntN(3) == 0 {
					i = oneOf(r, 0, n, n/2)
				}
				value := fmt.Sprint(100 + r.IntN(100))
				switch op := r.IntN(8); {
				case op == 0:
					elems.reverse(&d)
					slices.Reverse(want)
				case op == 1:
					drop := fmt.Sprint(r.IntN(20))
					elems = elems.without(&d, func(elem *jsValue) bool { return string(elem.raw) == drop })
					want = slices.DeleteFunc(slices.Clone(want), func(elem string) bool { return elem == drop })
				case op == 2:
					more := longList(r, r.IntN(100))
					value := jsonValue([]byte(more))
					elems.concat(&d, d.expand(&value).elems)
					for elem := range elementsOf([]byte(more)) {
						want = append(want, string(elem))
					}
				case op < 5 && i < n:
					elems.remove(&d, i)
					want = slices.Delete(slices.Clone(want), i, i+1)
				case op < 6 && i < n:
					elems.set(&d, i, jsonValue([]byte(value)))
					want = slices.Clone(want)
					want[i] = value
				default:
					want = slices.Clone(want)
					for range oneOf(r, 1, 3, 1, 3, 5000) {
						elems.insert(&d, i, jsonValue([]byte(value)))
						want = slices.Insert(want, i, value)
						i = min(len(want), i+r.IntN(2))
						if len(want) > 20_000 {
							break
						}
					}
				}
				require.Equal(t, len(want), elems.length)
				if len(want) > 0 {
					i := r.IntN(len(want))
					require.Equal(t, want[i], string(elems.at(&d, i).raw))
				}
			}
			d.root = d.list(elems)
			got, faithful := d.json()
			require.True(t, faithful)
			require.True(t, "["+strings.Join(want, ",")+"]" == got, "%s\n%s", got, want)
			old := jsDocument{root: before}
			got, _ = old.json()
			require.True(t, beforeText == got, "the list before has changed")
			if d.err != nil {
				break
			}
		}
	}
}

// Patches do to long lists what the renderer does to them.
func TestPatchLongLists(t *testing.T) {
	t.Parallel()
	browser := newRenderer(t, "ramda")
	r := rand.New(rand.NewPCG(78, 1))
	costly := 0
	for range *patchCases / 200 {
		var answers []patchAnswer
		base := `{"rows":` + longList(r, r.IntN(12_000)) + `,"a":1}`
		_, base = browser.ask(t, rendererStep{Name: "a", Set: []byte(base)})
		d := jsDocument{root: jsonValue([]byte(base))}
		for range 1 + r.IntN(6) {
			var ops []string
			for range 1 + r.IntN(4) {
				ops = append(ops, randomListOperation(r))
			}
			text := []byte(`{"operations":[` + strings.Join(ops, ",") + `]}`)
			p, err := parsePatch(text)
			require.NoError(t, err)
			a := patchAnswer{step: rendererStep{Name: "a", Patch: text}}
			err = d.apply(p)
			a.threw = err != nil
			if errors.Is(err, errCostly) { // a long text has become a list of its characters
				costly++
				break
			}
			a.value, _ = d.json()
			answers = append(answers, a)
		}
		for _, a := range answers {
			threw, want := browser.ask(t, a.step)
			require.Equal(t, threw, a.threw, "%s", a.step.Patch)
			require.True(t, want == a.value, "%s", a.step.Patch)
		}
	}
	require.Less(t, costly, max(5, *patchCases/4000))
}

// randomListOperation is an operation on the list "rows", or on what is in it.
func randomListOperation(r *rand.Rand) string {
	index := fmt.Sprint(oneOf(r, 0, -1, r.IntN(12_000), -r.IntN(12_000), r.IntN(100)))
	location := `["rows"]`
	if r.IntN(2) == 0 {
		location = `["rows",` + index + `]`
	}
	name := oneOf(r, "Assign", "Extend", "Delete", "Insert", "Append", "Prepend", "Add", "Mul", "Clear", "Reverse", "Remove", "Merge", "Append")
	value := string(randomData(r, 1))
	switch name {
	case "Assign", "Delete", "Clear", "Merge":
		if location == `["rows"]` && r.IntN(4) > 0 { // the list would be gone
			location = `["rows",` + index + `]`
		}
	case "Extend":
		value = longList(r, r.IntN(50))
		if r.IntN(5) == 0 {
			value = longList(r, r.IntN(5000))
		}
	case "Remove":
		value = fmt.Sprint(r.IntN(20))
	}
	return fmt.Sprintf(`{"operation":"%s","location":%s,"params":{"value":%s,"index":%s}}`, name, location, value, index)
}

// Text that is read in parts is the same text.
func TestUnquotedInParts(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(79, 1))
	for range 200 {
		var quoted strings.Builder
		for quoted.Len() < r.IntN(4*writeSize) {
			quoted.WriteString(oneOf(r, "x", "é", "🦆", `\n`, `\\`, `\"`, `\u00e9`, `\ud83e`, `\udd86`, `\ud83e\udd86`, strings.Repeat("y", r.IntN(100)),
				strings.Repeat(`\ud83e\udd86`, r.IntN(100)), strings.Repeat(`\\`, r.IntN(100))))
		}
		var got strings.Builder
		require.NoError(t, writeUnquoted(&got, strings.NewReader(quoted.String())))
		want := unquoteJS([]byte(quoted.String()))
		require.True(t, want == got.String(), "%s", quoted.String())
		if !strings.Contains(quoted.String(), `\ud`) {
			var text string
			require.NoError(t, json.Unmarshal([]byte(`"`+quoted.String()+`"`), &text))
			require.True(t, text == want)
		}
	}
}
