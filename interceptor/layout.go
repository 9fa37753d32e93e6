package interceptor

import (
	"encoding/json"
	"io"
	"strings"
)

const (
	maxIDText    = 4 << 10 // bytes of an id's JSON
	maxTreeDepth = 1 << 12 // containers within one another; a deeper layout teaches nothing
)

// LearnLayout returns a writer for the body of a _dash-layout answer. Close, called behind the last byte, notes the Stores in
// it; a body that is not whole teaches nothing.
func (a *App) LearnLayout() io.WriteCloser { return &layoutReader{app: a} }

// A layoutReader finds the Stores in a component tree as its bytes pass:
//
//	{"props":{"id":"df","storage_type":"session"},"type":"Store","namespace":"dash_core_components"}
//
// A component may be anywhere, in any prop; "type" comes behind "props".
type layoutReader struct {
	app    *App
	s      scanner
	frames []layoutFrame
	value  []byte // a value that is looked at
	long   bool   // it is longer than anything that is looked for
	taking bool   // the next evEnd is that of a value which was skipped or captured
	broken bool
	stores []layoutStore
}

// A layoutStore is a Store in a layout, by its id as JSON.
type layoutStore struct{ id, storageType string }

// A layoutFrame is an open container: an object that may be a component, or its props.
type layoutFrame struct {
	key                 string // the last key
	isProps             bool
	componentType       string
	componentNamespace  string
	propID, propStorage string // of its props, or of itself if it is props
}

func (l *layoutReader) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && !l.broken; {
		n, ev := l.s.next(rest)
		if len(l.value) > maxIDText {
			l.value, l.long = l.value[:0], true
		}
		switch ev {
		case evBroken:
			l.broken = true
		case evKey:
			l.frames[len(l.frames)-1].key = l.s.keyText()
		case evValue:
			l.enter(rest[n])
		case evEnd:
			l.leave()
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// enter decides what to do with a value that begins with c.
func (l *layoutReader) enter(c byte) {
	var parent layoutFrame
	if len(l.frames) > 0 {
		parent = l.frames[len(l.frames)-1]
	}
	switch {
	case parent.isProps && (parent.key == "id" || parent.key == "storage_type"),
		!parent.isProps && (parent.key == "type" || parent.key == "namespace"):
		l.taking, l.long, l.value = true, false, l.value[:0]
		l.s.capture(&l.value)
	case parent.isProps && (parent.key == "data" || parent.key == "figure"), c != '{' && c != '[':
		l.taking, l.long = true, true // data is no part of the tree, whatever it looks like
		l.s.skip()
	case len(l.frames) == maxTreeDepth:
		l.broken = true
	default:
		l.frames = append(l.frames, layoutFrame{isProps: c == '{' && !parent.isProps && parent.key == "props"})
	}
}

// leave looks at what has ended: a value that was taken, or a container.
func (l *layoutReader) leave() {
	top := len(l.frames) - 1
	if l.taking {
		l.taking = false
		if top < 0 || l.long {
			return
		}
		switch frame := &l.frames[top]; frame.key {
		case "id":
			frame.propID = string(l.value)
		case "storage_type":
			frame.propStorage = unquote(l.value)
		case "type":
			frame.componentType = unquote(l.value)
		case "namespace":
			frame.componentNamespace = unquote(l.value)
		}
		return
	}
	frame := l.frames[top]
	l.frames = l.frames[:top]
	switch {
	case frame.isProps:
		parent := &l.frames[top-1]
		parent.propID, parent.propStorage = frame.propID, frame.propStorage
	case frame.componentType == "Store" && frame.componentNamespace == "dash_core_components" && frame.propID != "":
		l.stores = append(l.stores, layoutStore{frame.propID, frame.propStorage})
	}
}

func (l *layoutReader) Close() error {
	if l.broken || !l.s.whole() {
		return nil
	}
	for _, store := range l.stores {
		id := store.id
		if !strings.HasPrefix(id, "{") {
			id = unquote([]byte(id))
		}
		if store.storageType == "" {
			store.storageType = storageMemory
		}
		l.app.learnStore(canonicalID(id), store.storageType)
	}
	return nil
}

// unquote returns the text of a JSON string, or "".
func unquote(literal []byte) string {
	var text string
	if json.Unmarshal(literal, &text) != nil {
		return ""
	}
	return text
}
