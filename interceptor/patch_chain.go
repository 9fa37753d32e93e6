package interceptor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/zeebo/blake3"

	"github.com/dashstash/dashstash/storage"
)

// maxOverhead is how many bytes of records may be no data, in a value that is as large as a request may be.
const maxOverhead = 64 << 10

// maxPatchWork is how many bytes of a value Patches may have to go through: each of them all. That takes some ten seconds. A chain
// of more is of a browser that has not sent the value for very long, or of somebody who has put it together.
const maxPatchWork = 1 << 30

// maxNested is how many patched values may stand within one another's base.
const maxNested = 4

// A chain is data and the Patches of it.
type chain struct {
	base    []byte   // the data, as JSON, or an object that holds tokens; without records
	records []record // in order
	fold    *record  // what base and the records before these are in, unless it is nil
}

// A record is a Patch that was recorded, or a fold.
type record struct {
	ref     payloadRef
	newHash newHash
	bytes   []byte // nil: they are in the storage
}

// openChain opens the tokens of a patched object. It fails with errForeign or errInvalid.
//
// No browser has a record twice: that would be a way to make much data out of a short request.
func (r *rehydration) openChain(p patched) (c chain, err error) {
	c.base = p.base
	seen := make(map[storage.Key]bool)
	for i, element := range p.records {
		text, inline := recordText(element)
		if i == 0 && inline == nil {
			if ref, newHash, err := r.ic.keys.open(foldToken, text, r.session.audience()); err == nil {
				c.fold = &record{ref: ref, newHash: newHash}
				continue
			}
		}
		var rec record
		if rec.ref, rec.newHash, err = r.ic.keys.open(recordToken, text, r.session.audience()); err != nil {
			if i > 0 { // one foreign record among ours
				err = errInvalid
			}
			return c, err
		}
		if inline != nil {
			rec.bytes = []byte(unquoteJS(inline[1 : len(inline)-1]))
			h := rec.newHash()
			h.Write(rec.bytes)
			if int64(len(rec.bytes)) != rec.ref.length || !isOf(h, rec.ref.key) {
				return c, errInvalid
			}
		}
		if seen[rec.ref.key] {
			return c, errInvalid
		}
		seen[rec.ref.key] = true
		c.records = append(c.records, rec)
	}
	return c, nil
}

// materialise adds the value of a patched object: its base with the Patches applied. It fails with errInvalid,
// storage.ErrNotFound, ErrTooLarge, or an error of the storage.
func (r *rehydration) materialise(s slot) error {
	c := s.chain
	if c.fold != nil {
		if err := r.unfold(&c); err != nil {
			return err
		}
	}
	if r.nested >= maxNested {
		return errInvalid
	}
	inside := rehydration{ic: r.ic, ctx: r.ctx, session: r.session, nested: r.nested + 1, onlyLooks: r.onlyLooks}
	base, err := inside.run(readerOf(c.base))
	if err != nil {
		return err
	}
	if base == nil {
		base = new(Body)
		base.addBytes(c.base)
	}
	defer base.Close()
	if base.HasForeign() {
		return errInvalid
	}
	for i := range c.records {
		if err := r.use(&c.records[i]); err != nil {
			return err
		}
	}
	if r.onlyLooks {
		return nil
	}
	keys := c.keys()
	if ref, ok := r.ic.folds.find(keys[len(keys)-1]); ok {
		if err := r.putBack(ref, r.ic.keys.newDigest); err == nil {
			r.session.Shown.learn(s.storeID, s.elements, ref)
			return nil
		}
	}
	return r.makeValue(s, c, base, keys)
}

// makeValue computes the value of a chain, from the longest part of it whose value is known, and stores it.
func (r *rehydration) makeValue(s slot, c chain, base *Body, keys []string) error {
	done, err := r.ic.folds.begin(r.ctx)
	if err != nil {
		return err
	}
	defer done()
	value, from, err := r.start(s.storeID, c, base, keys)
	if err != nil {
		return err
	}
	d, size := jsDocument{root: value}, int64(len(value.raw))
	if size*int64(len(c.records)-from) > maxPatchWork {
		r.warn(s.storeID, "a Store has had too many Patches, since its data was last sent, for its size: it is missing now")
		return errInvalid
	}
	for _, rec := range c.records[from:] {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if size += rec.ref.length; size > r.ic.MaxRequest+maxOverhead {
			return ErrTooLarge
		}
		p, err := r.patchIn(rec, s.storeID)
		if err != nil {
			return err
		}
		if d.apply(p) != nil {
			r.warn(s.storeID, "a Patch does not fit the data of its Store and was left out, as in a browser, where it is an error")
		}
	}
	made, faithful := d.root.appendJSON(make([]byte, 0, size))
	if ref := r.ic.keys.refOf(made, r.ic.keys.ownerOf(r.session.App, s.storeID)); faithful && ref.length <= r.ic.MaxPayload {
		if storePayload(r.ctx, r.session.Store, ref, made) == nil {
			r.ic.folds.keep(keys[len(keys)-1], ref)
			if r.putBack(ref, r.ic.keys.newDigest) == nil {
				r.session.Shown.learn(s.storeID, s.elements, ref)
				return nil
			}
		}
	}
	r.body.addBytes(made)
	return nil
}

// start returns the value to begin with, and how many records it has in it.
func (r *rehydration) start(storeID string, c chain, base *Body, keys []string) (value jsValue, from int, err error) {
	for from = len(c.records); from > 0; from-- {
		ref, ok := r.ic.folds.find(keys[from])
		if !ok {
			continue
		}
		if made, err := r.read(record{ref: ref, newHash: r.ic.keys.newDigest}); err == nil {
			return jsonValue(made), from, nil
		}
	}
	raw := make([]byte, base.Size())
	if _, err := io.ReadFull(base.Reader(false), raw); err != nil {
		return jsValue{}, 0, missing(err)
	}
	value = jsonValue(raw)
	if len(base.pieces) == 1 && base.pieces[0].check != nil { // a token's payload
		return value, 0, nil
	}
	var patches []patch
	for _, rec := range c.records {
		p, err := r.patchIn(rec, storeID)
		if err != nil {
			return jsValue{}, 0, err
		}
		patches = append(patches, p)
	}
	return inlineBase(value, patches), 0, nil
}

// use counts as a use of a record, so that it is kept, and looks whether it is there.
func (r *rehydration) use(rec *record) error {
	if rec.bytes != nil {
		return nil
	}
	reader, err := r.session.Store.Open(r.ctx, rec.ref.key)
	if err != nil {
		return err
	}
	return reader.Close()
}

// read returns a record's bytes.
func (r *rehydration) read(rec record) ([]byte, error) {
	if rec.bytes != nil {
		return rec.bytes, nil
	}
	one := rehydration{ic: r.ic, ctx: r.ctx, session: r.session}
	err := one.putBack(rec.ref, rec.newHash)
	defer one.body.Close()
	if err != nil {
		return nil, err
	}
	text := make([]byte, rec.ref.length)
	_, err = io.ReadFull(one.body.Reader(false), text)
	return text, missing(err)
}

// missing makes of damaged data, which has been dropped, data that is missing.
func missing(err error) error {
	if errors.Is(err, ErrDamaged) {
		return storage.ErrNotFound
	}
	return err
}

// patchIn returns the Patch that was recorded for the Store with a canonical id, which is empty where it cannot be told. One for
// another Store is errInvalid.
func (r *rehydration) patchIn(rec record, storeID string) (patch, error) {
	text, err := r.read(rec)
	if err != nil {
		return nil, err
	}
	recordedFor, raw, ok := splitRecord(text)
	if !ok || storeID != "" && recordedFor != storeID {
		return nil, errInvalid
	}
	p, err := parsePatch(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInvalid, err)
	}
	return p, nil
}

// unfold puts what a fold stands for in front of a chain.
func (r *rehydration) unfold(c *chain) error {
	text, err := r.read(*c.fold)
	if err != nil {
		return err
	}
	p, ok := parsePatched(text)
	if !ok {
		return errInvalid
	}
	before, err := r.openChain(p)
	if err != nil || before.fold != nil {
		return errInvalid
	}
	before.records = append(before.records, c.records...)
	*c = before
	return nil
}

// keys returns the names under which the values of a chain are kept: of the base, of the base with the first Patch, and so on.
func (c *chain) keys() []string {
	sum := blake3.Sum256(c.base)
	keys := make([]string, 1, 1+len(c.records))
	keys[0] = string(sum[:])
	for _, rec := range c.records {
		sum = blake3.Sum256(append(sum[:], rec.ref.key[:]...))
		keys = append(keys, string(sum[:]))
	}
	return keys
}

func (r *rehydration) warn(storeID, message string) {
	r.ic.once(r.session.App, storeID, slog.LevelWarn, message)
}

// storePayload stores a payload.
func storePayload(ctx context.Context, store storage.Store, ref payloadRef, payload []byte) error {
	w, err := store.Create(ctx)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(payload); err != nil {
		return err
	}
	return w.Commit(ref.key)
}
