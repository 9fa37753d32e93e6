package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage/spool"
)

// What the browser sends reaches the app with its data put back, whatever the frames, and in order.
func TestSocketToApp(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app, ends := socketApp(t, data)
	s := app.openSite(t, stash())
	token := storeData(t, s)
	large := repeated(3 * spool.InMemory)
	upper := strings.ToUpper // a text that is no token
	tests := []struct{ name, sent, want string }{
		{"callback", callbackRequest("1", token, `"x"`), callbackRequest("1", data, `"x"`)},
		{"twice", callbackRequest(token, token), callbackRequest(data, data)},
		{"prop that was asked for", propsResponse(token), propsResponse(data)},
		{"several messages", "[" + callbackRequest(token) + ", " + propsResponse(token) + "]",
			"[" + callbackRequest(data) + ", " + propsResponse(data) + "]"},
		{"no token", callbackRequest(upper(token)), callbackRequest(upper(token))},
		{"no data", `{"type":"heartbeat"}`, `{"type":"heartbeat"}`},
		{"large", callbackRequest(large, token), callbackRequest(large, data)},
		{"empty", "", ""},
		{"no JSON", "{[ " + token, "{[ " + data},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			browser, server := s.dial(t, ends)
			for _, opcode := range []ws.OpCode{ws.OpText, ws.OpBinary} {
				browser.send(t, ws.NewFrame(opcode, true, []byte(test.sent)), ws.NewPingFrame([]byte("after")))
				got := server.next(t)
				require.Equal(t, test.want, string(got.Payload))
				require.Equal(t, opcode, got.Header.OpCode)
				require.True(t, got.Header.Fin)
				require.Equal(t, "after", string(server.next(t).Payload))
			}
		})
		t.Run(test.name+", fragmented", func(t *testing.T) {
			browser, server := s.dial(t, ends)
			for _, size := range []int{1, 7, 100, 1 << 20} {
				frames := fragmented(ws.OpText, test.sent, max(size, len(test.sent)/100))
				go func() { _, _ = browser.conn.Write(browser.compile(frames...)) }()
				for i := 0; i < len(frames); i += 2 {
					got := server.next(t)
					require.Equal(t, ws.OpPing, got.Header.OpCode)
					require.Equal(t, fmt.Sprint(i), string(got.Payload))
				}
				require.Equal(t, test.want, server.message(t))
			}
		})
	}
}

// What the app sends reaches the browser with its data taken out, whatever the frames, and in order.
func TestSocketToBrowser(t *testing.T) {
	t.Parallel()
	data, figure := repeated(5000), strings.Repeat(`{"a":[1,2]},`, 50_000)
	app, ends := socketApp(t, data)
	s := app.openSite(t, stash())
	token := storeData(t, s)
	tests := []struct{ name, sent, want string }{
		{"callback", callbackResponse("df", data), callbackResponse("df", token)},
		{"set_props", setProps("df", data), setProps("df", token)},
		{"several messages", "[" + setProps("df", data) + "," + `{"type": "heartbeat_ack"}` + "," + callbackResponse("df", data) + "]",
			"[" + setProps("df", token) + "," + `{"type": "heartbeat_ack"}` + "," + callbackResponse("df", token) + "]"},
		{"small", setProps("df", "1"), setProps("df", "1")},
		{"no such Store", setProps("unknown", data), setProps("unknown", data)},
		{"for the browser", callbackResponse("chart", data), callbackResponse("chart", data)},
		{"long", callbackResponse("figure", "["+figure+"{}]"), callbackResponse("figure", "["+figure+"{}]")},
		{"long, and a Store", "[" + setProps("figure", "["+figure+"{}]") + "," + setProps("df", data) + "]",
			"[" + setProps("figure", "["+figure+"{}]") + "," + setProps("df", token) + "]"},
		{"empty", "", ""},
		{"no JSON", setProps("df", data)[1:], setProps("df", data)[1:]},
		{"broken off", setProps("df", data)[:3000], setProps("df", data)[:3000]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			browser, server := s.dial(t, ends)
			server.send(t, text(test.sent), ws.NewPingFrame([]byte("after")), text("{}"))
			got := browser.next(t)
			require.Equal(t, len(test.want) < fragmentSize, got.Header.Fin)
			for whole := string(got.Payload); ; whole += string(got.Payload) {
				if got.Header.Fin {
					require.Equal(t, test.want, whole)
					break
				}
				got = browser.next(t)
			}
			require.Equal(t, "after", string(browser.next(t).Payload))
			require.Equal(t, "{}", browser.message(t))
		})
		t.Run(test.name+", fragmented", func(t *testing.T) {
			browser, server := s.dial(t, ends)
			frames := fragmented(ws.OpText, test.sent, max(1, len(test.sent)/100))
			go func() { _, _ = server.conn.Write(server.compile(frames...)) }()
			var message []byte
			for pings := 0; ; {
				got := browser.next(t)
				if got.Header.OpCode == ws.OpPing {
					require.Equal(t, fmt.Sprint(2*pings), string(got.Payload))
					pings++
					continue
				}
				if message = append(message, got.Payload...); got.Header.Fin {
					require.Equal(t, len(frames)/2, pings)
					require.Equal(t, test.want, string(message))
					break
				}
			}
		})
	}
	t.Run("binary", func(t *testing.T) {
		browser, server := s.dial(t, ends)
		server.send(t, fragmented(ws.OpBinary, setProps("df", data), 1000)...)
		for _, want := range fragmented(ws.OpBinary, setProps("df", data), 1000) {
			require.Equal(t, want, browser.next(t))
		}
	})
}

// A message that cannot go to the app is answered, and the connection goes on if that can be.
func TestSocketRefuses(t *testing.T) {
	t.Parallel()
	gone := `{"$dashstash":"` + strings.Repeat("A", 80) + `"}`
	refused := `{"type":"callback_response","rendererId":"r","requestId":"r-1","payload":{"message":%q,"status":"error"}}`
	tests := []struct {
		name, options, sent, toBrowser, toApp string
		code                                  ws.StatusCode
	}{
		{name: "null", sent: callbackRequest(gone), toApp: callbackRequest("null")},
		{name: "null for a prop", sent: propsResponse(gone), toApp: propsResponse("null")},
		{name: "missing", options: "on_missing error", sent: callbackRequest(gone),
			toBrowser: fmt.Sprintf(refused, "data of a Store is gone from the storage")},
		{name: "missing for a prop", options: "on_missing error", sent: propsResponse(gone),
			toApp: `{"type":"get_props_response","rendererId":"r","requestId":"p","payload":"__disconnected__"}`},
		{name: "missing for something else", options: "on_missing error", sent: `{"type":"later","payload":` + gone + `}`,
			code: ws.StatusInternalServerError},
		{name: "prevent_update", options: "on_missing prevent_update", sent: callbackRequest(gone),
			toBrowser: `{"type":"callback_response","rendererId":"r","requestId":"r-1","payload":{"status":"prevent_update"}}`},
		{name: "prevent_update for something else", options: "on_missing prevent_update", sent: `{"type":"later","payload":` + gone + `}`,
			code: ws.StatusInternalServerError},
		{name: "missing for a list", options: "on_missing error", sent: "[" + callbackRequest(gone) + "]",
			code: ws.StatusInternalServerError},
		{name: "too large with its data", options: "max_request 6KB", sent: callbackRequest("STORED", `"`+strings.Repeat("x", 1500)+`"`),
			toBrowser: fmt.Sprintf(refused, "request too large with its data put back")},
		{name: "too large", options: "max_request 6KB", sent: callbackRequest(repeated(6000)), code: ws.StatusMessageTooBig},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app, ends := socketApp(t, repeated(5000))
			s := app.openSite(t, stash(test.options))
			browser, server := s.dial(t, ends)
			browser.send(t, text(strings.Replace(test.sent, "STORED", storeData(t, s), 1)), text("then"))
			if test.code != 0 {
				require.Equal(t, test.code, browser.closed(t))
				require.Zero(t, server.closed(t))
				return
			}
			if test.toBrowser != "" {
				require.Equal(t, test.toBrowser, browser.message(t))
			}
			if test.toApp != "" {
				require.Equal(t, test.toApp, server.message(t))
			}
			require.Equal(t, "then", server.message(t))
			server.send(t, text("answer"))
			require.Equal(t, "answer", browser.message(t))
		})
	}
}

// An answer of ours does not come between the frames of the app's.
func TestSocketInserts(t *testing.T) {
	t.Parallel()
	app, ends := socketApp(t, "1")
	s := app.openSite(t, stash("on_missing error"))
	browser, server := s.dial(t, ends)
	server.send(t, ws.NewFrame(ws.OpBinary, false, []byte("first")))
	require.Equal(t, "first", string(browser.next(t).Payload))
	browser.send(t, text(callbackRequest(`{"$dashstash":"`+strings.Repeat("A", 80)+`"}`)), text("{}"))
	require.Equal(t, "{}", server.message(t))
	server.send(t, ws.NewPingFrame(nil), ws.NewFrame(ws.OpContinuation, true, []byte("last")))
	require.Equal(t, ws.OpPing, browser.next(t).Header.OpCode)
	require.Equal(t, "last", string(browser.next(t).Payload))
	require.Contains(t, browser.message(t), "is gone")
}

// Either side's close goes to the other, and what is no WebSocket closes the connection.
func TestSocketCloses(t *testing.T) {
	t.Parallel()
	app, ends := socketApp(t, "1")
	s := app.openSite(t, stash())
	for _, code := range []ws.StatusCode{1000, 1001, 4001} {
		for _, browserCloses := range []bool{true, false} {
			from, to := s.dial(t, ends)
			if !browserCloses {
				from, to = to, from
			}
			from.send(t, text("{}"), ws.NewCloseFrame(ws.NewCloseFrameBody(code, "why")))
			require.Equal(t, "{}", to.message(t))
			got := to.next(t)
			gotCode, reason := ws.ParseCloseFrameData(got.Payload)
			require.Equal(t, code, gotCode)
			require.Equal(t, "why", reason)
			to.send(t, got)
			require.NoError(t, to.conn.Close())
			require.Equal(t, code, from.closed(t))
		}
	}
	violations := map[string][]ws.Frame{
		"reserved bit":        {{Header: ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpText}}},
		"reserved opcode":     {ws.NewFrame(3, true, nil)},
		"nothing to continue": {ws.NewFrame(ws.OpContinuation, true, nil)},
		"message in another":  {ws.NewFrame(ws.OpText, false, nil), ws.NewFrame(ws.OpText, true, nil)},
		"fragmented ping":     {ws.NewFrame(ws.OpPing, false, nil)},
		"long ping":           {ws.NewPingFrame(make([]byte, 126))},
	}
	for name, frames := range violations {
		for _, browserViolates := range []bool{true, false} {
			browser, server := s.dial(t, ends)
			if browserViolates {
				browser.send(t, frames...)
			} else {
				server.send(t, frames...)
			}
			require.Equal(t, ws.StatusProtocolError, browser.closed(t), name)
			require.Zero(t, server.closed(t), name)
		}
	}
	for _, unlike := range [][]byte{ws.MustCompileFrame(text("{}")), []byte("GET / HTTP/1.1\r\n\r\n")} {
		browser, _ := s.dial(t, ends)
		browser.write(t, unlike)
		require.Equal(t, ws.StatusProtocolError, browser.closed(t))
	}
	browser, server := s.dial(t, ends)
	server.write(t, browser.compile(text("{}")))
	require.Equal(t, ws.StatusProtocolError, browser.closed(t), "masked by the app")
}

// The app is not offered what would hide its messages; all else of the handshake passes.
func TestSocketHandshake(t *testing.T) {
	t.Parallel()
	var got http.Header
	app, ends := socketApp(t, "1")
	inner := app.Config.Handler
	app.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		if r.Header.Get("X-Refuse") != "" {
			http.Error(w, "not you", http.StatusForbidden)
			return
		}
		inner.ServeHTTP(w, r)
	})
	s := app.openSite(t, stash())
	browser, server := s.dial(t, ends, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
		"Origin: http://a.test", "Cookie: user=1")
	require.Empty(t, got.Values("Sec-WebSocket-Extensions"))
	require.Equal(t, "http://a.test", got.Get("Origin"))
	require.Equal(t, "user=1", got.Get("Cookie"))
	browser.send(t, text("{}"))
	require.Equal(t, "{}", server.message(t))

	_, err := s.tryDial(t, "X-Refuse: yes")
	require.Equal(t, ws.StatusError(http.StatusForbidden), err)
	require.Equal(t, http.StatusForbidden, s.do(t, http.MethodGet, socketPath, nil, "X-Refuse: yes").StatusCode)
	require.Equal(t, "not you\n", s.do(t, http.MethodGet, socketPath, nil, "X-Refuse: yes").body)
}
