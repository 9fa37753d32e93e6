package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage/spool"
)

// A heldRequest is the body of a callback request, decoded. It is held as a whole, since the request's new length must be
// known before its first byte can go to the app.
type heldRequest struct {
	spool.Spool
	decoded bool // it came in a content coding
}

// holdRequest reads a request's body, decoded up to limit bytes. The error is one that a Caddy handler returns.
func holdRequest(r *http.Request, limit int64) (*heldRequest, error) {
	if r.ContentLength > limit { // before the first Read, which asks the browser to send the body
		return nil, tooLarge(limit)
	}
	coding, ok := codingOf(r.Header)
	if !ok {
		return nil, unknownCoding(coding)
	}
	decoder, err := newDecoder(coding, r.Body)
	if err != nil {
		return nil, readError(coding, err)
	}
	defer decoder.Close()
	held := &heldRequest{decoded: coding != ""}
	if r.ContentLength > 0 {
		held.Grow(r.ContentLength)
	}
	_, err = held.ReadFrom(io.LimitReader(decoder, min(limit, math.MaxInt64-1)+1))
	_, onDisk := errors.AsType[*fs.PathError](err)
	switch {
	case onDisk:
		err = caddyhttp.Error(http.StatusInsufficientStorage, err)
	case err != nil:
		err = readError(coding, err)
	case held.Size() > limit:
		err = tooLarge(limit)
	default:
		return held, nil
	}
	held.Close()
	return nil, err
}

// unknownCoding is the error for a body that cannot be read here. Whoever can read it, in front of the app, would show the app
// the tokens in it: better that it is not called at all. Dash's renderer sends no coding but gzip.
func unknownCoding(coding string) error {
	return caddyhttp.Error(http.StatusUnsupportedMediaType,
		fmt.Errorf("content coding %q of a callback request is unknown: send it in one of %s, or without", coding,
			strings.Join(slices.Sorted(maps.Keys(decoders)), ", ")))
}

func tooLarge(limit int64) error {
	return caddyhttp.Error(http.StatusRequestEntityTooLarge, &http.MaxBytesError{Limit: limit})
}

// newDecoder returns a reader of a body in a content coding, empty or one of decoders. Closing it leaves the body open.
func newDecoder(coding string, body io.Reader) (io.ReadCloser, error) {
	if coding == "" {
		return io.NopCloser(body), nil
	}
	return decoders[coding](body)
}

// readError gives an error of reading a request, in a content coding or none, its status.
func readError(coding string, err error) error {
	if coding != "" {
		err = fmt.Errorf("callback request in content coding %s: %w", coding, err)
	}
	status := http.StatusBadRequest
	if errors.Is(err, os.ErrDeadlineExceeded) {
		status = http.StatusRequestTimeout
	}
	return caddyhttp.Error(status, err)
}

// claimKey is the context key of a *atomic.Bool: an earlier handler left tokens of another namespace in the request, and a
// later one sets it to say that it sees to them.
type claimKey struct{}

// claimForeign says that this handler sees to the tokens that an earlier one left. That must be before the body is read.
func claimForeign(r *http.Request) {
	if claimed, ok := r.Context().Value(claimKey{}).(*atomic.Bool); ok {
		claimed.Store(true)
	}
}

// forward returns a copy of r with the body as the app is to get it: body, or as it came if body is nil. failed takes an error of
// reading that.
//
// Tokens of another namespace are for a dash_stash handler behind this one. If there is none, the app must not see them:
// when the body is first read, which is behind all handlers, they turn to null unless they were claimed.
func (h *heldRequest) forward(r *http.Request, body *interceptor.Body, failed *atomic.Pointer[error]) *http.Request {
	ctx := r.Context()
	size := h.Size()
	open := func() io.Reader { return io.NewSectionReader(h, 0, h.Size()) }
	if body != nil {
		claimed := new(atomic.Bool)
		if body.HasForeign() {
			ctx = context.WithValue(ctx, claimKey{}, claimed)
		}
		size = body.Size()
		open = func() io.Reader { return body.Reader(!claimed.Load()) }
	}

	r = r.WithContext(ctx)
	if r.ContentLength != size || r.Header["Expect"] != nil || h.decoded {
		r.Header = r.Header.Clone()
		r.Header.Set("Content-Length", strconv.FormatInt(size, 10))
		r.Header.Del("Expect")
		if h.decoded {
			r.Header.Del("Content-Encoding")
		}
	}
	r.ContentLength = size
	r.TransferEncoding, r.Trailer = nil, nil // with a trailer, it would go out in chunks all the same
	r.GetBody = func() (io.ReadCloser, error) { return &lazyBody{open: open, failed: failed}, nil }
	r.Body = &lazyBody{open: open, failed: failed}
	if size == 0 {
		r.Body = http.NoBody
	}
	return r
}

// A lazyBody opens a body when it is first read.
type lazyBody struct {
	open   func() io.Reader
	failed *atomic.Pointer[error] // takes an error of reading
	io.Reader
}

func (l *lazyBody) Read(p []byte) (int, error) {
	if l.Reader == nil {
		l.Reader = l.open()
	}
	n, err := l.Reader.Read(p)
	if err != nil && err != io.EOF {
		l.failed.Store(&err)
	}
	return n, err
}

func (*lazyBody) Close() error { return nil }
