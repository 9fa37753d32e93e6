package interceptor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/zeebo/blake3"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/spool"
)

// maxOverhead is how many bytes of records may be no data, in a value that is as large as a request may be.
const maxOverhead = 64 << 10

// maxPatchWork is how many bytes of a value Patches may have to go through: each of them all. That takes some ten seconds. A chain
// of more is of a browser that has not sent the value for very long, or of somebody who has put it together. What they really go
// through is counted too: see maxPassed.
const maxPatchWork = 1 << 30

// maxNested is how many patched values may stand within one another's base.
const maxNested = 4

// maxFold is the size in bytes that no fold comes near to.
const maxFold = 4 << 10

// A chain is data and the Patches of it.
type chain struct {
	base    *cutText // the data, as JSON, or an object that holds tokens; without records
	records []record // in order
	fold    *record  // what base and the records before these are in, unless it is nil
}

// A record is a Patch that was recorded, or a fold.
type record struct {
	ref     payloadRef
	newHash newHash
	quoted  *io.SectionReader // what stands between the quotes of its bytes, in the request; nil: they are in the storage
}

// openChain opens the tokens of a patched object. It fails with errForeign or errInvalid, at the first that does not open.
//
// No browser has a record twice: that would be a way to make much data out of a short request.
func (r *rehydration) openChain(text *textWindow, object objectSpan) (c chain, err error) {
	c.base = &cutText{text.source, object.start, object.end, object.records.cutFrom, object.records.cutBack}
	seen := make(map[storage.Key]bool)
	isFirst := true
	text.eachRecord(object.records, func(span recordSpan) bool {
		var rec record
		carried := span.bytes != [2]int64{}
		if isFirst && !carried {
			if rec.ref, rec.newHash, err = r.ic.keys.open(foldToken, span.text[:], r.session.audience()); err == nil {
				c.fold, isFirst = &rec, false
				return true
			}
		}
		if rec.ref, rec.newHash, err = r.ic.keys.open(recordToken, span.text[:], r.session.audience()); err != nil {
			if !isFirst { // one foreign record among ours
				err = errInvalid
			}
			return false
		}
		if carried {
			rec.quoted = io.NewSectionReader(text.source, span.bytes[0], span.bytes[1]-span.bytes[0])
		}
		if seen[rec.ref.key] || carried && !rec.isWhole() {
			err = errInvalid
			return false
		}
		seen[rec.ref.key], isFirst = true, false
		c.records = append(c.records, rec)
		return true
	})
	return c, err
}

// isWhole reports whether the bytes that a record carries are what its token says.
func (rec *record) isWhole() bool {
	h := rec.newHash()
	checked := &boundedWriter{h, rec.ref.length}
	return rec.writeCarried(checked) == nil && checked.left == 0 && isOf(h, rec.ref.key)
}

func (rec *record) writeCarried(w io.Writer) error {
	return writeUnquoted(w, io.NewSectionReader(rec.quoted, 0, rec.quoted.Size()))
}

// A boundedWriter fails with ErrTooLarge where more than it has left is written.
type boundedWriter struct {
	io.Writer
	left int64
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		return 0, ErrTooLarge
	}
	n, err := b.Writer.Write(p)
	b.left -= int64(n)
	return n, err
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
	base, err := inside.run(c.base, c.base.size())
	if err != nil {
		return err
	}
	if base == nil {
		base = new(Body)
		base.add(piece{source: c.base, size: c.base.size()})
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
	keys, err := c.keys(s.storeID)
	if err != nil {
		return err
	}
	if ref, ok := r.ic.folds.find(keys[len(keys)-1]); ok {
		if err := r.putBack(ref, r.ic.keys.digest(r.session.audience())); err == nil {
			r.session.Shown.learn(s.storeID, s.elements, ref)
			return nil
		}
	}
	return r.makeValue(s, c, base, keys)
}

// makeValue computes the value of a chain, from the longest part of it whose value is known, and stores it.
func (r *rehydration) makeValue(s slot, c chain, base *Body, keys []string) error {
	turn, err := r.ic.folds.turns.begin(r.ctx, appKey(r.session.App.Site, r.session.App.Name)+"\x00"+r.session.Client)
	if err != nil {
		return err
	}
	defer turn.end()
	texts, from, err := r.hold(c, base, keys)
	switch {
	case errors.Is(err, errCostly):
		return r.costly(s)
	case err != nil:
		return err
	}
	defer texts.Close()
	value, patches, err := texts.patches(s.storeID)
	if err != nil {
		return err
	}
	d := jsDocument{root: jsonValue(value), pause: func() error { return turn.yield(r.ctx) }}
	if from == 0 && !base.isPayload() {
		if d.root, err = d.inlineBase(d.root, patches); err != nil {
			return errInvalid
		}
	}
	for _, p := range patches {
		switch err := d.apply(p); {
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case errors.Is(err, errCostly):
			return r.costly(s)
		case errors.Is(err, errThrown):
			r.warn(s.storeID, "a Patch does not fit the data of its Store and was left out, as in a browser, where it is an error")
		case err != nil:
			return fmt.Errorf("%w: %w", errInvalid, err)
		}
	}
	return r.putValue(s, &d, keys[len(keys)-1])
}

func (r *rehydration) costly(s slot) error {
	r.warn(s.storeID, "a Store has had too many Patches, since its data was last sent, for its size: it is missing now")
	return errInvalid
}

// putValue adds a value, by way of the storage if it can be stored. The key is that of its chain.
func (r *rehydration) putValue(s slot, d *jsDocument, key string) error {
	if ref, ok := r.storeValue(d, r.ic.keys.ownerOf(r.session.App, s.storeID)); ok {
		r.ic.folds.keep(key, ref)
		if r.putBack(ref, r.ic.keys.digest(r.session.audience())) == nil {
			r.session.Shown.learn(s.storeID, s.elements, ref)
			return nil
		}
	}
	start := r.made.Size()
	if _, err := d.writeTo(&boundedWriter{&r.made, r.ic.MaxRequest}); err != nil {
		return err
	}
	r.body.add(piece{source: &r.made, offset: start, size: r.made.Size() - start})
	return nil
}

// storeValue stores a value. It is not ok if the browser would not get it back as it is, or if the storage does not take it.
func (r *rehydration) storeValue(d *jsDocument, of owner) (ref payloadRef, ok bool) {
	w, err := r.session.Store.Create(r.ctx)
	if err != nil {
		return ref, false
	}
	defer w.Abort()
	h := r.ic.keys.digest(r.session.audience())()
	bounded := &boundedWriter{io.MultiWriter(w, h), r.ic.MaxPayload}
	if faithful, err := d.writeTo(bounded); err != nil || !faithful {
		return ref, false
	}
	ref = payloadRef{of.key(h), r.ic.MaxPayload - bounded.left}
	return ref, w.Commit(ref.key) == nil
}

// heldTexts are the texts that a value is made from, one behind the other: what it begins as, and records. They are in no heap if
// they are long.
type heldTexts struct {
	spool.Spool
	ends []int64
}

// hold returns what a value is to be made from, and how many records its beginning has in it. It fails with errCostly if
// that would be too much work.
func (r *rehydration) hold(c chain, base *Body, keys []string) (texts *heldTexts, from int, err error) {
	for from = len(c.records); from > 0; from-- {
		ref, ok := r.ic.folds.find(keys[from])
		if !ok {
			continue
		}
		begins := rehydration{ic: r.ic, ctx: r.ctx, session: r.session}
		if begins.putBack(ref, r.ic.keys.digest(r.session.audience())) == nil {
			texts, err = r.holdFrom(&begins.body, c.records[from:])
			_ = begins.body.Close()
			if !errors.Is(err, errBeginning) {
				return texts, from, err
			}
		}
	}
	texts, err = r.holdFrom(base, c.records)
	return texts, 0, missing(err)
}

var errBeginning = errors.New("reading what a value begins as")

// holdFrom returns the text of a value and of records. It fails with errBeginning if that of the value cannot be read.
func (r *rehydration) holdFrom(value *Body, records []record) (_ *heldTexts, err error) {
	size := value.Size()
	if size*int64(len(records)) > maxPatchWork {
		return nil, errCostly
	}
	for _, rec := range records {
		if size += rec.ref.length; size > r.ic.MaxRequest+maxOverhead {
			return nil, ErrTooLarge
		}
	}
	if size > spool.MaxText {
		return nil, errCostly
	}
	texts := &heldTexts{Spool: spool.Spool{Holder: r.session.Client}, ends: make([]int64, 0, 1+len(records))}
	texts.Grow(size)
	defer func() {
		if err != nil {
			_ = texts.Close()
		}
	}()
	if _, err := value.WriteTo(&texts.Spool); err != nil {
		return nil, fmt.Errorf("%w: %w", errBeginning, err)
	}
	texts.ends = append(texts.ends, texts.Size())
	for _, rec := range records {
		if err := r.copyRecord(rec, &texts.Spool); err != nil {
			return nil, err
		}
		texts.ends = append(texts.ends, texts.Size())
	}
	return texts, nil
}

// patches returns the value to begin with, and the Patches that were recorded for the Store with a canonical id, which is empty where
// it cannot be told. One for another Store is errInvalid.
func (t *heldTexts) patches(storeID string) (value []byte, patches []patch, err error) {
	text, err := t.Text()
	if err != nil {
		return nil, nil, err
	}
	patches = make([]patch, 0, len(t.ends)-1)
	for i, end := range t.ends[1:] {
		recordedFor, raw, ok := splitRecord(text[t.ends[i]:end])
		if !ok || storeID != "" && recordedFor != storeID {
			return nil, nil, errInvalid
		}
		patches = append(patches, patch(raw))
	}
	return text[:t.ends[0]], patches, nil
}

// use counts as a use of a record, so that it is kept, and looks whether it is there.
func (r *rehydration) use(rec *record) error {
	if rec.quoted != nil {
		return nil
	}
	reader, err := r.session.Store.Open(r.ctx, rec.ref.key)
	if err != nil {
		return err
	}
	return reader.Close()
}

// copyRecord writes a record's bytes to w.
func (r *rehydration) copyRecord(rec record, w io.Writer) error {
	if rec.quoted != nil {
		return rec.writeCarried(w)
	}
	one := rehydration{ic: r.ic, ctx: r.ctx, session: r.session}
	err := one.putBack(rec.ref, rec.newHash)
	defer one.body.Close()
	if err == nil {
		_, err = one.body.WriteTo(w)
	}
	return missing(err)
}

// missing makes of damaged data, which has been dropped, data that is missing.
func missing(err error) error {
	if errors.Is(err, ErrDamaged) {
		return storage.ErrNotFound
	}
	return err
}

// unfold puts what a fold stands for in front of a chain.
func (r *rehydration) unfold(c *chain) error {
	if c.fold.ref.length > maxFold {
		return errInvalid
	}
	var fold bytes.Buffer
	if err := r.copyRecord(*c.fold, &fold); err != nil {
		return err
	}
	text := newTextWindow(bytes.NewReader(fold.Bytes()), int64(fold.Len()))
	objects, ok, err := text.objects(r.opens)
	if err != nil || !ok || len(objects) != 1 || !objects[0].patched {
		return errInvalid
	}
	before, err := r.openChain(text, objects[0])
	if err != nil || before.fold != nil {
		return errInvalid
	}
	before.records = append(before.records, c.records...)
	*c = before
	return nil
}

// keys returns the names under which the values of a chain, as the data of a Store, are kept: of the base, of the base with the first
// Patch, and so on. The Store is in them since a record of another is found only where a value is made.
func (c *chain) keys(storeID string) ([]string, error) {
	h := blake3.New()
	writeFields(h, storeID)
	if _, err := io.Copy(h, io.NewSectionReader(c.base, 0, c.base.size())); err != nil {
		return nil, err
	}
	sum := [32]byte(h.Sum(nil))
	keys := make([]string, 1, 1+len(c.records))
	keys[0] = string(sum[:])
	for _, rec := range c.records {
		sum = blake3.Sum256(append(sum[:], rec.ref.key[:]...))
		keys = append(keys, string(sum[:]))
	}
	return keys, nil
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
