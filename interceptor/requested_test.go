package interceptor

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type requestedData struct{ id, value string }

// dataIn is what encoding/json says of the data among a request's inputs and states.
func dataIn(t *testing.T, request []byte) (found []requestedData) {
	t.Helper()
	var entries func(raw json.RawMessage)
	entries = func(raw json.RawMessage) {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) == nil {
			for _, element := range list {
				entries(element)
			}
			return
		}
		var e map[string]json.RawMessage
		if json.Unmarshal(raw, &e) == nil && string(e["property"]) == `"data"` && e["value"] != nil {
			id := ""
			if raw := e["id"]; len(raw) > 0 && len(raw) <= maxIDText {
				id = idOf(string(raw))
			}
			found = append(found, requestedData{id, string(e["value"])})
		}
	}
	for _, part := range orderedMembers(request) {
		switch {
		case (part.key == "inputs" || part.key == "state") && part.value[0] == '[':
			entries(part.value)
		case part.key == "payload" && part.value[0] == '{':
			for _, part := range orderedMembers(part.value) {
				if (part.key == "inputs" || part.key == "state") && part.value[0] == '[' {
					entries(part.value)
				}
			}
		}
	}
	return found
}

type requestPart struct {
	key   string
	value json.RawMessage
}

// orderedMembers are the members of a JSON object; none of what is no object.
func orderedMembers(object []byte) (members []requestPart) {
	decoder := json.NewDecoder(strings.NewReader(string(object)))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	for decoder.More() {
		key, _ := decoder.Token()
		var m requestPart
		m.key, _ = key.(string)
		if decoder.Decode(&m.value) != nil {
			return nil
		}
		members = append(members, m)
	}
	return members
}

// For any JSON, the data that a request carries is what encoding/json finds; and nothing that is no JSON is a danger.
func FuzzRequested(f *testing.F) {
	for _, seed := range []string{
		`{"inputs":[{"id":"df","property":"data","value":[1,{"a":"b"}]}],"state":[{"id":"x","property":"n","value":1}]}`,
		` { "state" : [ [ {"value":{}, "id":{"index":1,"type":"df"}, "property":"data"} ], 1, "a" ] } `,
		`{"payload":{"inputs":[{"id":"df","property":"data","value":null}]},"inputs":{"id":1}}`,
		`{"inputs":[[[{"id":"df","property":"data","value":[{"id":"no","property":"data","value":1}]}]]]}`,
		`{"inputs":[{"property":"data","value":1,"id":[1]},{"property":"data"}],"x":[{"id":"a","property":"data","value":1}]}`, `[]`, `{"inputs":[{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		text := string(request)
		var found []requestedData
		newTextWindow(strings.NewReader(text), int64(len(text))).eachData(func(id string, value [2]int64) bool {
			found = append(found, requestedData{id, text[value[0]:value[1]]})
			return true
		})
		if json.Valid(request) {
			require.Equal(t, dataIn(t, request), found)
		}
	})
}
