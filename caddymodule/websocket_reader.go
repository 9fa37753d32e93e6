package caddymodule

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"

	"github.com/gobwas/ws"
	"go.uber.org/zap"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/spool"
)

// statusTryAgainLater is registered with IANA, though not in RFC 6455.
const statusTryAgainLater ws.StatusCode = 1013

// A socketReader reads what the app gets of a WebSocket: each message from the browser in one frame, with its data put back,
// and control frames as they are. A message is held until it is whole, a frame from then until the app has it.
type socketReader struct {
	*socket
	in      *bufio.Reader
	message *spool.Spool // the message, as far as it has come; nil: none has begun
	opcode  ws.OpCode    // of its first frame

	out    io.Reader // what the app gets next; nil: that is still to be read
	onSent []io.Closer
}

func (r *socketReader) Read(p []byte) (int, error) {
	for {
		for r.out == nil {
			if err := r.readFrame(); err != nil {
				return 0, err
			}
		}
		n, err := r.out.Read(p)
		if err == io.EOF {
			r.sent()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// readFrame reads one frame from the browser.
func (r *socketReader) readFrame() error {
	h, err := ws.ReadHeader(r.in)
	if err != nil {
		return err // at the end of the last frame, io.EOF
	}
	if err := checkFrame(h, ws.StateServerSide, r.message != nil); err != nil {
		return r.fail(ws.StatusProtocolError, err.Error())
	}
	payload := io.LimitReader(r.in, h.Length)
	if h.OpCode.IsControl() {
		r.send(h, payload) // masked as it came
		return nil
	}
	if r.message == nil {
		r.message, r.opcode = &spool.Spool{Holder: clientOf(r.request)}, h.OpCode
	}
	if h.Length > r.MaxRequest-r.message.Size() {
		return r.fail(ws.StatusMessageTooBig, "message is larger than max_request")
	}
	n, err := io.Copy(r.message, &maskingReader{r: payload, mask: h.Mask})
	switch {
	case errors.Is(err, spool.ErrNoRoom):
		return r.fail(statusTryAgainLater, err.Error())
	case err != nil:
		return err
	case n < h.Length:
		return io.ErrUnexpectedEOF
	case h.Fin:
		return r.endMessage()
	}
	return nil
}

// endMessage sends the message to the app, or answers it where that must not be.
func (r *socketReader) endMessage() error {
	message := r.message
	r.message = nil
	r.onSent = append(r.onSent, message)
	body, figures, err := r.verified(message)
	r.record(r.session.App, &visit{
		up: message.Size(), request: r.requestFigures(r.session, message, message.Size(), figures),
	})
	switch {
	case err != nil:
		return r.refuse(message, err)
	case body != nil:
		r.sendMasked(body.Reader(!r.claimed.Load()), body.Size())
	default:
		r.sendMasked(io.NewSectionReader(message, 0, message.Size()), message.Size())
	}
	return nil
}

// verified puts data back into a message. What it returns can be read to its end, as far as can be known.
func (r *socketReader) verified(message *spool.Spool) (*interceptor.Body, interceptor.Figures, error) {
	for retried := false; ; retried = true {
		body, figures, err := r.rehydrate(r.request.Context(), r.session, message, message.Size())
		if body == nil {
			return nil, figures, err
		}
		r.onSent = append(r.onSent, body)
		if figures.Missed > 0 {
			if err := r.missing(); err != nil {
				return nil, figures, err
			}
		}
		_, err = io.Copy(io.Discard, body.Reader(true))
		if retried || !errors.Is(err, interceptor.ErrDamaged) { // which has been dropped, and is missing now
			return body, figures, err
		}
	}
}

// missing says what on_missing makes of a message whose data is gone: an error, or nil if the app is to get null.
func (r *socketReader) missing() error {
	switch r.OnMissing {
	case missingError:
		return errMissing
	case missingPreventUpdate:
		return errPreventUpdate
	case missingReload:
		r.interceptor.WarnOnce(r.session.App, "on_missing reload: a callback over a WebSocket cannot reload the page and gets null instead")
	}
	return nil
}

// errPreventUpdate says that a callback is to be answered as by PreventUpdate.
var errPreventUpdate = errors.New("data of a Store is gone from the storage, and nothing is to change")

// refuse does what is to be done about a message that the app must not see.
func (r *socketReader) refuse(message *spool.Spool, err error) error {
	reason := "the data of a Store cannot be read back"
	for _, known := range []error{errMissing, interceptor.ErrTooLarge, interceptor.ErrUnavailable} {
		if errors.Is(err, known) {
			reason = known.Error() // and no more: the rest is not for the browser
		}
	}
	if errors.Is(err, errPreventUpdate) {
		reason = ""
	}
	log := r.logger.Warn
	if errors.Is(err, interceptor.ErrUnavailable) && !errors.Is(err, storage.ErrUnavailable) {
		log = r.logger.Error
	}
	log("a WebSocket message cannot go to the app", zap.String("app", r.session.App.Name), zap.Error(err))
	toBrowser, toApp := interceptor.RefuseMessage(message, message.Size(), reason)
	switch {
	case toBrowser != nil:
		r.sent()
		return r.toBrowser.insert(toBrowser)
	case toApp != nil:
		r.sendMasked(bytes.NewReader(toApp), int64(len(toApp)))
		return nil
	}
	return r.fail(ws.StatusInternalServerError, cmp.Or(reason, errMissing.Error()))
}

// sendMasked sends a message to the app. A frame that goes to a server must be masked (RFC 6455, 5.3).
func (r *socketReader) sendMasked(payload io.Reader, size int64) {
	h := ws.Header{Fin: true, OpCode: r.opcode, Masked: true, Mask: ws.NewMask(), Length: size}
	r.send(h, &maskingReader{r: payload, mask: h.Mask})
}

func (r *socketReader) send(h ws.Header, payload io.Reader) {
	header, _ := ws.CompileFrame(ws.Frame{Header: h})
	r.out = io.MultiReader(bytes.NewReader(header), payload)
}

// sent lets go of what the app has got.
func (r *socketReader) sent() {
	for _, closer := range r.onSent {
		_ = closer.Close()
	}
	r.out, r.onSent = nil, nil
}

// fail closes the connection, and says to the browser why.
func (r *socketReader) fail(code ws.StatusCode, reason string) error {
	r.toBrowser.close(code, reason)
	return errors.New(reason)
}

// drop drops a message that is not whole, or that the app has not got.
func (r *socketReader) drop() {
	if r.message != nil {
		r.onSent = append(r.onSent, r.message)
		r.message = nil
	}
	r.sent()
}

// A maskingReader masks what it reads, or unmasks it: that is the same.
type maskingReader struct {
	r      io.Reader
	mask   [4]byte
	offset int
}

func (m *maskingReader) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	ws.Cipher(p[:n], m.mask, m.offset)
	m.offset = (m.offset + n) % 4
	return n, err
}
