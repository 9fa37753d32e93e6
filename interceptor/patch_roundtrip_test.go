package interceptor

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// A patchedTab is a Store's data twice in Node: as a browser has it in plain Dash, and as it has it behind Dashstash.
type patchedTab struct {
	t        *testing.T
	name     string
	plain    *renderer
	behind   *renderer
	ic       *Interceptor
	session  Session
	history  []string
	expected string // what the app gets in plain Dash
	held     string // what the browser has behind Dashstash
}

func (tab *patchedTab) step(step rendererStep) (threw bool) {
	step.Name = tab.name
	tab.history = append(tab.history, fmt.Sprintf("%s: %s%s%s %v", tab.name, step.Set, step.Patch, step.From, step.Reload))
	threw, tab.expected = tab.plain.ask(tab.t, step)
	return threw
}

// set has data arrive: offloaded, or inline.
func (tab *patchedTab) set(data []byte, offloaded bool) {
	tab.step(rendererStep{Set: data})
	inBrowser := tab.expected
	if offloaded {
		inBrowser = stash(tab.t, tab.ic, tab.session.Store, tab.expected)
	}
	_, tab.held = tab.behind.ask(tab.t, rendererStep{Name: tab.name, Set: []byte(inBrowser)})
}

// patch has a Patch arrive, and returns what it is behind Dashstash.
func (tab *patchedTab) patch(text []byte) (reply string, ok bool) {
	o := tab.ic.Offload(tab.t.Context(), tab.session, Answer{}, nil)
	out, _, ok := o.patchReply("df", text)
	if !ok {
		return "", false
	}
	tab.step(rendererStep{Patch: text})
	threw, held := tab.behind.ask(tab.t, rendererStep{Name: tab.name, Patch: out})
	require.False(tab.t, threw, "%s", out)
	tab.held = held
	return string(out), true
}

// check sends a request: the app must get what it gets in plain Dash.
func (tab *patchedTab) check() {
	tab.t.Helper()
	const before, after = `{"output":"a.b","inputs":[{"id":"btn","property":"n_clicks","value":3},{"id":"df","property":"data","value":`, `}]}`
	request := before + tab.held + after
	body, figures, err := tab.ic.Rehydrate(tab.t.Context(), tab.session, strings.NewReader(request), int64(len(request)))
	require.NoError(tab.t, err)
	got := request
	if body != nil {
		got = readAll(tab.t, body)
	}
	require.Zero(tab.t, figures.Missed)
	require.Equal(tab.t, before+tab.expected+after, got, "%s\nin the browser: %s", strings.Join(tab.history, "\n"), tab.held)
}

func readAll(t testing.TB, body *Body) string {
	t.Helper()
	defer body.Close()
	var text strings.Builder
	n, err := body.WriteTo(&text)
	require.NoError(t, err)
	require.Equal(t, body.Size(), n)
	return text.String()
}

// Whatever tabs, reloads, storage failures and guesses do, the app gets what it gets in plain Dash, and the data in the browser
// stays short.
func TestPatchedAsPlain(t *testing.T) {
	t.Parallel()
	for _, ramda := range []string{"ramda", "ramda-0.28"} {
		t.Run(ramda, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(5, 5))
			plain, behind := newRenderer(t, "ramda"), newRenderer(t, ramda)
			longest, folded, guessedWrong := 0, 0, 0
			for range *patchCases / 50 {
				store := &spyStore{Store: newMemory()}
				ic := newTestInterceptor()
				session := testSession(store, newTestApp("df"))
				session.Shown.after = 4
				tabs := make([]*patchedTab, 2)
				for i := range tabs {
					tabs[i] = &patchedTab{t: t, name: fmt.Sprint(i), plain: plain, behind: behind, ic: ic, session: session}
					tabs[i].set(offloadedData(r), true)
				}
				for range 10 + r.IntN(60) {
					tab := tabs[r.IntN(r.IntN(2)+1)]
					switch r.IntN(20) {
					case 0:
						store.failCommit, store.failCreate = nil, nil
						tab.set(offloadedData(r), true)
					case 1:
						other := tabs[1-(tab.name[0]-'0')]
						tab.step(rendererStep{From: other.name})
						_, tab.held = behind.ask(t, rendererStep{Name: tab.name, From: other.name})
					case 2:
						if !tab.step(rendererStep{Reload: true}) {
							_, tab.held = behind.ask(t, rendererStep{Name: tab.name, Reload: true})
						}
					case 3:
						if r.IntN(2) == 0 {
							store.failCommit = storage.ErrTooLarge
						} else {
							store.failCreate = storage.ErrClosed
						}
					case 4:
						ic.folds = newFolds() // Caddy restarts
					case 5, 6, 7, 8, 9:
						tab.check()
					default:
						patch := recordablePatch(r, tab.expected)
						if reply, ok := tab.patch(patch); ok && strings.Contains(reply, "Remove") {
							folded++
							if strings.Contains(tab.held, "],[") {
								guessedWrong++
							}
						}
						store.failCommit, store.failCreate = nil, nil
					}
					longest = max(longest, strings.Count(tab.held, `",`))
				}
				for _, tab := range tabs {
					tab.check()
				}
				require.Zero(t, store.writers, "not ended")
				require.Zero(t, store.readers, "not closed")
			}
			t.Logf("%d folds, %d of them on a wrong guess; up to %d records", folded, guessedWrong, longest)
			require.Greater(t, folded, *patchCases/100)
			require.Positive(t, guessedWrong)
		})
	}
}

// offloadedData is data that may be offloaded: no number, which a Patch could add to.
func offloadedData(r *rand.Rand) []byte {
	for {
		data := randomData(r, 3)
		if c := data[0]; c == '{' || c == '[' || c == '"' && r.IntN(8) == 0 {
			return data
		}
	}
}

// recordablePatch is a Patch that is not left to the browser.
func recordablePatch(r *rand.Rand, data string) []byte {
	for {
		text := randomPatch(r, data)
		if p, err := parsePatch(text); err == nil && !p.isEmpty() {
			return text
		}
	}
}

// Data that is inline when it is first patched is told from what the renderer makes of it.
func TestPatchedInline(t *testing.T) {
	t.Parallel()
	plain, behind := newRenderer(t, "ramda"), newRenderer(t, "ramda")
	r := rand.New(rand.NewPCG(6, 6))
	ic, store := newTestInterceptor(), newMemory()
	tab := &patchedTab{t: t, name: "a", plain: plain, behind: behind, ic: ic, session: testSession(store, newTestApp("df"))}
	for range *patchCases / 20 {
		base, first := inlineCase(r)
		tab.history = nil
		tab.set(base, false)
		for i := range 1 + r.IntN(4) {
			patch := []byte(`{"operations":[` + first + `]}`)
			if i > 0 {
				patch = recordablePatch(r, tab.expected)
			}
			tab.patch(patch)
			tab.check()
		}
	}
}

// inlineCase is data, and an operation that tells what it was.
func inlineCase(r *rand.Rand) (data []byte, operation string) {
	op := func(name, location, value string) string {
		return fmt.Sprintf(`{"operation":"%s","location":%s,"params":{"value":%s,"index":0}}`, name, location, value)
	}
	value := string(randomData(r, 2))
	switch r.IntN(5) {
	case 0:
		return []byte(oneOf(r, `{}`, `null`)), oneOf(r, op("Assign", `["a"]`, value), op("Merge", `[]`, `{"b":`+value+`}`), op("Append", `["0"]`, value))
	case 1:
		return []byte(`[]`), oneOf(r, op(oneOf(r, "Append", "Prepend", "Insert"), `[]`, value), op("Extend", `[]`, `[`+value+`]`), op("Assign", `[0]`, value))
	case 2:
		return []byte(oneOf(r, `""`, `"a"`, `"text"`, `"🦆 é"`)), op(oneOf(r, "Add", "Extend"), `[]`, oneOf(r, `"b"`, `"🦆"`))
	case 3:
		return fmt.Appendf(nil, `[%s,%s]`, randomData(r, 2), value), oneOf(r, op(oneOf(r, "Append", "Prepend", "Insert", "Remove"), `[]`, value),
			op("Reverse", `[]`, "0"), op("Delete", `[-1]`, "0"), op("Assign", oneOf(r, `[0]`, `[-1]`, `["a"]`, `["0"]`), value))
	}
	return fmt.Appendf(nil, `{"a":%s,"2":%s}`, randomData(r, 2), value), op(oneOf(r, "Assign", "Append", "Delete"), oneOf(r, `["a"]`, `["2"]`, `["b"]`), value)
}

// However often data is patched, what the browser has of it stays short, and each Patch is applied once.
func TestPatchedStaysShort(t *testing.T) {
	t.Parallel()
	node := newRenderer(t, "ramda")
	store := &spyStore{Store: newMemory()}
	ic := newTestInterceptor()
	tab := &patchedTab{t: t, name: "a", plain: node, behind: newRenderer(t, "ramda"), ic: ic, session: testSession(store, newTestApp("df"))}
	tab.set([]byte(`{"rows":[]}`), true)
	for i := range 10 * foldAfter {
		tab.history = nil
		tab.patch(fmt.Appendf(nil, `{"operations":[{"operation":"Append","location":["rows"],"params":{"value":%d}}]}`, i))
		tab.check()
		require.LessOrEqual(t, strings.Count(tab.held, `"`), 2*(foldAfter+3), tab.held)
	}
	opens := store.opens
	tab.check()
	require.LessOrEqual(t, store.opens-opens, foldAfter+4, "it is known already")
}
