package caddymodule

import (
	"bufio"
	"errors"
	"io"

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
		decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	},
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

// A decodingWriter decodes what is written to it, and writes that to another writer, in a goroutine that ends with Close or
// stop.
type decodingWriter struct {
	pipe *io.PipeWriter
	done chan struct{}
	err  error // of decoding; to be read when done is closed
}

// newDecodingWriter returns a writer that undoes a content coding, which must be one of decoders, on the way to out.
func newDecodingWriter(coding string, out io.Writer) *decodingWriter {
	encoded, pipe := io.Pipe()
	d := &decodingWriter{pipe: pipe, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		d.err = decode(coding, encoded, out)
		encoded.CloseWithError(d.err)
	}()
	return d
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

func (d *decodingWriter) Write(p []byte) (int, error) { return d.pipe.Write(p) }

// Close ends the encoded bytes, and waits until all is decoded.
func (d *decodingWriter) Close() error {
	d.pipe.Close()
	<-d.done
	return d.err
}

// stop gives up, unless decoding has ended.
func (d *decodingWriter) stop() {
	d.pipe.CloseWithError(errStopped)
	<-d.done
}
