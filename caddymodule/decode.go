package caddymodule

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow is the window size in bytes up to which zstd is decoded: RFC 9659 allows no larger one in HTTP.
const maxZstdWindow = 8 << 20

// decoders open a reader by content coding.
var decoders = map[string]func(io.Reader) (io.ReadCloser, error){
	"gzip":    func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) },
	"deflate": newInflater,
	"br":      func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(brotli.NewReader(r)), nil },
	"zstd": func(r io.Reader) (io.ReadCloser, error) {
		decoder, err := zstd.NewReader(r,
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	},
}

// codingOf returns a body's content coding, empty or one of decoders, and whether it is that.
func codingOf(header http.Header) (coding string, ok bool) {
	coding = strings.ToLower(strings.Join(header.Values("Content-Encoding"), ","))
	if coding == "" || coding == "identity" {
		return "", true
	}
	_, ok = decoders[coding]
	return coding, ok
}

// newInflater reads the coding deflate, which is zlib's format, though some servers send the bare one (RFC 9110, 8.4.1.2).
func newInflater(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReader(r)
	head, err := buffered.Peek(2)
	if err != nil {
		return nil, err
	}
	if isZlib := head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0; isZlib {
		return zlib.NewReader(buffered)
	}
	return flate.NewReader(buffered), nil
}

var errStopped = errors.New("decoding was stopped")

// A decodingWriter decodes what is written to it, and writes that to another writer. A decoder would rather read: it is a
// coroutine, which runs while Write, Close or stop is called and at no other time, so that what it writes to need not be
// safe for use at the same time.
type decodingWriter struct {
	resume func() (struct{}, bool) // runs the decoder until it wants more bytes or has ended, which false says
	rest   []byte                  // for the decoder to read
	end    error                   // what it then reads; nil: there is more to come
	err    error                   // of decoding
}

// newDecodingWriter returns a writer that undoes a content coding, which must be one of decoders, on the way to out. It must
// be closed or stopped.
func newDecodingWriter(coding string, out io.Writer) *decodingWriter {
	d := new(decodingWriter)
	d.resume, _ = iter.Pull(func(wait func(struct{}) bool) {
		d.err = decode(coding, encodedReader{d, wait}, out)
	})
	return d
}

// newBodyWriter returns the writer for a body in a content coding, empty or one of decoders, on the way to out, and what
// decodes it, if anything must.
func newBodyWriter(coding string, out io.Writer) (io.Writer, *decodingWriter) {
	if coding == "" {
		return out, nil
	}
	decoder := newDecodingWriter(coding, out)
	return decoder, decoder
}

func decode(coding string, encoded io.Reader, out io.Writer) error {
	decoder, err := decoders[coding](encoded)
	if err != nil {
		return err
	}
	defer decoder.Close()
	if _, err := io.Copy(out, decoder); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, encoded) // what stands behind the end says nothing
	return err
}

func (d *decodingWriter) Write(p []byte) (int, error) {
	d.rest = p
	if _, wantsMore := d.resume(); !wantsMore {
		return 0, d.err
	}
	return len(p), nil
}

// Close ends the encoded bytes, and returns when all is decoded.
func (d *decodingWriter) Close() error {
	d.finish(io.EOF)
	return d.err
}

// stop gives up, unless decoding has ended.
func (d *decodingWriter) stop() { d.finish(errStopped) }

func (d *decodingWriter) finish(end error) {
	d.rest, d.end = nil, end
	d.resume()
}

// An encodedReader is what the decoder of a decodingWriter reads.
type encodedReader struct {
	*decodingWriter
	wait func(struct{}) bool
}

func (r encodedReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.end != nil {
			return 0, r.end
		}
		r.wait(struct{}{})
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
