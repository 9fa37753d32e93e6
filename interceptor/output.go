package interceptor

import (
	"io"
	"strings"
)

// maxOutput is how many bytes of a request are looked at for its key "output", which Dash's renderer writes first.
const maxOutput = 64 << 10

// MayOffload reports whether the response to a callback request of an app may hold data that is offloaded: whether a Store
// whose data is, is among the callback's outputs, or they cannot be told. Any other response need not be looked at. body is
// the request, of the given size.
func (ic *Interceptor) MayOffload(app *App, body io.ReaderAt, size int64) bool {
	output, ok := outputOf(body, size)
	if !ok {
		return true
	}
	for _, out := range splitOutput(output) {
		property, _, _ := strings.Cut(out.Property, "@") // behind it is what allow_duplicate adds
		if property != "data" {
			continue
		}
		// Of an output by wildcard, only the pattern is told here.
		pattern, err := parseIDPattern(out.ID)
		if wildcard := err == nil && pattern.dict != nil && !pattern.exact(); wildcard || ic.decide(app, canonicalID(out.ID)) {
			return true
		}
	}
	return false
}

// outputOf returns the text under the key "output" in a request.
func outputOf(body io.ReaderAt, size int64) (output string, ok bool) {
	var s scanner
	var value []byte
	text := io.NewSectionReader(body, 0, min(size, maxOutput))
	buffer := make([]byte, min(size, 1<<10)) // nearly always enough
	for {
		n, err := io.ReadFull(text, buffer)
		for chunk := buffer[:n]; len(chunk) > 0; {
			n, ev := s.next(chunk)
			chunk = chunk[n:]
			switch {
			case ev == evBroken:
				return "", false
			case ev == evEnd && value != nil:
				output = unquote(value)
				return output, output != ""
			case ev != evValue || s.depth() == 0 && chunk[0] == '{':
			case s.depth() == 1 && s.keyText() == "output":
				value = make([]byte, 0, 256)
				s.capture(&value)
			default:
				s.skip()
			}
		}
		if n == 0 || err != nil {
			return "", false
		}
	}
}

// splitOutput returns what an output text names: "id.property", or "..id.property...id.property.." for several.
func splitOutput(output string) []dependency {
	if inside, several := strings.CutPrefix(output, ".."); several {
		output = strings.TrimSuffix(inside, "..")
	}
	parts := strings.Split(output, "...")
	outputs := make([]dependency, len(parts))
	for i, part := range parts {
		dot := max(0, strings.LastIndexByte(part, '.'))
		outputs[i] = dependency{ID: part[:dot], Property: strings.TrimPrefix(part[dot:], ".")}
	}
	return outputs
}
