package interceptor

import "io"

// WatchRequest counts what would have been put back into a request of a session, had the data that it carries been offloaded. What it
// says of the way up is what a [Watcher] says of the way down.
func (ic *Interceptor) WatchRequest(session Session, request io.ReaderAt, size int64) (figures Figures) {
	text := newTextWindow(request, size)
	text.eachData(func(id string, value [2]int64) bool {
		size := value[1] - value[0]
		mayBe := text.at(value[0]) == '{' || text.at(value[0]) == '[' || text.at(value[0]) == '"' && size > int64(len(`""`))
		if mayBe && size >= ic.leastOf(session.App, id) && size <= ic.MaxPayload && ic.decide(session, id) == Offloaded {
			figures.Note(Event{Store: id, Restored: true, Bytes: size, Saved: size - int64(tokenLength)})
		}
		return len(figures.Events) < maxTokens // a request with more tokens would be refused
	})
	return figures
}

// leastOf is the size in bytes from which the data of the Store with a canonical id is offloaded.
func (ic *Interceptor) leastOf(app *App, id string) int64 {
	if app.store(id).patched {
		return 0 // a Patch of a value that is inline makes it harder to read
	}
	return ic.MinSize
}

// An entry is an input or a state of a request: {"id":"df","property":"data","value":…}. That of a wildcard is in a list of them.
type entry struct {
	key       string
	id, value [2]int64
	isData    bool // its property is data
}

// eachData calls visit with each component's data among the inputs and states of a request, by its canonical id, until it returns
// false. What is no request has none.
func (t *textWindow) eachData(visit func(id string, value [2]int64) bool) {
	var (
		s       scanner
		e       entry
		start   int64
		skipped bool // the value that begins at start
	)
	for i := t.behindMark(); i < t.size && t.at(i) != 0; {
		n, ev := s.next(t.window[i-t.start:])
		i += int64(n)
		switch ev {
		case evBroken:
			return
		case evKey:
			e.key = s.keyText()
		case evValue:
			start, skipped = i, !t.isWalked(&s, e.key, i)
			switch {
			case skipped:
				s.skip()
			case s.depth() > 1 && t.at(i) == '{':
				e = entry{}
			}
		case evEnd:
			switch {
			case skipped:
				skipped = false
				t.noteEntry(&e, [2]int64{start, i})
			case s.depth() > 1 && e.isData && e.value[1] > 0:
				if !visit(t.idAt(e.id), e.value) {
					return
				}
				e = entry{}
			}
		}
	}
}

// isWalked reports whether the value that begins at i is an entry, or on the way to entries.
func (t *textWindow) isWalked(s *scanner, key string, i int64) bool {
	switch c := t.at(i); {
	case s.depth() == 0:
		return c == '{'
	case s.depth() == 1 && key == "payload": // of a message of the WebSocket, which is what is a request's elsewhere
		return c == '{'
	case s.depth() == 1, s.depth() == 2 && s.open.top:
		return c == '[' && (key == "inputs" || key == "state")
	default:
		return !s.open.top && (c == '{' || c == '[')
	}
}

// noteEntry keeps what matters of a value of an entry.
func (t *textWindow) noteEntry(e *entry, value [2]int64) {
	switch e.key {
	case "id":
		e.id = value
	case "property":
		e.isData = value[1]-value[0] == int64(len(`"data"`)) && string(t.read(value)) == `"data"`
	case "value":
		e.value = value
	}
}
