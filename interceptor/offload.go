package interceptor

import (
	"context"
	"io"
	"log/slog"

	"github.com/dashstash/dashstash/storage"
)

const (
	// holdSize is how many bytes of a rewritten response are held back, so that it can go out with its length and figures,
	// and so that nothing is stored for a response that breaks off.
	holdSize = 64 << 10
	// maxPending is how many payloads wait, at the most, for the response to be whole before they are stored: each holds on
	// to what its writer needs, which for the file storage is a file descriptor.
	maxPending = 32
)

// An Offload rewrites one callback response. The response is written to it, in chunks of any size; what the browser is to
// get comes out of Close or, where it is long, goes to the writer given to [Interceptor.Offload]. An Offload belongs to one
// goroutine and ends with Close or Abort.
type Offload struct {
	ic    *Interceptor
	ctx   context.Context
	store storage.Store
	app   *App
	scope string
	out   io.Writer

	scan    scanner
	keys    [4]string // the keys on the way to the next value, by depth
	id      string    // the component that keys[2] names
	payload *payload  // the value being captured
	broken  bool      // the response is no JSON: the rest passes as it is

	held      []heldPiece
	heldSize  int
	pending   int  // payloads among held
	streaming bool // held was full: all goes to out
	figures   Figures
}

// A heldPiece is a part of the rewritten response that is held back: bytes, or a payload that is not in the storage yet.
type heldPiece struct {
	bytes   []byte
	payload *payload
}

// Offload begins to rewrite a callback response of an app. The data of its Stores goes to store, with tokens made for scope.
// What the browser is to get goes to out once it is more than 64 KiB. In a dry run nothing comes out: the browser is to get
// the response as it is.
func (ic *Interceptor) Offload(ctx context.Context, store storage.Store, app *App, scope string, out io.Writer) *Offload {
	return &Offload{ic: ic, ctx: ctx, store: store, app: app, scope: scope, out: out}
}

// Figures counts what has been done up to now.
func (o *Offload) Figures() Figures { return o.figures }

// Write takes a part of the response. It fails only with an error of out, or when data that the storage refuses cannot be
// read back: what the browser is to get cannot be completed then.
func (o *Offload) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if o.broken {
			return len(p), o.emit(rest)
		}
		n, ev := o.scan.next(rest)
		if err := o.take(rest[:n]); err != nil {
			return 0, err
		}
		var err error
		switch ev {
		case evKey:
			if depth := o.scan.depth(); depth < len(o.keys) {
				o.keys[depth] = o.scan.keyText()
			}
		case evValue:
			o.enter(rest[n])
		case evEnd:
			err = o.endPayload()
		case evBroken:
			o.broken = true
			err = o.passPayload()
		}
		if err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// enter decides what to do with a value that begins with c. Stores' data is at response.<id>.data.
func (o *Offload) enter(c byte) {
	switch depth := o.scan.depth(); {
	case depth == 0 && c == '{':
	case depth == 1 && c == '{' && o.keys[1] == "response":
	case depth == 2 && c == '{' && o.ic.decide(o.app, canonicalID(o.keys[2])):
		o.id = canonicalID(o.keys[2])
	case depth == 3 && o.keys[3] == "data":
		o.payload = &payload{}
		o.scan.capture(&o.payload.bytes)
	default:
		o.scan.skip()
	}
}

// take passes on bytes that the scanner has used up, or leaves them to the payload that they belong to.
func (o *Offload) take(p []byte) error {
	if o.payload == nil {
		return o.emit(p)
	}
	return o.takePayload(p)
}

// emit passes on bytes to the browser.
func (o *Offload) emit(p []byte) error {
	if o.ic.DryRun {
		return nil
	}
	if o.streaming {
		_, err := o.out.Write(p)
		return err
	}
	if last := len(o.held) - 1; last >= 0 && o.held[last].payload == nil {
		o.held[last].bytes = append(o.held[last].bytes, p...)
	} else {
		o.held = append(o.held, heldPiece{bytes: append([]byte(nil), p...)})
	}
	o.heldSize += len(p)
	if o.heldSize <= holdSize {
		return nil
	}
	return o.release()
}

// release lets go of what is held: from now on, all goes out at once.
func (o *Offload) release() error {
	body := o.settle()
	defer body.Close()
	o.streaming = true
	_, err := body.WriteTo(o.out)
	return err
}

// settle stores the payloads that are held, unless the response is broken, and returns all that is held: a payload that is
// not stored in full.
func (o *Offload) settle() *Body {
	if !o.broken {
		o.commitHeld()
	}
	body := new(Body)
	for _, h := range o.held {
		if h.payload == nil {
			body.addBytes(h.bytes)
			continue
		}
		body.add(piece{source: h.payload.writer, size: h.payload.size})
		body.closers = append(body.closers, abortOnClose{h.payload.writer})
	}
	o.held, o.heldSize, o.pending = nil, 0, 0
	return body
}

// commitHeld stores the payloads that are held, and puts their tokens in their place.
func (o *Offload) commitHeld() {
	for i, h := range o.held {
		if h.payload != nil && o.commit(h.payload) {
			o.held[i] = heldPiece{bytes: h.payload.token}
		}
	}
	o.pending = 0
}

// Close ends the response, and returns what of it has not gone to out: if out got nothing, that is the whole. A response
// that is not whole, or no JSON, stores nothing more and comes out as it came in.
func (o *Offload) Close() (*Body, error) {
	if !o.broken && !o.scan.whole() {
		o.broken = true
		if err := o.passPayload(); err != nil {
			return nil, err
		}
	}
	return o.settle(), nil
}

// Abort drops what is not in the storage yet. After Close it does nothing.
func (o *Offload) Abort() {
	o.broken = true
	if o.payload != nil && o.payload.writer != nil {
		o.payload.writer.Abort()
	}
	o.payload = nil
	_ = o.settle().Close()
}

// warnStorage logs, once, that data passes inline since the storage refuses it. That the browser has gone away is no fault of
// the storage.
func (o *Offload) warnStorage(err error) {
	if o.ctx.Err() != nil {
		return
	}
	o.ic.once(o.app, "", slog.LevelWarn, "Stores stay in the browser, because their data cannot be stored", "error", err)
}

// abortOnClose aborts a writer that was read back.
type abortOnClose struct{ storage.Writer }

func (a abortOnClose) Close() error {
	a.Abort()
	return nil
}
