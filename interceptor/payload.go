package interceptor

import (
	"bytes"
	"hash"
	"io"
	"log/slog"

	"github.com/dashstash/dashstash/storage"
)

// writeSize is how many bytes of a payload are hashed and written at a time.
const writeSize = 64 << 10

// patchStart is how a Patch begins (dash/_patch.py): an instruction that changes what the browser has, no data. White space
// may stand behind the brace.
var patchStart = []byte(`"__dash_patch_update"`)

// A payload is a Store's data on its way to the storage.
type payload struct {
	raw    []byte         // all of it as it came, until it is large enough to be stored
	bytes  []byte         // what the scanner made of it, as far as it is not written
	writer storage.Writer // nil: not begun, or a dry run
	hash   hash.Hash      // nil: not begun
	size   int64          // bytes that are hashed and written
	key    storage.Key    // when it is whole
	token  []byte         // likewise
}

// takePayload takes bytes of the value that is being captured.
func (o *Offload) takePayload(p []byte) error {
	pl := o.payload
	if pl.hash == nil {
		pl.raw = append(pl.raw, p...)
		if len(pl.raw) < max(int(o.ic.MinSize), 2*len(patchStart)) {
			return nil
		}
		if !o.beginPayload() {
			return o.passPayload()
		}
	}
	if len(pl.bytes) < writeSize {
		return nil
	}
	return o.writePayload()
}

// beginPayload begins to store a payload, unless it is not to be stored or cannot be.
func (o *Offload) beginPayload() bool {
	pl := o.payload
	if o.learnPatch(pl.raw) || len(pl.raw) < int(o.ic.MinSize) || string(pl.raw) == "null" {
		return false
	}
	if !o.ic.DryRun {
		var err error
		if pl.writer, err = o.store.Create(o.ctx); err != nil {
			o.warnStorage(err)
			return false
		}
	}
	pl.hash = o.ic.keys.newDigest()
	return true
}

// learnPatch reports whether a value, of which at least the beginning is known, is a Patch, and learns that the app patches
// the Store: also from a small one, since what it is to change may be a token by now.
func (o *Offload) learnPatch(value []byte) bool {
	if !isPatch(value) {
		return false
	}
	o.app.learnPatched(o.id)
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
		o.ic.once(o.app, o.id, slog.LevelWarn, "Store stays in the browser, because its data is larger than max_payload",
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
	o.payload = nil
	switch {
	case pl.hash == nil:
		return o.emit(pl.raw)
	case pl.writer == nil: // a dry run
		return nil
	}
	defer pl.writer.Abort()
	if _, err := io.Copy(emitter{o}, io.NewSectionReader(pl.writer, 0, pl.size)); err != nil {
		return err
	}
	return o.emit(pl.bytes)
}

// endPayload puts the token in the place of the value that has ended, if it was captured.
func (o *Offload) endPayload() error {
	pl := o.payload
	if pl == nil {
		return nil
	}
	if pl.hash == nil && !o.beginPayload() {
		return o.passPayload()
	}
	if err := o.writePayload(); err != nil || o.payload == nil {
		return err
	}
	o.payload = nil
	if o.ic.DryRun {
		o.count(pl)
		return nil
	}
	pl.hash.Sum(pl.key[:0])
	pl.token = o.ic.keys.token(payloadRef{pl.key, pl.size}, o.scope)
	o.held = append(o.held, heldPiece{payload: pl})
	o.heldSize += len(pl.token)
	o.pending++
	switch {
	case o.streaming:
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
