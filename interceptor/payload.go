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
	doubted bool // it may be a Patch of a Store that is not known: see Offload.Doubtful
	fate    fate

	raw    []byte         // all of it as it came, until it is large enough to be stored; while it waits, up to holdSize
	bytes  []byte         // what the scanner made of it, as far as it is not written
	patch  bool           // it is a Patch, which is not stored as data
	writer storage.Writer // nil: not begun, a Patch, or of a Watcher
	hash   hash.Hash      // nil: not begun, or a Patch
	size   int64          // bytes that are hashed and written
	key    storage.Key    // when it is whole
	token  []byte         // likewise
}

// capture takes the value that begins now: the data of the Store with a canonical id, or of a component that may turn out to
// be a Store.
func (o *Offload) capture(id string, minSize int64) *payload {
	o.payload = &payload{id: id, minSize: minSize}
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
		if !o.beginPayload() {
			return o.passPayload()
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
func (o *Offload) beginPayload() bool {
	pl := o.payload
	if pl.doubted {
		o.doubtful = o.doubtful || isPatch(pl.raw)
		return false
	}
	if pl.id != "" && isPatch(pl.raw) {
		o.session.App.learnPatched(pl.id) // also by a small one, since what it is to change may be a token by now
		pl.patch = !o.dry
		return pl.patch
	}
	// A number, a literal and "" are shorter than a token. And they may be false, which an old Store asks of its data, while a
	// token is true; and a Patch that adds to a number cannot be recorded: see patchReply.
	if len(pl.raw) < int(pl.minSize) || strings.IndexByte(`{["`, pl.raw[0]) < 0 || string(pl.raw) == `""` {
		return false
	}
	if !o.dry {
		var err error
		if pl.writer, err = o.session.Store.Create(o.ctx); err != nil {
			o.warnStorage(err)
			return false
		}
	}
	pl.hash = o.ic.keys.newDigest()
	return true
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
		return o.passPayload()
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
		return o.passPayload()
	}
	return nil
}

// passPayload gives up storing the payload: what there is of it goes on to the browser, as will the rest.
func (o *Offload) passPayload() error {
	pl := o.payload
	if pl == nil {
		return nil
	}
	o.scan.stopCapture()
	o.payload, pl.fate = nil, fateInline
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

// endPayload holds the payload that has ended, to be stored or to wait for its component's end.
func (o *Offload) endPayload() error {
	pl := o.payload
	if pl.hash == nil && !pl.patch && !o.beginPayload() {
		return o.passPayload()
	}
	if pl.patch {
		return o.endPatch()
	}
	if err := o.writeInOrder(); err != nil || o.payload == nil {
		return err
	}
	o.payload = nil
	if !o.dry {
		pl.hash.Sum(pl.key[:0])
		pl.token = o.ic.keys.token(payloadRef{pl.key, pl.size}, o.session.audience())
		o.held = append(o.held, heldPiece{payload: pl})
		o.heldSize += len(pl.token) + len(pl.raw)
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
	reply, ok := o.patchReply(pl.id, pl.bytes)
	if !ok {
		return o.passPayload()
	}
	o.payload = nil
	return o.emit(reply)
}

// decideData says whether the data of a component that has ended, or that can no longer be one, is to be stored.
func (o *Offload) decideData(f *frame, stored bool) error {
	pl := f.data
	f.data = nil
	if pl == nil || pl.fate != fateWaiting {
		return nil
	}
	o.waiting--
	if stored {
		pl.id, pl.fate = idOf(f.id), fateStored
		return o.storeHeld(pl)
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

// commit stores a payload that is whole.
func (o *Offload) commit(pl *payload) bool {
	if err := pl.writer.Commit(pl.key); err != nil {
		o.warnStorage(err)
		return false
	}
	o.count(pl)
	return true
}

func (o *Offload) count(pl *payload) {
	o.figures.Stores++
	o.figures.StoreBytes += pl.size
}

// An emitter writes to the browser.
type emitter struct{ o *Offload }

func (e emitter) Write(p []byte) (int, error) { return len(p), e.o.emit(p) }
