package interceptor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// canonicalID returns a component's id in the one form that ids are compared in. A text id is itself. A dict id, which is
// an object in a layout and a text of JSON elsewhere, becomes JSON with sorted keys and no white space, as Dash's
// stringify_id (dash/_utils.py) makes it, but without its \u escapes.
func canonicalID(text string) string {
	if dict, ok := parseDict(text); ok {
		return encodeDict(dict)
	}
	return text
}

// parseDict parses a dict id. Its values are texts, numbers as a browser writes them, booleans or, for a wildcard, lists.
func parseDict(text string) (map[string]any, bool) {
	if !strings.HasPrefix(text, "{") {
		return nil, false
	}
	var dict map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&dict) != nil {
		return nil, false
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, false
	}
	for key, value := range dict {
		switch value := value.(type) {
		case map[string]any:
			return nil, false
		case json.Number: // which the browser writes its own way
			if number, err := value.Float64(); err == nil {
				dict[key] = json.Number(appendJSNumber(nil, number))
			}
		}
	}
	return dict, true
}

func encodeDict(dict map[string]any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(dict) // cannot fail: the dict came out of JSON
	return strings.TrimSuffix(text.String(), "\n")
}

// An idPattern says which ids it means: one id; a glob, in which "*" stands for any text; or a dict, in which * stands for
// any value of a key.
type idPattern struct {
	text string
	dict map[string]any // nil: not a dict
}

// parseIDPattern parses a pattern as a person writes it: df, df-*, {"type":"df","index":*}.
func parseIDPattern(text string) (idPattern, error) {
	if text == "" {
		return idPattern{}, fmt.Errorf(`"" is no id: write the id of a dcc.Store`)
	}
	if !strings.HasPrefix(text, "{") {
		return idPattern{text: text}, nil
	}
	dict, ok := parseDict(quoteStars(text))
	if !ok {
		return idPattern{}, fmt.Errorf(`%q is not a dict id: write it as JSON, with * for any value, like {"type":"df","index":*}`, text)
	}
	return idPattern{text: text, dict: dict}, nil
}

// quoteStars turns each * that stands as a value into a list, as Dash writes its wildcards in _dash-dependencies.
func quoteStars(text string) string {
	var quoted strings.Builder
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && inString && i+1 < len(text):
			quoted.WriteByte(c)
			i++
			quoted.WriteByte(text[i])
			continue
		case c == '"':
			inString = !inString
		case c == '*' && !inString:
			quoted.WriteString(`["*"]`)
			continue
		}
		quoted.WriteByte(text[i])
	}
	return quoted.String()
}

// matches reports whether the pattern means a canonical id.
func (p idPattern) matches(id string) bool {
	if p.dict == nil {
		return matchGlob(p.text, id)
	}
	dict, ok := parseDict(id)
	if !ok || len(dict) != len(p.dict) {
		return false
	}
	for key, want := range p.dict {
		got, ok := dict[key]
		if !ok {
			return false
		}
		if _, wildcard := want.([]any); !wildcard && want != got {
			return false
		}
	}
	return true
}

// exact reports whether the pattern means one id alone.
func (p idPattern) exact() bool {
	for _, value := range p.dict {
		if _, wildcard := value.([]any); wildcard {
			return false
		}
	}
	return p.dict != nil || !strings.Contains(p.text, "*")
}

// matchGlob reports whether text fits a glob in which "*" stands for any text, the empty one too.
func matchGlob(glob, text string) bool {
	parts := strings.Split(glob, "*")
	if len(parts) == 1 {
		return glob == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return true
}
