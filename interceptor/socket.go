package interceptor

import (
	"encoding/json"
	"io"
)

// maxSocketHead is how many bytes of a WebSocket message are looked at for what it is. Dash's worker writes the payload last.
const maxSocketHead = 4 << 10

// A socketMessage is a message of P_dash-ws-callback (types.ts of @plotly/dash-websocket-worker).
type socketMessage struct {
	Type       string `json:"type"`
	RendererID string `json:"rendererId"`
	RequestID  string `json:"requestId"`
	Payload    any    `json:"payload"`
}

// RefuseMessage says what becomes of a WebSocket message from the browser that the app must not see, of the given size: a
// callback's request is answered, to the browser, with the reason or, if that is empty, as by PreventUpdate; a prop that the app
// has asked for is answered, to the app, with what raises WebsocketDisconnected in a callback that waits for it (get_prop in
// dash/backends/ws.py). Of any other message, both are nil: the connection cannot go on.
func RefuseMessage(message io.ReaderAt, size int64, reason string) (toBrowser, toApp []byte) {
	head := socketHead(io.NewSectionReader(message, 0, min(size, maxSocketHead)))
	switch head.Type {
	case "callback_request":
		head.Type, head.Payload = "callback_response", map[string]string{"status": "error", "message": reason}
		if reason == "" {
			head.Payload = map[string]string{"status": "prevent_update"}
		}
		toBrowser, _ = json.Marshal(head)
	case "get_props_response":
		head.Payload = "__disconnected__"
		toApp, _ = json.Marshal(head)
	}
	return toBrowser, toApp
}

// socketHead reads what stands before the payload.
func socketHead(text io.Reader) (head socketMessage) {
	fields := map[string]*string{"type": &head.Type, "rendererId": &head.RendererID, "requestId": &head.RequestID}
	decoder := json.NewDecoder(text)
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return head
	}
	for {
		key, _ := decoder.Token()
		name, _ := key.(string)
		field, ok := fields[name]
		if !ok || decoder.Decode(field) != nil {
			return head
		}
	}
}
