package interceptor

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestAppendNumber(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 20_000)
	tests := []struct{ name, lit, want string }{
		{"integer", "123", "123"},
		{"integer of 15 digits", "-999999999999999", "-999999999999999"},
		{"2^53", "9007199254740992", "9007199254740992"},
		{"2^53+1", "9007199254740993", "9007199254740992"},
		{"integer of 20 digits", "12345678901234567890", "12345678901234567000"},
		{"zero", "0", "0"},
		{"minus zero", "-0", "0"},
		{"minus zero, fraction", "-0.0", "0"},
		{"minus zero, underflow", "-1e-999", "0"},
		{"zero of any exponent", "0e999", "0"},
		{"fraction of zeros", "5.0", "5"},
		{"fraction of many zeros", "-1200.00", "-1200"},
		{"16 digits and a fraction of zeros", "1234567890123456.0", "1234567890123456"},
		{"fraction that ends in zero", "0.10", "0.1"},
		{"16 digits, kept", "0.8444218515250481", "0.8444218515250481"},
		{"17 digits, kept", "0.13436424411240122", "0.13436424411240122"},
		{"17 digits, negative", "-1234.5678901234567", "-1234.5678901234567"},
		{"17 digits, 16 are enough", "0.84442185152504811", "0.8444218515250481"},
		{"17 digits, not the closest", "0.13436424411240121", "0.13436424411240122"},
		{"17 digits, one too many", "0.10000000000000001", "0.1"},
		{"17 nines", "0.99999999999999999", "1"},
		{"beside a power of ten", "1.0000000000000002", "1.0000000000000002"},
		{"16 digits, not the closest", "9007199254740.993", "9007199254740.992"},
		{"fraction past 2^52", "4503599627370497.5", "4503599627370498"},
		{"fraction past 2^53", "9007199254740993.5", "9007199254740994"},
		{"tie between two shortest, 2^-44", "5.6843418860808015e-14", "5.684341886080802e-14"},
		{"least without exponent", "0.000001", "0.000001"},
		{"17 digits, least without exponent", "0.0000012345678901234567", "0.0000012345678901234567"},
		{"small, plain", "0.0000001", "1e-7"},
		{"small, Python", "1.5e-05", "0.000015"},
		{"small, capital", "1E-7", "1e-7"},
		{"small, zero in the exponent", "1.25e-07", "1.25e-7"},
		{"large, Python", "1e+16", "10000000000000000"},
		{"largest without exponent", "999999999999999934463", "999999999999999900000"},
		{"least with exponent", "1e21", "1e+21"},
		{"largest double", "1.7976931348623157e308", "1.7976931348623157e+308"},
		{"overflow", "1e999", "null"},
		{"overflow, negative", "-1e309", "null"},
		{"overflow, plain", "1" + zeros, "null"},
		{"least subnormal", "4.9e-324", "5e-324"},
		{"half of it", "2.4703282292062327e-324", "0"},
		{"exponent with zeros", "1e-000000000000000000000005", "0.00001"},
		{"long exponent made up for", "1" + zeros + zeros + zeros + zeros + zeros + zeros + "e-120000", "1"},
		{"long exponent made up for, fraction", "-0." + zeros + "25e+000020001", "-2.5"},
		{"long exponent not made up for", "0." + zeros + "1e100000", "null"},
		{"exponent beyond int", "1" + zeros + "e99999999999999999999", "null"},
		{"exponent beyond int, negative", "-0." + zeros + "1e-99999999999999999999", "0"},
		{"long zero with exponent", "-0." + zeros + "e99999", "0"},
	}
	var lits []string
	for _, tt := range tests {
		lits = append(lits, tt.lit)
	}
	node := numbersInNode(t, lits)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := appendNumber([]byte("before "), []byte(tt.lit))
			if want := "before " + tt.want; string(got) != want || !ok {
				t.Errorf("appendNumber(%.40q) = %.60q, %v, want %q", tt.lit, got, ok, want)
			}
			if node[i] != tt.want {
				t.Errorf("Node makes %.60q of %.40q, the table says %q", node[i], tt.lit, tt.want)
			}
		})
	}
}

func TestAppendNumberGrammar(t *testing.T) {
	t.Parallel()
	for _, lit := range []string{
		"", "-", "+1", ".5", "-.5", "1.", "1.e5", "01", "-01", "00", "00.5", "0x10", "1_000", "1e", "1e+", "1e5.5",
		"1.2.3", "--1", " 1", "1 ", "NaN", "Infinity", "-Infinity", "inf", "true", "null", "0.1234567a", "0.12345678a",
		"0.1234\x80678", "0.123456/8", "0.:2345678", "0.12345678901234567x", "1e5x", "0.0000000000000x", "-0.", "1\n",
	} {
		if got, ok := appendNumber([]byte("before"), []byte(lit)); ok || string(got) != "before" {
			t.Errorf("appendNumber(%q) = %q, %v, want it refused", lit, got, ok)
		}
	}
}

// TestAppendNumberAsNode compares with the one oracle that is not ours: V8, the engine of Chromium.
func TestAppendNumberAsNode(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var lits []string
	for _, generate := range numberLiterals {
		for range 5_000 {
			lits = append(lits, generate(r))
		}
	}
	for e := -1074; e < 1024; e++ {
		for _, format := range []byte("eg") {
			lits = append(lits, strconv.FormatFloat(math.Ldexp(1, e), format, -1, 64),
				strconv.FormatFloat(math.Ldexp(1, e), format, 17, 64))
		}
	}
	for i, want := range numbersInNode(t, lits) {
		if got, ok := appendNumber(nil, []byte(lits[i])); string(got) != want || !ok {
			t.Fatalf("appendNumber(%q) = %q, %v, Node: %q", lits[i], got, ok, want)
		}
	}
}

// TestAppendNumberAsStrconv looks at many more literals than Node could be asked, for a wrong answer of isShortest.
func TestAppendNumberAsStrconv(t *testing.T) {
	t.Parallel()
	for name, generate := range numberLiterals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(3, 4))
			var got []byte
			for range 70_000 {
				lit := generate(r)
				got, _ = appendNumber(got[:0], []byte(lit))
				if want := numberToString(lit); string(got) != want {
					t.Fatalf("appendNumber(%q) = %q, want %q", lit, got, want)
				}
			}
		})
	}
}

// TestAppendNumberStaysFast keeps the reason for isShortest alive: what Python writes for floats hardly ever has to be
// parsed.
func TestAppendNumberStaysFast(t *testing.T) { // not parallel: AllocsPerRun
	const n = 100_000
	r := rand.New(rand.NewPCG(5, 6))
	for name, value := range map[string]func() float64{
		"uniform": r.Float64,
		"normal":  func() float64 { return 1e4 * r.NormFloat64() },
	} {
		fast := 0
		for range n {
			lit := strconv.AppendFloat(nil, value(), 'f', -1, 64)
			if w, k, ok := plainDecimal(lit); ok && (w < 1e15 || k > 0 && isShortest(w, k)) {
				fast++
			}
		}
		if fast < n*99/100 {
			t.Errorf("%s: %d of %d floats proved canonical, want 99 %%", name, fast, n)
		}
	}
	dst, lit := make([]byte, 0, 64), []byte("0.13436424411240122")
	if n := testing.AllocsPerRun(100, func() { dst, _ = appendNumber(dst[:0], lit) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []string{
		"0", "-0.0", "5.0", "0.8444218515250481", "-1234.5678901234567", "9007199254740993", "1E+21", "1e-7", "0.10",
		"4.9e-324", "1e999", "01", "1.", "0.1234567a", "-", "0.00000112345678901234567",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, lit []byte) {
		got, ok := appendNumber(nil, lit)
		// A JSON text with these ends is a number without white space around it.
		isNumber := json.Valid(lit) && (lit[0] == '-' || lit[0]-'0' <= 9) && lit[len(lit)-1]-'0' <= 9
		if ok != isNumber {
			t.Fatalf("appendNumber(%q) reports %v, want %v", lit, ok, isNumber)
		}
		if !ok || len(lit) > 1000 { // strconv is no oracle for more: see rescale
			return
		}
		if want := numberToString(string(lit)); string(got) != want {
			t.Fatalf("appendNumber(%q) = %q, want %q", lit, got, want)
		}
		if again, _ := appendNumber(nil, got); string(got) != "null" && !bytes.Equal(again, got) {
			t.Fatalf("appendNumber(%q) = %q, and of that %q", lit, got, again)
		}
	})
}

// numbersInNode returns what V8 makes of each of lits.
func numbersInNode(t *testing.T, lits []string) []string {
	t.Helper()
	cmd := exec.Command("node", "testdata/number.js")
	cmd.Stdin = strings.NewReader(strings.Join(lits, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("asking Node: %v", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(lits) {
		t.Fatalf("Node answered %d of %d literals", len(lines), len(lits))
	}
	return lines
}
