package interceptor

import (
	"bytes"
	"encoding/json"
	"io"
)

// maxShownRequest is the size in bytes up to which a request is looked at for tokens that a clientside callback was shown.
const maxShownRequest = 256 << 10

// warnShown logs, once for a Store, that a clientside callback was shown a token in place of its data. That happens where a
// redeploy of the app brings that callback, to a session or local Store whose token is in the browser from before: nothing
// but the page itself can take it out of there, and the app's next update of the Store does.
func (ic *Interceptor) warnShown(app *App, request io.ReaderAt, size int64) {
	if size > maxShownRequest || !app.hasClientside() {
		return
	}
	text := make([]byte, size)
	if n, _ := request.ReadAt(text, 0); n < len(text) {
		return
	}
	var callback struct{ Inputs, State []json.RawMessage }
	if json.Unmarshal(text, &callback) != nil {
		return
	}
	for _, raw := range append(callback.Inputs, callback.State...) {
		for _, in := range shownIn(raw) {
			if id := idOf(string(in.ID)); bytes.Contains(in.Value, []byte(tokenKey)) && ic.Selection.decide(app, id) == Clientside {
				ic.warnOnce(app, id, "a clientside callback was shown a token instead of the data of a Store, which was offloaded before "+
					"the app had that callback: exclude the Store, or have the app fill it again")
			}
		}
	}
}

// A shownInput is an input or state of a callback request.
type shownInput struct{ ID, Value json.RawMessage }

// shownIn returns the input that an entry of a request is, or those of a wildcard.
func shownIn(entry json.RawMessage) (inputs []shownInput) {
	var one shownInput
	if json.Unmarshal(entry, &one) == nil {
		return []shownInput{one}
	}
	_ = json.Unmarshal(entry, &inputs)
	return inputs
}
