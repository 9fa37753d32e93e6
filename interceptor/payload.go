package interceptor

import (
	"bytes"
	"hash"
	"io"
	"log/slog"
	"strings"

	"github.com/dashstash/dashstash/storage"
)

// writeSize is how many bytes of a payload are hashed and written at a time.
const writeSize = 64 << 10

// patchStart is how a Patch begins (dash/_patch.py): an instruction that changes what the browser has, no data. White space
// may stand behind the brace.
var patchStart = []byte(`"__dash_patch_update"`)

// A fate is what becomes of a payload that is whole.
type fate uint8

const (
	fateWaiting fate = iota // it is not known yet whether it is a Store's
	fateStored
	fateInline
)

// A payload is a Store's data on its way to the storage.
type payload struct {
	id      string // the Store's canonical id; "": not known yet
	minSize int64
	inline  Reason // it is stored only if it is a Patch: this is why; "": as all others
	doubted bool   // as a Patch it would be in doubt: see Offload.Doubtful
	fate    fate
	why     Reason // it is inline
	start   int64  // where in the answer it begins
	taken   int64  // its bytes there, when it is whole
	emitted int64  // if it passes inline: how many bytes had gone to the browser before it

	raw    []byte         // all of it as it came, until it is large enough to be stored; while it waits, up to holdSize
	bytes  []byte         // what the scanner made of it, as far as it is not written
	patch  bool           // it is a Patch, which is not stored as data
	writer storage.Writer // nil: not begun, a Patch, or of a Watcher
	hash   hash.Hash      // nil: not begun, or a Patch
	size   int64          // bytes that are hashed and written
}

// capture takes the value that begins now: the data of the Store with a canonical id, or of a component that may turn out to
// be a Store.
func (o *Offload) capture(id string, minSize int64) *payload {
	o.payload = &payload{id: id, minSize: minSize, start: o.taken}
	if id != "" {
		o.payload.fate = fateStored
	}
	o.scan.capture(&o.payload.bytes)
	return o.payload
}

// takePayload takes bytes of the value that is being captured.
func (o *Offload) takePayload(p []byte) error {
	pl := o.payload
	switch {
	case pl.patch: // whatever its size: as it is, it would be applied to a token
		return nil
	case pl.hash == nil:
		pl.raw = append(pl.raw, p...)
		if len(pl.raw) < max(int(pl.minSize), 2*len(patchStart)) {
			return nil
		}
		if reason := o.beginPayload(); reason != Offloaded {
			return o.passPayload(reason)
		}
	case pl.raw != nil:
		pl.raw = append(pl.raw, p...)
	}
	if pl.fate != fateWaiting || len(pl.raw) > holdSize {
		pl.raw = nil
	}
	if len(pl.bytes) < writeSize || pl.patch {
		return nil
	}
	return o.writePayload()
}

// beginPayload begins to store a payload, unless it is not to be stored or cannot be.
func (o *Offload) beginPayload() Reason {
	pl := o.payload
	if pl.inline != "" && (pl.doubted || !isPatch(pl.raw)) {
		o.doubtful = o.doubtful || pl.doubted && isPatch(pl.raw)
		return pl.inline
	}
	if pl.id != "" && isPatch(pl.raw) {
		o.session.App.learnPatched(pl.id) // also by a small one, since what it is to change may be a token by now
		pl.patch = true
		return Offloaded
	}
	// A number, a literal and "" are shorter than a token. And they may be false, which an old Store asks of its data, while a
	// token is true; and a Patch that adds to a number cannot be recorded: see patchReply.
	switch {
	case strings.IndexByte(`{["`, pl.raw[0]) < 0 || string(pl.raw) == `""`:
		return NoContainer
	case len(pl.raw) < int(pl.minSize):
		return BelowMinSize
	}
	if !o.dry {
		var err error
		if pl.writer, err = o.session.Store.Create(o.ctx); err != nil {
			o.warnStorage(err)
			return StorageFailed
		}
	}
	pl.hash = o.ic.keys.digest(o.session.audience())()
	return Offloaded
}

func isPatch(value []byte) bool {
	inside, isObject := bytes.CutPrefix(value, []byte("{"))
	return isObject && bytes.HasPrefix(bytes.TrimLeft(inside, " \t\r\n"), patchStart)
}

// writePayload writes what there is of the payload. If that fails, the payload passes on.
func (o *Offload) writePayload() error {
	pl := o.payload
	if pl.size+int64(len(pl.bytes)) > o.ic.MaxPayload {
		o.ic.once(o.session.App, pl.id, slog.LevelWarn, "Store stays in the browser, because its data is larger than max_payload",
			"max_payload", o.ic.MaxPayload)
		return o.passPayload(AboveMaxPayload)
	}
	n := len(pl.bytes)
	var err error
	if pl.writer != nil {
		n, err = pl.writer.Write(pl.bytes)
	}
	pl.hash.Write(pl.bytes[:n])
	pl.size += int64(n)
	pl.bytes = append(pl.bytes[:0], pl.bytes[n:]...)
	if err != nil {
		o.warnStorage(err)
		return o.passPayload(StorageFailed)
	}
	return nil
}

// passPayload gives up storing the payload, for a reason: what there is of it goes on to the browser, as will the rest.
func (o *Offload) passPayload(reason Reason) error {
	pl := o.payload
	if pl == nil {
		return nil
	}
	o.scan.stopCapture()
	o.payload, o.passing = nil, pl
	pl.fate, pl.why, pl.emitted = fateInline, reason, o.emitted
	switch {
	case pl.patch:
		return o.emit(pl.bytes)
	case pl.writer == nil: // of a Watcher, of which nothing comes out, or not begun
		return o.emit(pl.raw)
	}
	defer pl.writer.Abort()
	if pl.raw != nil {
		return o.emit(pl.raw)
	}
	if _, err := io.Copy(emitter{o}, io.NewSectionReader(pl.writer, 0, pl.size)); err != nil {
		return err
	}
	return o.emit(pl.bytes)
}

// endPassing counts the value that has passed inline, if it is known whose it is.
func (o *Offload) endPassing() {
	pl := o.passing
	o.passing = nil
	if pl == nil {
		return
	}
	pl.taken = o.taken - pl.start
	if pl.id != "" && pl.why != Unknown {
		e := Event{Store: pl.id, Inline: pl.why, Bytes: pl.taken}
		if pl.writer != nil { // its numbers may have become shorter on the way
			e.Saved = pl.taken - (o.emitted - pl.emitted)
		}
		o.figures.Note(e)
	}
}

// endPayload holds the payload that has ended, to be stored or to wait for its component's end.
func (o *Offload) endPayload() error {
	pl := o.payload
	pl.taken = o.taken - pl.start
	if pl.hash == nil && !pl.patch {
		if reason := o.beginPayload(); reason != Offloaded {
			return o.passPayload(reason)
		}
	}
	if pl.patch {
		return o.endPatch()
	}
	if err := o.writeInOrder(); err != nil || o.payload == nil {
		return err
	}
	o.payload = nil
	if !o.dry {
		o.held = append(o.held, heldPiece{payload: pl})
		o.heldSize += tokenLength + len(pl.raw)
	}
	if pl.fate == fateWaiting {
		o.waiting++
		return nil
	}
	return o.storeHeld(pl)
}

// endPatch puts the reply to a Patch in its place.
func (o *Offload) endPatch() error {
	pl := o.payload
	reply, e, ok := o.patchReply(pl.id, pl.bytes)
	if !ok {
		return o.passPayload(NoContainer)
	}
	o.payload = nil
	if !o.dry {
		o.session.App.learnOffloaded(pl.id)
	}
	e.Saved = pl.taken - int64(len(reply))
	o.figures.Note(e)
	return o.emit(reply)
}

// decideData says what becomes of the data of a component that has ended, or that can no longer be a Store; Unknown if it is none.
// The id is the Store's canonical one.
func (o *Offload) decideData(pl *payload, id string, reason Reason) error {
	if pl == nil {
		return nil
	}
	waits := pl.fate == fateWaiting
	if waits {
		o.waiting--
	}
	switch {
	case reason == Offloaded && waits:
		pl.id, pl.fate = id, fateStored
		return o.storeHeld(pl)
	case reason == Offloaded:
		reason = pl.why
	}
	if reason != Unknown {
		o.figures.Note(Event{Store: id, Inline: reason, Bytes: pl.taken})
	}
	pl.fate = fateInline
	if o.streaming && o.waiting == 0 {
		return o.release()
	}
	return nil
}

// storeHeld sees to a payload that is held, now that it is to be stored.
func (o *Offload) storeHeld(pl *payload) error {
	if o.dry {
		o.count(pl)
		return nil
	}
	o.pending++
	switch {
	case o.streaming && o.waiting == 0:
		return o.release()
	case o.pending > maxPending:
		o.commitHeld()
	}
	return nil
}

// commit stores a payload that is whole, and returns its token; nil if it cannot be stored.
func (o *Offload) commit(pl *payload) []byte {
	key := o.ic.keys.ownerOf(o.session.App, pl.id).key(pl.hash)
	if err := pl.writer.Commit(key); err != nil {
		o.warnStorage(err)
		e := Event{Store: pl.id, Inline: StorageFailed, Bytes: pl.taken}
		if pl.raw == nil {
			e.Saved = pl.taken - pl.size // its numbers have become shorter
		}
		o.figures.Note(e)
		return nil
	}
	o.count(pl)
	o.session.App.learnOffloaded(pl.id)
	return o.ic.keys.token(payloadRef{key, pl.size}, o.session.audience())
}

func (o *Offload) count(pl *payload) {
	o.figures.Note(Event{Store: pl.id, Stored: true, Bytes: pl.size, Saved: pl.taken - int64(tokenLength)})
}

// An emitter writes to the browser.
type emitter struct{ o *Offload }

func (e emitter) Write(p []byte) (int, error) { return len(p), e.o.emit(p) }
