package caddymodule

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

const socketPath = "/_dash-ws-callback"

// A peer is an end of a WebSocket: the app's or the browser's.
type peer struct {
	conn  net.Conn
	in    *bufio.Reader
	masks bool // it is the browser's
}

// socketApp is an app that hands the test its end of each WebSocket. What it answers to a callback by HTTP sets df to data.
func socketApp(t testing.TB, data string) (*dash, <-chan *peer) {
	t.Helper()
	ends := make(chan *peer, 1)
	return newDash(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != socketPath {
			writeJSON(w, setting("df", data))
			return
		}
		conn, buffered, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		ends <- &peer{conn: conn, in: buffered.Reader}
	}), ends
}

// dial opens a WebSocket, and returns the browser's end and the app's.
func (s *site) dial(t testing.TB, ends <-chan *peer, header ...string) (browser, app *peer) {
	t.Helper()
	browser, err := s.tryDial(t, header...)
	require.NoError(t, err)
	app = <-ends
	t.Cleanup(func() { _ = app.conn.Close() })
	return browser, app
}

func (s *site) tryDial(t testing.TB, header ...string) (*peer, error) {
	t.Helper()
	r := s.request(t, http.MethodGet, socketPath, nil, header...)
	dialer := ws.Dialer{
		Host:    s.host,
		Header:  ws.HandshakeHeaderHTTP(r.Header),
		Timeout: patience,
		NetDial: s.client.Transport.(*http.Transport).DialContext,
	}
	if dialer.NetDial == nil {
		dialer.NetDial = new(net.Dialer).DialContext
	}
	conn, early, _, err := dialer.Dial(context.Background(), "ws"+s.URL[len("http"):]+socketPath)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	if early == nil {
		early = bufio.NewReader(conn)
	}
	return &peer{conn: conn, in: early, masks: true}, nil
}

// compile is frames as the peer sends them.
func (p *peer) compile(frames ...ws.Frame) (bytes []byte) {
	for _, frame := range frames {
		if p.masks {
			frame = ws.MaskFrame(frame)
		}
		bytes = append(bytes, ws.MustCompileFrame(frame)...)
	}
	return bytes
}

func (p *peer) send(t testing.TB, frames ...ws.Frame) {
	t.Helper()
	p.write(t, p.compile(frames...))
}

func (p *peer) write(t testing.TB, bytes []byte) {
	t.Helper()
	require.NoError(t, p.conn.SetDeadline(time.Now().Add(patience)))
	_, err := p.conn.Write(bytes)
	require.NoError(t, err)
}

// next returns the next frame that the peer gets.
func (p *peer) next(t testing.TB) ws.Frame {
	t.Helper()
	require.NoError(t, p.conn.SetDeadline(time.Now().Add(patience)))
	frame, err := readFrame(p.in)
	require.NoError(t, err)
	require.Equal(t, !p.masks, frame.Header.Masked)
	return ws.UnmaskFrameInPlace(frame)
}

// message returns the next message that the peer gets, in however many frames, and whether it is text.
func (p *peer) message(t testing.TB) string {
	t.Helper()
	frame := p.next(t)
	require.Contains(t, []ws.OpCode{ws.OpText, ws.OpBinary}, frame.Header.OpCode)
	text := frame.Payload
	for !frame.Header.Fin {
		frame = p.next(t)
		require.Equal(t, ws.OpContinuation, frame.Header.OpCode)
		text = append(text, frame.Payload...)
	}
	return string(text)
}

// closed waits until the connection is closed to the peer, and returns the code with which, 0 if none.
func (p *peer) closed(t testing.TB) ws.StatusCode {
	t.Helper()
	require.NoError(t, p.conn.SetDeadline(time.Now().Add(patience)))
	for code := ws.StatusCode(0); ; {
		frame, err := readFrame(p.in)
		if netErr, ok := err.(net.Error); ok {
			require.False(t, netErr.Timeout(), "still open")
		}
		if err != nil {
			return code
		}
		if frame.Header.OpCode == ws.OpClose {
			code, _ = ws.ParseCloseFrameData(ws.UnmaskFrameInPlace(frame).Payload)
		}
	}
}

func readFrame(r io.Reader) (frame ws.Frame, err error) {
	if frame.Header, err = ws.ReadHeader(r); err != nil {
		return frame, err
	}
	frame.Payload, err = io.ReadAll(io.LimitReader(r, frame.Header.Length))
	if err == nil && int64(len(frame.Payload)) < frame.Header.Length {
		err = io.ErrUnexpectedEOF
	}
	return frame, err
}

func text(payload string) ws.Frame { return ws.NewTextFrame([]byte(payload)) }

// fragmented is a message in frames of at most size bytes, each behind a ping.
func fragmented(opcode ws.OpCode, payload string, size int) (frames []ws.Frame) {
	for {
		n := min(size, len(payload))
		frames = append(frames, ws.NewPingFrame([]byte(fmt.Sprint(len(frames)))),
			ws.NewFrame(opcode, n == len(payload), []byte(payload[:n])))
		opcode, payload = ws.OpContinuation, payload[n:]
		if payload == "" {
			return frames
		}
	}
}

// Messages as Dash's worker and Dash write them (types.ts of @plotly/dash-websocket-worker, dash/backends/ws.py).

func callbackRequest(data ...string) string {
	return `{"type":"callback_request","rendererId":"r","requestId":"r-1","payload":` + reading(data...) + `}`
}

func propsResponse(data string) string {
	return `{"type":"get_props_response","rendererId":"r","requestId":"p","payload":{"data":` + data + `}}`
}

func callbackResponse(id, data string) string {
	return `{"type":"callback_response","rendererId":"r","requestId":"r-1","payload":{"status":"ok","data":` + setting(id, data) + `}}`
}

func setProps(id, data string) string {
	return fmt.Sprintf(`{"type":"set_props","rendererId":"r","payload":{"componentId":%q,"props":{"data":%s}}}`, id, data)
}
