package caddymodule

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/gobwas/ws"

	"github.com/dashstash/dashstash/interceptor"
)

// fragmentSize is how many bytes of a rewritten message are sent in one frame. Nearly all messages fit into one.
const fragmentSize = 64 << 10

var errSocketClosed = errors.New("the WebSocket was closed here")

// A socketWriter takes a WebSocket from the app, in chunks of any size. Text messages go to the browser rewritten, in one frame
// or, if they are long, in several while they come. Control frames go as they are as soon as they are whole, also between
// the frames of a message, and binary messages as they come. Its methods may be called at the same time: the other direction
// inserts messages, and Caddy closes connections.
type socketWriter struct {
	*socket
	mu  sync.Mutex
	out io.Writer // to the browser

	header  []byte    // of a frame, as far as it has come
	frame   ws.Header // the frame whose payload is coming
	rest    int64     // bytes of it that are still to come
	control []byte    // the payload of a control frame, as far as it has come

	within  bool           // a message has begun and not ended
	passes  bool           // it goes out as it comes
	message io.WriteCloser // takes the text of it; nil: nobody does
	open    bool           // part of a message has gone out, and not its end
	waiting [][]byte       // messages to be inserted
	closed  bool
}

func (w *socketWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		if w.closed {
			return 0, errSocketClosed
		}
		take := w.takeHeader
		if w.rest > 0 {
			take = w.takePayload
		}
		n, err := take(rest)
		if err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// takeHeader takes a byte of a frame's header.
func (w *socketWriter) takeHeader(p []byte) (int, error) {
	w.header = append(w.header, p[0])
	h, err := ws.ReadHeader(bytes.NewReader(w.header))
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return 1, nil
	}
	w.header = w.header[:0]
	if err == nil {
		err = checkFrame(h, ws.StateClientSide, w.within)
	}
	if err != nil {
		w.sendClose(ws.StatusProtocolError, err.Error())
		return 0, err
	}
	w.frame, w.rest = h, h.Length
	if err := w.beginFrame(); err != nil || w.rest > 0 {
		return 1, err
	}
	return 1, w.endFrame()
}

func (w *socketWriter) beginFrame() error {
	if w.frame.OpCode.IsControl() {
		return nil
	}
	if !w.within {
		w.beginMessage()
	}
	w.within = true
	if !w.passes {
		return nil
	}
	w.open = true
	return ws.WriteHeader(w.out, w.frame)
}

// beginMessage decides what becomes of a message.
func (w *socketWriter) beginMessage() {
	w.passes, w.message = true, nil
	switch {
	case w.frame.OpCode != ws.OpText:
	case w.DryRun:
		w.message = &watchedMessage{w.socket, w.interceptor.Watch(w.request.Context(), w.session, interceptor.SocketAnswer)}
	default:
		message := &rewrittenMessage{socketWriter: w, opcode: ws.OpText}
		message.offload = w.interceptor.Offload(w.request.Context(), w.session, interceptor.SocketAnswer, fragments{message})
		w.passes, w.message = false, message
	}
}

func (w *socketWriter) takePayload(p []byte) (int, error) {
	p = p[:min(int64(len(p)), w.rest)]
	w.rest -= int64(len(p))
	switch {
	case w.frame.OpCode.IsControl():
		w.control = append(w.control, p...)
	case w.passes:
		if _, err := w.out.Write(p); err != nil {
			return 0, err
		}
	}
	if w.message != nil && !w.frame.OpCode.IsControl() {
		if _, err := w.message.Write(p); err != nil {
			return 0, err
		}
	}
	if w.rest > 0 {
		return len(p), nil
	}
	return len(p), w.endFrame()
}

func (w *socketWriter) endFrame() error {
	switch {
	case w.frame.OpCode.IsControl():
		err := ws.WriteFrame(w.out, ws.Frame{Header: w.frame, Payload: w.control})
		w.control = w.control[:0]
		return err
	case !w.frame.Fin:
		return nil
	}
	w.within, w.open = false, w.open && !w.passes
	if w.message != nil {
		message := w.message
		w.message = nil
		if err := message.Close(); err != nil {
			return err
		}
	}
	return w.sendWaiting()
}

// insert sends a message to the browser that the app knows nothing of, after the app's message if part of one has gone out.
func (w *socketWriter) insert(message []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, message)
	return w.sendWaiting()
}

func (w *socketWriter) sendWaiting() error {
	for !w.open && len(w.waiting) > 0 {
		message := w.waiting[0]
		w.waiting = w.waiting[1:]
		if err := w.send(ws.NewTextFrame(message)); err != nil {
			return err
		}
	}
	return nil
}

// send sends a frame in one piece.
func (w *socketWriter) send(f ws.Frame) error {
	bytes, err := ws.CompileFrame(f)
	if err != nil {
		return err
	}
	_, err = w.out.Write(bytes)
	return err
}

// close closes the connection, with a reason of 123 bytes at the most.
func (w *socketWriter) close(code ws.StatusCode, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sendClose(code, reason)
}

func (w *socketWriter) sendClose(code ws.StatusCode, reason string) {
	if !w.closed && !w.open { // else the connection just breaks off
		_ = w.send(ws.NewCloseFrame(ws.NewCloseFrameBody(code, reason)))
	}
	w.closed = true
}

// drop drops a message that is not whole.
func (w *socketWriter) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if message, ok := w.message.(*rewrittenMessage); ok {
		message.offload.Abort()
	}
}

// A rewrittenMessage is a message on its way to the browser.
type rewrittenMessage struct {
	*socketWriter
	offload *interceptor.Offload
	opcode  ws.OpCode // of the next frame
	payload []byte    // of it
}

func (m *rewrittenMessage) Write(p []byte) (int, error) { return m.offload.Write(p) }

// Close sends the end of the message.
func (m *rewrittenMessage) Close() error {
	body, err := m.offload.Close()
	if err != nil {
		return err
	}
	defer body.Close()
	if m.offload.Doubtful() {
		m.sendClose(ws.StatusInternalServerError, "what the page holds is not known any more")
		return errDoubtful
	}
	if _, err := body.WriteTo(fragments{m}); err != nil {
		return err
	}
	if err := m.sendFragment(true); err != nil {
		return err
	}
	m.noteAnswer(m.offload.Figures(), m.offload.Size())
	m.save(m.request, m.session.App)
	return nil
}

// noteAnswer counts a message to the browser, of a size in bytes as the app sent it.
func (s *socket) noteAnswer(figures interceptor.Figures, size int64) {
	s.record(s.session.App, &visit{callbacks: int64(figures.Callbacks), down: size, answer: figures})
}

func (m *rewrittenMessage) sendFragment(last bool) error {
	m.open = !last
	err := m.send(ws.NewFrame(m.opcode, last, m.payload))
	m.opcode, m.payload = ws.OpContinuation, m.payload[:0]
	return err
}

// fragments takes what goes to the browser of a rewritten message.
type fragments struct{ message *rewrittenMessage }

func (f fragments) Write(p []byte) (int, error) {
	f.message.payload = append(f.message.payload, p...)
	if len(f.message.payload) < fragmentSize {
		return len(p), nil
	}
	return len(p), f.message.sendFragment(false)
}

// A watchedMessage is a message that passes in a dry run.
type watchedMessage struct {
	socket *socket
	interceptor.Watcher
}

// Close logs what would have been done.
func (m *watchedMessage) Close() error {
	err := m.Watcher.Close()
	m.socket.noteAnswer(m.Watcher.Figures(), m.Watcher.Size())
	m.socket.logDryRun(m.socket.request, m.Watcher)
	return err
}
