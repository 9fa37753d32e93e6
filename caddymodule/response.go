package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/encode"
	"github.com/klauspost/compress/gzip"

	"github.com/dashstash/dashstash/interceptor"
)

// minGzip is the size in bytes from which a body is worth compressing, as in Caddy's handler encode.
const minGzip = 512

// validators are the headers that speak of a body's bytes, and are wrong once those were rewritten.
var validators = []string{"Etag", "Last-Modified", "Accept-Ranges", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"}

// A callbackWriter takes the response to a callback from the app. A response that can be rewritten goes through an Offload,
// which holds it back until its new length is known or it is too long to be held; the header goes out only then. Any other
// response passes as if the writer were not there.
type callbackWriter struct {
	caddyhttp.ResponseWriterWrapper
	request *http.Request // as it came
	visit   *visit
	offload *interceptor.Offload

	wroteHeader bool            // the app did
	in          io.Writer       // takes the response from the app, to rewrite it; nil: it passes as it is
	decoder     *decodingWriter // what in is, if the response is encoded

	sentHeader bool      // of the rewritten response
	out        io.Writer // takes that to the browser
}

func newCallbackWriter(w http.ResponseWriter, request *http.Request, v *visit) *callbackWriter {
	return &callbackWriter{
		ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		request:               request,
		visit:                 v,
		out:                   w,
	}
}

func (c *callbackWriter) WriteHeader(status int) {
	if !isFinal(status) || c.wroteHeader {
		c.ResponseWriter.WriteHeader(status)
		return
	}
	c.wroteHeader = true
	coding, ok := readable(status, c.Header(), jsonType)
	switch {
	case !ok || strings.Contains(c.Header().Get("Cache-Control"), "no-transform"):
		c.ResponseWriter.WriteHeader(status)
	default:
		c.in, c.decoder = newBodyWriter(coding, c.offload)
	}
}

func (c *callbackWriter) Write(p []byte) (int, error) {
	if !c.wroteHeader {
		c.WriteHeader(http.StatusOK)
	}
	if c.in == nil {
		c.visit.down += int64(len(p))
		return c.ResponseWriter.Write(p)
	}
	start := time.Now()
	defer func() { c.visit.own += time.Since(start) }()
	return c.in.Write(p)
}

// ReadFrom leaves the copying to the writer behind this one only where nothing is rewritten.
func (c *callbackWriter) ReadFrom(r io.Reader) (int64, error) {
	if c.wroteHeader && c.in == nil {
		n, err := c.ResponseWriterWrapper.ReadFrom(r)
		c.visit.down += n
		return n, err
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// FlushError does nothing while a response is being rewritten: its header may not be known yet.
func (c *callbackWriter) FlushError() error {
	if c.in != nil {
		return nil
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// finish sends what is held back, when the response is whole.
func (c *callbackWriter) finish() error {
	if c.in == nil {
		return nil
	}
	start := time.Now()
	if c.decoder != nil {
		if err := c.decoder.Close(); err != nil {
			return c.fail(err)
		}
	}
	body, err := c.offload.Close()
	if err != nil {
		return c.fail(err)
	}
	defer body.Close()
	c.visit.own += time.Since(start)
	c.noteAnswer()
	if c.offload.Doubtful() {
		return c.fail(errDoubtful)
	}
	if !c.sentHeader {
		c.sendHeader(body.Size())
	}
	if _, err := body.WriteTo(c.out); err != nil {
		return c.fail(err)
	}
	if compressor, ok := c.out.(*gzip.Writer); ok {
		return compressor.Close()
	}
	return nil
}

// noteAnswer counts what has been done to the response up to now.
func (c *callbackWriter) noteAnswer() {
	c.visit.answer, c.visit.down = c.offload.Figures(), c.offload.Size()
}

// fail ends a response that cannot be completed: as an error or, where a part of it has gone, by breaking the connection, so
// that the browser does not take that part for the whole.
func (c *callbackWriter) fail(err error) error {
	if c.sentHeader {
		panic(http.ErrAbortHandler)
	}
	for _, name := range slices.Concat(validators, []string{"Content-Type", "Content-Encoding", "Content-Length"}) {
		c.Header().Del(name) // they speak of a body that does not come
	}
	return caddyhttp.Error(http.StatusBadGateway, err)
}

// abort drops what has not been finished.
func (c *callbackWriter) abort() {
	if c.decoder != nil {
		c.decoder.stop()
	}
	c.offload.Abort()
}

// toBrowser is the writer for the rewritten response, once that is too long to be held.
func (c *callbackWriter) toBrowser() io.Writer { return browserWriter{c} }

// A browserWriter has no method but Write: the ReadFrom of callbackWriter takes what comes from the app.
type browserWriter struct{ to *callbackWriter }

func (b browserWriter) Write(p []byte) (int, error) {
	start := time.Now()
	defer func() { b.to.visit.own -= time.Since(start) }() // the browser's time, within that of callbackWriter.Write
	if !b.to.sentHeader {
		b.to.sendHeader(-1)
	}
	return b.to.out.Write(p)
}

// sendHeader sends the header of a rewritten response of size bytes, -1 if that is not known.
func (c *callbackWriter) sendHeader(size int64) {
	c.sentHeader = true
	header := c.Header()
	c.noteAnswer()
	if c.visit.request.Any() || c.visit.answer.Any() {
		header.Add("Server-Timing", c.visit.serverTiming())
	}
	if size < 0 || c.visit.answer.Stores > 0 || c.decoder != nil {
		for _, name := range validators {
			header.Del(name)
		}
	}
	if c.decoder != nil {
		header.Del("Content-Encoding")
		if (size < 0 || size >= minGzip) && slices.Contains(encode.AcceptedEncodings(c.request, []string{"gzip"}), "gzip") {
			header.Set("Content-Encoding", "gzip") // which tells the handler encode, if it is in front, to let it be
			header.Add("Vary", "Accept-Encoding")
			c.out = gzip.NewWriter(c.out)
			size = -1
		}
	}
	if size < 0 {
		header.Del("Content-Length")
	} else {
		header.Set("Content-Length", strconv.FormatInt(size, 10))
	}
	c.ResponseWriter.WriteHeader(http.StatusOK)
}

// serverTiming are the entries of the header Server-Timing (https://www.w3.org/TR/server-timing/) for a callback. Dash's dev tools show
// the dur of each entry, and nothing else of it: so the bytes have one of their own, where a browser's take them for milliseconds. There
// is no comma within an entry, at which Dash splits the header.
func (v *visit) serverTiming() string {
	f := v.figures()
	return fmt.Sprintf(`dash_stash;dur=%.1f;desc="stored=%d stored_bytes=%d restored=%d restored_bytes=%d missed=%d saved_bytes=%d", `+
		`dash_stash_saved_bytes;dur=%d`,
		float64(v.own)/float64(time.Millisecond), f.Stores, f.StoreBytes, f.Tokens, f.TokenBytes, f.Missed, f.Saved(), max(0, f.Saved()))
}
