package interceptor

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/dashstash/dashstash/storage"
)

const (
	// holdSize is how many bytes of a rewritten response are held back, so that it can go out with its length and figures,
	// and so that nothing is stored for a response that breaks off.
	holdSize = 64 << 10
	// usualDepth is how many containers within one another are walked in most answers.
	usualDepth = 4
	// minPiece is the capacity of what is held at first, so that the few bytes at a time of most answers make it grow seldom.
	minPiece = 128
	// maxPending is how many payloads wait, at the most, for the response to be whole before they are stored: each holds on
	// to what its writer needs, which for the file storage is a file descriptor.
	maxPending = 32
)

// An Offload rewrites one of an app's answers. The answer is written to it, in chunks of any size; what the browser is to get
// comes out of Close or, where it is long, goes to the writer given to [Interceptor.Offload]. An Offload belongs to one
// goroutine and ends with Close or Abort.
type Offload struct {
	ic      *Interceptor
	ctx     context.Context
	session Session
	answer  Answer
	out     io.Writer
	dry     bool // nothing is rewritten: see Watcher

	scan     scanner
	children *childrenProps // where components stand
	frames   []frame        // the open containers that are walked in
	finds    int            // how many components had to wait for a type
	small    []byte         // a value that says what a component is
	taking   bool           // it is being captured
	payload  *payload       // the value being captured to be stored
	passing  *payload       // the Store's value that passes inline
	taken    int64          // bytes of the answer that are used up
	emitted  int64          // bytes that were passed on to the browser
	broken   bool           // the answer is no JSON: the rest passes as it is

	doubtful bool

	held      []heldPiece
	heldSize  int
	waiting   int  // payloads among held that may yet turn out to be no Store's
	pending   int  // payloads among held that are to be stored
	streaming bool // held was full: all goes to out
	figures   Figures
}

// A heldPiece is a part of the rewritten answer that is held back: bytes, or a payload that is not in the storage yet.
type heldPiece struct {
	bytes   []byte
	payload *payload
}

// Offload begins to rewrite an answer of the session's app. The data of its Stores goes to the storage. What the browser is to
// get goes to out once it is more than 64 KiB.
func (ic *Interceptor) Offload(ctx context.Context, session Session, answer Answer, out io.Writer) *Offload {
	return &Offload{
		ic: ic, ctx: ctx, session: session, answer: answer, out: out,
		children: session.App.childrenProps(), frames: make([]frame, 0, usualDepth),
	}
}

// Figures counts what has been done up to now.
func (o *Offload) Figures() Figures { return o.figures }

// Size is the size in bytes of the answer up to now, as the app sent it.
func (o *Offload) Size() int64 { return o.taken }

// Doubtful reports whether the answer has a Patch that the browser may apply to a token, or beside the records of other Patches, which
// would make other data of it, while it cannot be told whether the browser has these under the id. That is so when all that was
// known of the app was lost while its pages were open, and when a Store and another component of the app have one id. The
// browser must not get such an answer; opening the page anew ends the doubt.
func (o *Offload) Doubtful() bool { return o.doubtful }

// Write takes a part of the response. It fails only with an error of out, or when data that the storage refuses cannot be
// read back: what the browser is to get cannot be completed then.
func (o *Offload) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if o.broken {
			o.taken += int64(len(rest))
			return len(p), o.emit(rest)
		}
		n, ev := o.scan.next(rest)
		o.taken += int64(n)
		if err := o.take(rest[:n]); err != nil {
			return 0, err
		}
		var err error
		switch ev {
		case evKey:
			err = o.enterKey()
		case evValue:
			o.enterValue(rest[n])
		case evEnd:
			err = o.leaveValue()
		case evBroken:
			o.broken = true
			err = o.passPayload("")
		}
		if err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// take passes on bytes that the scanner has used up, or leaves them to the payload that they belong to.
func (o *Offload) take(p []byte) error {
	if o.payload != nil {
		return o.takePayload(p)
	}
	if o.taking && len(o.small) > maxIDText {
		o.scan.stopCapture()
	}
	return o.emit(p)
}

// emit passes on bytes to the browser.
func (o *Offload) emit(p []byte) error {
	if o.dry {
		return nil
	}
	o.emitted += int64(len(p))
	if o.streaming && len(o.held) == 0 {
		_, err := o.out.Write(p)
		return err
	}
	if last := len(o.held) - 1; last >= 0 && o.held[last].payload == nil {
		o.held[last].bytes = append(o.held[last].bytes, p...)
	} else {
		o.held = append(o.held, heldPiece{bytes: append(make([]byte, 0, max(len(p), minPiece)), p...)})
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

// settle stores the payloads that are held, unless the answer is broken, and returns all that is held: with payloads that are
// not to be stored, or not stored in full, as they are.
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
		if h.payload.fate == fateWaiting {
			h.payload.why = Late
		}
		h.payload.fate = fateInline
		if h.payload.raw != nil {
			body.addBytes(h.payload.raw)
		} else {
			body.add(piece{source: h.payload.writer, size: h.payload.size})
		}
		body.closers = append(body.closers, abortOnClose{h.payload.writer})
	}
	o.held, o.heldSize, o.waiting, o.pending = nil, 0, 0, 0
	return body
}

// commitHeld stores the payloads that are held to be stored, and puts their tokens in their place.
func (o *Offload) commitHeld() {
	for i, h := range o.held {
		if h.payload != nil && h.payload.fate == fateStored {
			if token := o.commit(h.payload); token != nil {
				o.held[i] = heldPiece{bytes: token}
			}
		}
	}
	o.pending = 0
}

// Close ends the answer, and returns what of it has not gone to out: if out got nothing, that is the whole. An answer that is
// not whole, or no JSON, stores nothing more and comes out as it came in.
func (o *Offload) Close() (*Body, error) {
	if !o.broken && !o.scan.whole() {
		o.broken = true
		if err := o.passPayload(""); err != nil {
			return nil, err
		}
	}
	body := o.settle()
	if !o.broken {
		o.session.App.enter()
		o.learn()
	}
	return body, nil
}

// learn notes what a whole answer says of the app. A layout whose data is offloaded must be the next time too: a session or local
// Store compares it with what the browser has kept, and a callback on its data runs if they differ.
func (o *Offload) learn() {
	isLayout := o.answer.kind == layoutKind
	if isLayout {
		o.session.App.learnedLayout(o.session.visitor())
	}
	if (o.dry || isLayout) && o.figures.Stores > 0 && o.answer.name != "" {
		o.session.App.learnCarrier(o.answer.name)
	}
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
// the storage; that it cannot be reached, the store says itself.
func (o *Offload) warnStorage(err error) {
	if o.ctx.Err() != nil || errors.Is(err, storage.ErrUnavailable) {
		return
	}
	o.ic.once(o.session.App, "", slog.LevelWarn, "Stores stay in the browser, because their data cannot be stored", "error", err)
}

// A Watcher looks at an answer that passes as it is. It learns from it what the app consists of, and whether such an answer is
// worth an Offload the next time. Figures counts what an Offload would have done.
type Watcher struct{ offload *Offload }

// Watch begins to look at an answer of the session's app.
func (ic *Interceptor) Watch(ctx context.Context, session Session, answer Answer) Watcher {
	o := ic.Offload(ctx, session, answer, nil)
	o.dry = true
	return Watcher{o}
}

// Write takes a part of the answer. It does not fail.
func (w Watcher) Write(p []byte) (int, error) { return w.offload.Write(p) }

// Figures counts what would have been done up to now.
func (w Watcher) Figures() Figures { return w.offload.figures }

// Size is the size in bytes of the answer up to now.
func (w Watcher) Size() int64 { return w.offload.taken }

// Close ends the answer. One that is not whole teaches only what the components in it are.
func (w Watcher) Close() error {
	_, err := w.offload.Close()
	return err
}

// abortOnClose aborts a writer that was read back.
type abortOnClose struct{ storage.Writer }

func (a abortOnClose) Close() error {
	a.Abort()
	return nil
}
