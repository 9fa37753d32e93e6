package caddymodule

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/interceptor"
)

// Whatever the browser sends, no token reaches the app, and all that does are whole frames of whole messages.
func FuzzSocketToApp(f *testing.F) {
	s, _, token := testSocket(f)
	browser := peer{masks: true}
	for _, size := range []int{1, 50, 1 << 20} {
		f.Add(browser.compile(fragmented(ws.OpText, callbackRequest(token), size)...))
		f.Add(browser.compile(fragmented(ws.OpBinary, propsResponse(token+","+token), size)...))
	}
	f.Add(browser.compile(text(token), ws.NewCloseFrame(nil), text(token)))
	f.Add(ws.MustCompileFrame(text(token)))
	f.Add(browser.compile(text(repeated(100_000))))
	f.Add(browser.compile(text(token))[:60])
	f.Add([]byte(token))
	f.Fuzz(func(t *testing.T, in []byte) {
		s.begin(bufio.NewReader(bytes.NewReader(in)), io.Discard)
		sent, _ := io.ReadAll(&s.toApp)
		s.end()
		for r := bytes.NewReader(sent); r.Len() > 0; {
			frame, err := readFrame(r)
			if err != nil {
				require.True(t, frame.Header.OpCode.IsControl(), "a message broke off")
				return
			}
			require.NoError(t, ws.CheckHeader(frame.Header, ws.StateServerSide))
			require.True(t, frame.Header.Fin)
			if frame.Header.OpCode.IsData() {
				require.NotRegexp(t, tokenPattern, string(ws.UnmaskFrameInPlace(frame).Payload))
			}
		}
	})
}

// Whatever the app sends, the browser gets the same messages in whatever chunks it comes, and they are as the app sent them but
// for data that is stored.
func FuzzSocketToBrowser(f *testing.F) {
	s, data, token := testSocket(f)
	app := peer{}
	for _, size := range []int{500, 1 << 20} {
		f.Add(app.compile(fragmented(ws.OpText, callbackResponse("df", data), size)...), 1)
		f.Add(app.compile(fragmented(ws.OpText, "["+setProps("df", data)+","+setProps("figure", repeated(100_000))+"]", size)...), 1000)
		f.Add(app.compile(fragmented(ws.OpBinary, setProps("df", data), size)...), 3)
	}
	f.Add(app.compile(text(data), ws.NewCloseFrame(nil), text(token)), 2)
	f.Add((&peer{masks: true}).compile(text(token)), 5)
	f.Add([]byte("HTTP/1.1 200 OK"), 4)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		pass := func(size int) []string {
			out := new(bytes.Buffer)
			s.begin(nil, out)
			for rest := in; len(rest) > 0; {
				n := min(max(size, 1), len(rest))
				if _, err := s.toBrowser.Write(rest[:n]); err != nil {
					break
				}
				rest = rest[n:]
			}
			s.end()
			return messages(out)
		}
		got := pass(size)
		require.Equal(t, pass(len(in)), got)
		sent := messages(bytes.NewBuffer(in))
		for i := range min(len(got), len(sent)) { // the last may be a close of ours
			if got[i] != sent[i] && i < len(got)-1 {
				require.Regexp(t, tokenPattern, got[i])
			}
		}
	})
}

// messages are the control frames and whole messages in what a peer got, each with its opcode.
func messages(r io.Reader) (all []string) {
	var message string
	for {
		frame, err := readFrame(r)
		switch {
		case err != nil:
			return all
		case frame.Header.OpCode.IsControl():
			all = append(all, fmt.Sprint(frame.Header.OpCode, string(frame.Payload)))
			continue
		case frame.Header.OpCode != ws.OpContinuation:
			message = fmt.Sprint(frame.Header.OpCode)
		}
		if message += string(frame.Payload); frame.Header.Fin {
			all = append(all, message)
		}
	}
}

// testSocket is a WebSocket without connections, with a token for df.
func testSocket(t testing.TB) (s *socket, data, token string) {
	t.Helper()
	h := provisioned(t, fmt.Sprintf(`{"secrets":[%q],"max_request":100000,"storage":{"backend":"memory","name":"socket-%d"}}`,
		testSecret, unique.Add(1)))
	store, err := h.lease()
	require.NoError(t, err)
	t.Cleanup(store.release)
	t.Cleanup(func() { require.Empty(t, heldRequests(os.TempDir())) })
	app := interceptor.NewCatalog().App("", fmt.Sprintf("app-%d", unique.Add(1)))
	session := interceptor.Session{Store: store.value, App: app}
	listener := h.interceptor.Watch(t.Context(), session, interceptor.LayoutAnswer)
	_, err = io.WriteString(listener, layout)
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	dependenciesOf := app.LearnDependencies("")
	_, err = io.WriteString(dependenciesOf, dependencies)
	require.NoError(t, err)
	require.NoError(t, dependenciesOf.Close())

	s = &socket{Handler: h, request: httptest.NewRequest(http.MethodGet, socketPath, nil), session: session, claimed: new(atomic.Bool)}
	out := new(bytes.Buffer)
	s.begin(nil, out)
	data = repeated(2000)
	_, err = s.toBrowser.Write(ws.MustCompileFrame(text(setProps("df", data))))
	require.NoError(t, err)
	return s, data, tokenIn(t, out.String())
}
