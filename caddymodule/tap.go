package caddymodule

import (
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Media types of what is looked into.
const (
	jsonType = "application/json"
	htmlType = "text/html"
)

// readable reports whether a response is of a media type and can be looked into, and its content coding, which is empty or one of
// decoders.
func readable(status int, header http.Header, mediaType string) (coding string, ok bool) {
	if status != http.StatusOK || len(header["Trailer"]) > 0 {
		return "", false
	}
	// Dash's FastAPI back end does not say what a callback's answer is (dash/backends/_fastapi.py).
	if contentType := header.Get("Content-Type"); contentType != "" && contentType != mediaType {
		if its, _, err := mime.ParseMediaType(contentType); err != nil || its != mediaType {
			return "", false
		}
	}
	return codingOf(header)
}

// isFinal reports whether a status is that of a response, not of what goes before it, like 103 Early Hints.
func isFinal(status int) bool { return status >= 200 || status == http.StatusSwitchingProtocols }

// A tapWriter passes a response on as it is, and gives a copy of its body, decoded, to a listener, if it is of a media type. The
// listener has it all, and is closed, before the browser has the last byte: what it has learned is known when the browser acts
// on it.
type tapWriter struct {
	caddyhttp.ResponseWriterWrapper
	listener    io.WriteCloser
	mediaType   string
	decoder     *decodingWriter // nil: the body is not encoded
	in          io.Writer       // decoder or listener; nil: nothing to listen to, or no longer
	length      int64           // of the body; -1: unknown
	heard       int64           // bytes of it
	sent        int64           // bytes that were passed on
	timing      string          // an entry for the header Server-Timing
	wroteHeader bool
}

func newTapWriter(w http.ResponseWriter, listener io.WriteCloser, mediaType string) *tapWriter {
	return &tapWriter{
		ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		listener:              listener,
		mediaType:             mediaType,
	}
}

func (t *tapWriter) WriteHeader(status int) {
	if isFinal(status) && !t.wroteHeader {
		t.wroteHeader = true
		t.open(status)
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tapWriter) open(status int) {
	coding, ok := readable(status, t.Header(), t.mediaType)
	if !ok {
		return
	}
	if t.timing != "" {
		t.Header().Add("Server-Timing", t.timing)
	}
	t.in, t.decoder = newBodyWriter(coding, t.listener)
	var err error
	if t.length, err = strconv.ParseInt(t.Header().Get("Content-Length"), 10, 64); err != nil {
		t.length = -1
	}
}

func (t *tapWriter) Write(p []byte) (int, error) {
	if !t.wroteHeader {
		t.WriteHeader(http.StatusOK)
	}
	if t.in != nil {
		if _, err := t.in.Write(p); err != nil {
			t.stop()
		} else if t.heard += int64(len(p)); t.heard == t.length {
			t.finish()
		}
	}
	t.sent += int64(len(p))
	return t.ResponseWriter.Write(p)
}

// ReadFrom does not leave the copying to the writer behind this one: the bytes must come past here.
func (t *tapWriter) ReadFrom(r io.Reader) (int64, error) {
	if t.wroteHeader && t.in == nil {
		n, err := t.ResponseWriterWrapper.ReadFrom(r)
		t.sent += n
		return n, err
	}
	return io.Copy(struct{ io.Writer }{t}, r)
}

// finish tells the listener that the body has ended.
func (t *tapWriter) finish() {
	if t.in == nil {
		return
	}
	t.in = nil
	if t.decoder == nil || t.decoder.Close() == nil {
		_ = t.listener.Close()
	}
}

// stop listens no longer: the body is broken or has been cut off.
func (t *tapWriter) stop() {
	t.in = nil
	if t.decoder != nil {
		t.decoder.stop()
	}
}
