package interceptor

import (
	"io"
	"strings"
)

const (
	// maxOutput is how many bytes of a request are looked at for its key "output", which Dash's renderer writes first.
	maxOutput = 64 << 10
	// maxAnswerName is the length in bytes up to which an answer is known again.
	maxAnswerName = 4 << 10
)

// An answerKind is the form of an app's answer.
type answerKind uint8

const (
	callbackKind answerKind = iota // {"response":{"<id>":{"<prop>":…}},"sideUpdate":…,…}
	layoutKind                     // a component tree
	socketKind                     // a frame of the WebSocket: a message, or a list of them
)

// An Answer says which of an app's answers a body is. The zero Answer is that of a callback of which nothing is known.
type Answer struct {
	kind answerKind
	// name tells it from the app's other answers; "": it cannot be told. That of a callback is its request's "output".
	name string
}

// LayoutAnswer is the answer to GET P_dash-layout.
var LayoutAnswer = Answer{kind: layoutKind, name: "_dash-layout"}

// SocketAnswer is a text frame to the browser on P_dash-ws-callback.
var SocketAnswer = Answer{kind: socketKind}

// CallbackAnswer returns the answer to a callback request, of the given size.
func CallbackAnswer(request io.ReaderAt, size int64) Answer {
	return Answer{kind: callbackKind, name: newTextWindow(request, min(size, maxOutput)).output()}
}

// MayOffload reports whether an answer of an app may hold data that is offloaded: whether it cannot be told, a Store whose data
// is offloaded is among the callback's outputs, a component tree is, or the answer held a Store's data elsewhere the last time
// ([Interceptor.Watch]). Any answer may be doubtful ([Offload.Doubtful]) of an app that was unknown while pages were open, or has
// an id for two things. Of a layout it cannot be told before the first.
func (ic *Interceptor) MayOffload(session Session, answer Answer) bool {
	app := session.App
	if answer.kind != layoutKind && app.doubtsAny() || answer.name == "" || len(answer.name) > maxAnswerName || app.carries(answer.name) {
		return true
	}
	if answer.kind == layoutKind {
		return !app.knowsLayout()
	}
	for _, out := range splitOutput(answer.name) {
		switch property := out.plainProperty(); {
		case out.ID == "", property == "children":
			return true
		case property != "data":
			continue
		}
		// Of an output by wildcard, only the pattern is told here.
		pattern, err := parseIDPattern(out.ID)
		if wildcard := err == nil && pattern.dict != nil && !pattern.exact(); wildcard {
			return true
		}
		if id := canonicalID(out.ID); ic.decide(session, id) == Offloaded || app.doubts(id, ic.TTL) {
			return true
		}
	}
	return false
}

// propsID returns the id that the key "props" stands for in a callback's response; "": for itself. Dash before 1.11 answers a
// callback of one output with {"response":{"props":{…}}}.
func (a Answer) propsID() string {
	if outputs := splitOutput(a.name); a.kind == callbackKind && len(outputs) == 1 && !strings.HasPrefix(a.name, "..") {
		return canonicalID(outputs[0].ID)
	}
	return ""
}

// output returns the text under the key "output" of a request, or "".
func (t *textWindow) output() string {
	var s scanner
	start := int64(-1) // of its value
	for i := t.behindMark(); i < t.size && t.at(i) != 0; {
		n, ev := s.next(t.window[i-t.start:])
		i += int64(n)
		switch {
		case ev == evBroken:
			return ""
		case ev == evEnd && start >= 0:
			return unquote(t.read([2]int64{start, i}))
		case ev != evValue || s.depth() == 0 && t.at(i) == '{':
		case s.depth() == 1 && s.keyText() == "output":
			start = i
			s.skip()
		default:
			s.skip()
		}
	}
	return ""
}

// splitOutput returns what an output text names: "id.property", or "..id.property...id.property.." for several. Dots within an
// id are escaped, and a callback without outputs has a text without a dot (create_callback_id in dash/_utils.py): what it
// names has no id.
func splitOutput(output string) []dependency {
	if inside, several := strings.CutPrefix(output, ".."); several {
		output = strings.TrimSuffix(inside, "..")
	}
	parts := strings.Split(output, "...")
	outputs := make([]dependency, len(parts))
	for i, part := range parts {
		dot := max(0, strings.LastIndexByte(part, '.'))
		outputs[i] = dependency{ID: strings.ReplaceAll(part[:dot], `\.`, "."), Property: strings.TrimPrefix(part[dot:], ".")}
	}
	return outputs
}
