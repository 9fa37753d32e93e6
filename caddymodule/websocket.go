package caddymodule

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gobwas/ws"

	"github.com/dashstash/dashstash/interceptor"
)

// A socket is an app's WebSocket on its way through here. Messages of callbacks are rewritten one by one; all else passes, in
// order. Whatever is no WebSocket (RFC 6455) closes the connection.
type socket struct {
	*Handler
	request   *http.Request // as it came
	session   interceptor.Session
	claimed   *atomic.Bool // whether a handler behind this one sees to tokens of another namespace
	toApp     socketReader
	toBrowser socketWriter
}

// serveSocket puts data back into the messages from the browser, and takes data out of those from the app.
func (h *Handler) serveSocket(
	w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, session interceptor.Session,
) error {
	claimForeign(r)
	s := &socket{Handler: h, request: r, session: session, claimed: new(atomic.Bool)}
	defer s.end()
	r = r.WithContext(context.WithValue(r.Context(), claimKey{}, s.claimed))
	r.Header = r.Header.Clone()
	r.Header.Del("Sec-WebSocket-Extensions") // compressed messages could not be read
	wrapper := &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}
	if r.Method != http.MethodConnect {
		return next.ServeHTTP(&upgradeWriter{wrapper, s}, r)
	}
	s.begin(bufio.NewReader(r.Body), flushingWriter{w})
	r.Body = struct {
		io.Reader
		io.Closer
	}{&s.toApp, r.Body}
	return next.ServeHTTP(&tunnelWriter{ResponseWriterWrapper: wrapper, socket: s}, r)
}

// begin says where the browser is.
func (s *socket) begin(in *bufio.Reader, out io.Writer) {
	s.toApp = socketReader{socket: s, in: in}
	s.toBrowser = socketWriter{socket: s, out: out}
}

// end drops what has not been finished. By then nobody reads or writes: reverse_proxy returns when the connection has ended.
func (s *socket) end() {
	s.toApp.drop()
	s.toBrowser.drop()
}

// An upgradeWriter takes the response to an upgrade of HTTP/1.1, after which the connection is the WebSocket.
type upgradeWriter struct {
	*caddyhttp.ResponseWriterWrapper
	socket *socket
}

// Hijack returns the connection as one that is rewritten.
func (u *upgradeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	u.socket.begin(buffered.Reader, conn) // the reader may hold what the browser has sent already
	rewritten := &socketConn{conn, u.socket}
	return rewritten, bufio.NewReadWriter(bufio.NewReaderSize(rewritten, 0), bufio.NewWriterSize(rewritten, 1)), nil
}

// A socketConn is the browser's end of a connection, as the app is to see it.
type socketConn struct {
	net.Conn
	socket *socket
}

func (c *socketConn) Read(p []byte) (int, error) { return c.socket.toApp.Read(p) }

func (c *socketConn) Write(p []byte) (int, error) { return c.socket.toBrowser.Write(p) }

// CloseWrite ends what goes to the browser. Its error, where that cannot be done, ends the connection.
func (c *socketConn) CloseWrite() error {
	if conn, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return conn.CloseWrite()
	}
	return errors.ErrUnsupported
}

// A tunnelWriter takes the response to an extended CONNECT (RFC 8441, RFC 9220): its body, and that of the request, are the
// WebSocket, for which reverse_proxy asks the app by an upgrade of HTTP/1.1.
type tunnelWriter struct {
	*caddyhttp.ResponseWriterWrapper
	socket *socket
	open   bool
}

func (t *tunnelWriter) WriteHeader(status int) {
	t.open = t.open || status == http.StatusOK
	t.ResponseWriter.WriteHeader(status)
}

func (t *tunnelWriter) Write(p []byte) (int, error) {
	if t.open {
		return t.socket.toBrowser.Write(p)
	}
	return t.ResponseWriter.Write(p)
}

// ReadFrom does not leave the copying to the writer behind this one: the bytes must come past here.
func (t *tunnelWriter) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{t}, r)
}

// A flushingWriter sends at once what is written to it.
type flushingWriter struct{ http.ResponseWriter }

func (f flushingWriter) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	if err != nil {
		return n, err
	}
	return n, http.NewResponseController(f.ResponseWriter).Flush()
}

// checkFrame says what is wrong with a frame that comes from one side, within a message or not.
func checkFrame(h ws.Header, from ws.State, within bool) error {
	if within {
		from = from.Set(ws.StateFragmented)
	}
	return ws.CheckHeader(h, from)
}
