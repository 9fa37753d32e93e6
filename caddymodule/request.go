package caddymodule

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage/spool"
)

const (
	// maxRatio is how many times its size a request in a content coding may be decoded to. Rows of records come to 125 times at the
	// most, rows that are all the same to 340 in gzip, which no data can make more than 1032. A bomb in br or zstd is far above.
	maxRatio = 1024
	// minDecoded is the size in bytes up to which that does not matter.
	minDecoded = 8 << 20
)

// decodings has an element for each request that is being decoded, for which a decoder takes up to 17 MiB. None of them waits for a
// client.
var decodings = make(chan struct{}, 2*runtime.GOMAXPROCS(0))

// A heldRequest is the body of a callback request, decoded. It is held as a whole, since the request's new length must be
// known before its first byte can go to the app.
type heldRequest struct {
	spool.Spool
	encoded spool.Spool // as it came, if that was in a content coding
	coding  string      // empty: none
}

// holdRequest reads a request's body of up to limit bytes, encoded as well as decoded. The error is one that a Caddy handler returns.
func holdRequest(w http.ResponseWriter, r *http.Request, limit int64) (*heldRequest, error) {
	if r.ContentLength > limit { // before the first Read, which asks the browser to send the body
		return nil, tooLarge(limit)
	}
	coding, ok := codingOf(r.Header)
	if !ok {
		return nil, unknownCoding(coding)
	}
	holder := spool.Spool{Holder: clientOf(r)}
	held := &heldRequest{Spool: holder, encoded: holder, coding: coding}
	if err := held.read(r, limit); err != nil {
		held.Close()
		return nil, holdError(w, coding, err)
	}
	return held, nil
}

func (h *heldRequest) read(r *http.Request, limit int64) error {
	came := h.came()
	if r.ContentLength > 0 {
		came.Grow(r.ContentLength)
	}
	fits, err := fill(came, r.Body, limit)
	switch {
	case err != nil:
		return err
	case !fits:
		return tooLarge(limit)
	case h.coding != "":
		return h.decode(r.Context(), limit)
	}
	return nil
}

// decode decodes a body that is whole, so that neither a decoder nor its memory waits for a client.
func (h *heldRequest) decode(ctx context.Context, limit int64) error {
	select {
	case decodings <- struct{}{}:
		defer func() { <-decodings }()
	case <-ctx.Done():
		return ctx.Err()
	}
	encoded := bufio.NewReader(io.NewSectionReader(&h.encoded, 0, h.encoded.Size()))
	decoder, err := decoders[h.coding](encoded)
	if err != nil {
		return err
	}
	defer decoder.Close()
	most := max(minDecoded, maxRatio*h.encoded.Size())
	fits, err := fill(&h.Spool, decoder, min(limit, most))
	switch {
	case err != nil:
		return err
	case !fits && most < limit:
		return tooDense(h.coding, h.encoded.Size(), most)
	case !fits:
		return tooLarge(limit)
	}
	switch _, err := encoded.Peek(1); err { // which the app would get and nobody has looked into
	case io.EOF:
		return nil
	case nil:
		return errors.New("there is more behind its end")
	default:
		return err
	}
}

// fill has a spool hold what r has, and reports whether that is no more than limit bytes. If it is more, some of it is not read.
func fill(s *spool.Spool, r io.Reader, limit int64) (fits bool, err error) {
	_, err = s.ReadFrom(io.LimitReader(r, min(limit, math.MaxInt64-1)+1))
	return s.Size() <= limit, err
}

// came is the body as it came.
func (h *heldRequest) came() *spool.Spool {
	if h.coding != "" {
		return &h.encoded
	}
	return &h.Spool
}

// Close drops the body.
func (h *heldRequest) Close() error { return errors.Join(h.Spool.Close(), h.encoded.Close()) }

// clientOf names the client of a request, to share what there is fairly among clients: whoever has an address of IPv6 has many.
func clientOf(r *http.Request) string {
	client, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	if address, err := netip.ParseAddr(client); err == nil && address.Is6() && !address.Is4In6() {
		network, _ := address.WithZone("").Prefix(64)
		return network.String()
	}
	return client
}

// holdError gives an error of holding a request, in a content coding or none, its status.
func holdError(w http.ResponseWriter, coding string, err error) error {
	if errors.Is(err, spool.ErrNoRoom) {
		w.Header().Set("Retry-After", "1")
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	}
	if _, onDisk := errors.AsType[*fs.PathError](err); onDisk {
		return caddyhttp.Error(http.StatusInsufficientStorage, err)
	}
	return readError(coding, err)
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

func tooDense(coding string, size, most int64) error {
	return caddyhttp.Error(http.StatusRequestEntityTooLarge, fmt.Errorf(
		"a callback request of %d bytes in content coding %s holds more than %d bytes, which no data of an app does: send it without",
		size, coding, most))
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

// forward returns a copy of r with the body as the app is to get it: body, or as it came, in its content coding, if body is nil.
// failed takes an error of reading that.
//
// Tokens of another namespace are for a dash_stash handler behind this one. If there is none, the app must not see them:
// when the body is first read, which is behind all handlers, they turn to null unless they were claimed.
func (h *heldRequest) forward(r *http.Request, body *interceptor.Body, failed *atomic.Pointer[error]) *http.Request {
	ctx := r.Context()
	came := h.came()
	size := came.Size()
	open := func() io.Reader { return io.NewSectionReader(came, 0, size) }
	if body != nil {
		claimed := new(atomic.Bool)
		if body.HasForeign() {
			ctx = context.WithValue(ctx, claimKey{}, claimed)
		}
		size = body.Size()
		open = func() io.Reader { return body.Reader(!claimed.Load()) }
	}

	r = r.WithContext(ctx)
	decoded := body != nil && h.coding != ""
	if r.ContentLength != size || r.Header["Expect"] != nil || decoded {
		r.Header = r.Header.Clone()
		r.Header.Set("Content-Length", strconv.FormatInt(size, 10))
		r.Header.Del("Expect")
		if decoded {
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
