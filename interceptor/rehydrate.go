package interceptor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/spool"
)

// Rehydrate returns a callback request with the payloads put back in place of its tokens, or nil if it has no token. body is
// the request as the browser sent it, of the given size; it must stay readable until what is returned has been closed. Only
// tokens that were made for the session's app and scope open. Data that the app has patched comes with its Patches applied.
//
// A token whose payload is gone, or that does not open, is null in what is returned, and counts in Figures.Missed: the caller
// decides whether the app is to see that. Tokens of another namespace are left as they are, for another interceptor: see
// [Body.Reader].
//
// It fails with [ErrTooLarge], [ErrEncoding], [ErrUnavailable], or an error of reading body.
func (ic *Interceptor) Rehydrate(
	ctx context.Context, session Session, body io.ReaderAt, size int64,
) (*Body, Figures, error) {
	r := rehydration{ic: ic, ctx: ctx, session: session}
	rehydrated, err := r.run(body, size)
	if rehydrated != nil {
		ic.warnShown(session.App, body, size)
	}
	return rehydrated, r.figures, err
}

// Gone reports which of the data in a JSON list of a size in bytes, tokens and patched data that a browser keeps, is surely gone: it
// does not open, or what it stands for is not in the storage. It fails as Rehydrate does, or because the list is none.
func (ic *Interceptor) Gone(ctx context.Context, session Session, list io.ReaderAt, size int64) (gone []bool, err error) {
	kept, err := newTextWindow(list, size).elements(maxTokens)
	if err != nil {
		return nil, err
	}
	gone = make([]bool, len(kept))
	r := rehydration{ic: ic, ctx: ctx, session: session, onlyLooks: true}
	for i, span := range kept {
		one := r
		body, err := one.run(io.NewSectionReader(list, span[0], span[1]-span[0]), span[1]-span[0])
		if body != nil {
			err = errors.Join(err, body.Close())
		}
		if err != nil {
			return nil, err
		}
		gone[i] = one.figures.Missed > 0
		r.tokens, r.records = one.tokens, one.records
	}
	return gone, nil
}

// A slot is a token in a request, or patched data, and what it stands for.
type slot struct {
	start, end int64
	ref        payloadRef
	newHash    newHash
	patched    bool     // it is no token
	storeID    string   // see objectSpan
	elements   [][]byte // its records as the browser has them, if they may be folded
	chain      chain
	err        error // of opening its tokens
}

// A rehydration is one request on its way, or the base of patched data in it.
type rehydration struct {
	ic      *Interceptor
	ctx     context.Context
	session Session
	nested  int // inside so many patched values: nothing may be missing then
	// onlyLooks: whether payloads are there is all that matters, not the values that Patches make of them.
	onlyLooks bool
	// tokens and records are how many have been found, patched data being one token.
	tokens, records int
	foldable        int64 // bytes of records in the slots' elements
	readers         map[storage.Key]storage.Reader
	body            Body
	made            spool.Spool // values of patched data in it that are not in the storage
	figures         Figures
}

// run is Rehydrate.
func (r *rehydration) run(request io.ReaderAt, size int64) (*Body, error) {
	slots, err := r.slots(newTextWindow(request, size))
	if err != nil {
		return nil, err
	}
	if len(slots) == 0 {
		return nil, nil
	}
	if r.tokens += len(slots); r.tokens > maxTokens {
		return nil, errManyTokens
	}
	if r.records > maxRecords {
		return nil, errManyRecords
	}
	total := size
	for _, s := range slots {
		if s.ref.length > r.ic.MaxRequest {
			return nil, ErrTooLarge
		}
		if s.err == nil {
			total += s.ref.length - (s.end - s.start) // of patched data, nothing is known yet
		}
	}
	if total > r.ic.MaxRequest {
		return nil, ErrTooLarge
	}
	r.made.Holder = r.session.Client
	r.body.closers = append(r.body.closers, &r.made)
	r.readers = make(map[storage.Key]storage.Reader)
	if err := r.build(slots, request, size, total); err != nil {
		_ = r.body.Close()
		return nil, err
	}
	return &r.body, nil
}

// slots finds what is to be replaced in a request.
func (r *rehydration) slots(text *textWindow) (slots []slot, err error) {
	switch {
	case text.isWide():
		err = ErrEncoding
	case text.plain():
		slots, err = r.plainSlots(text)
	default:
		slots, err = r.allSlots(text)
	}
	if text.err != nil {
		err = fmt.Errorf("reading the request: %w", text.err)
	}
	return slots, err
}

// allSlots finds what is to be replaced, however it is spelled. A text that is no JSON, which the app will refuse, counts as plain.
func (r *rehydration) allSlots(text *textWindow) (slots []slot, err error) {
	objects, isJSON, err := text.objects(r.opens)
	if err != nil {
		return nil, err
	}
	if !isJSON {
		return r.plainSlots(text)
	}
	for _, object := range objects {
		if object.patched {
			slots = append(slots, r.patchedSlot(text, object))
		} else {
			slots = append(slots, r.tokenSlot(object))
		}
		r.records += object.records.count
	}
	return slots, nil
}

// plainSlots finds what is to be replaced in a plain text: tokens.
func (r *rehydration) plainSlots(text *textWindow) (slots []slot, err error) {
	for span, found := text.nextToken(0); found; {
		end := span.end
		if !span.alone() && r.opens(span.text) {
			var isJSON bool
			if end, isJSON = text.endOfValue(span.start); !isJSON {
				return slots, nil // the app will say so
			}
		}
		if end > 0 {
			slots = append(slots, r.tokenSlot(objectSpan{
				start: span.start, end: end, text: span.text, alone: span.alone(), storeID: text.storeBefore(span.start),
			}))
		}
		if len(slots) > maxTokens {
			return nil, errManyTokens
		}
		span, found = text.nextToken(max(end, span.textEnd))
	}
	return slots, nil
}

// opens reports whether a token's text opens.
func (r *rehydration) opens(text []byte) bool {
	_, _, err := r.ic.keys.open(payloadToken, text, r.session.audience())
	return err == nil
}

// tokenSlot opens a token. In an object that holds more, which opens, something has changed what it believes to be data: what
// the token stands for is no longer that.
func (r *rehydration) tokenSlot(object objectSpan) slot {
	s := slot{start: object.start, end: object.end, storeID: object.storeID, err: errInvalid}
	if object.alone {
		s.ref, s.newHash, s.err = r.ic.keys.open(payloadToken, object.text, r.session.audience())
	}
	return s
}

// patchedSlot opens the tokens of patched data.
func (r *rehydration) patchedSlot(text *textWindow, object objectSpan) slot {
	s := slot{start: object.start, end: object.end, patched: true, storeID: object.storeID}
	if s.chain, s.err = r.openChain(text, object); s.err != nil {
		return s
	}
	size := object.records.end - object.records.start
	if s.storeID != "" && r.session.Shown.isLong(object.records.count) && r.foldable+size <= maxFolded {
		r.foldable += size
		text.eachRecord(object.records, func(rec recordSpan) bool {
			s.elements = append(s.elements, text.read([2]int64{rec.start, rec.end}))
			return true
		})
	}
	return s
}

// build fills r.body. total is its size but for patched data.
func (r *rehydration) build(slots []slot, request io.ReaderAt, size, total int64) error {
	done := int64(0)
	for _, s := range slots {
		r.body.add(piece{source: request, offset: done, size: s.start - done})
		done = s.end
		if errors.Is(s.err, errForeign) {
			r.body.add(piece{source: request, offset: s.start, size: s.end - s.start, foreign: true})
			continue
		}
		err, before := s.err, r.body.size
		if r.session.App.outlived(s.storeID, r.ic.TTL) {
			err = errInvalid
		}
		switch {
		case err != nil:
		case s.patched:
			err = r.materialise(s)
			total += r.body.size - before
		default:
			err = r.putBack(s.ref, s.newHash)
		}
		switch {
		case err == nil && total > r.ic.MaxRequest:
			return ErrTooLarge
		case err == nil:
			size := r.body.size - before
			r.figures.Note(Event{Store: s.storeID, Restored: true, Bytes: size, Saved: size - (s.end - s.start)})
		case errors.Is(err, ErrTooLarge):
			return err
		case r.nested > 0:
			return err
		case errors.Is(err, errInvalid), errors.Is(err, storage.ErrNotFound):
			r.figures.Note(Event{Store: s.storeID, Missed: causeOf(err)})
			r.body.addBytes([]byte("null"))
		default:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	r.body.add(piece{source: request, offset: done, size: size - done})
	return nil
}

// causeOf says why data is missing.
func causeOf(err error) Cause {
	switch {
	case errors.Is(err, ErrDamaged):
		return Damaged
	case errors.Is(err, storage.ErrNotFound):
		return Gone
	}
	return Unreadable
}

// putBack adds the payload that a token stands for.
func (r *rehydration) putBack(ref payloadRef, newHash newHash) error {
	reader, ok := r.readers[ref.key]
	if !ok {
		var err error
		if reader, err = r.session.Store.Open(r.ctx, ref.key); err != nil {
			return err
		}
		if r.readers != nil {
			r.readers[ref.key] = reader
		}
		r.body.closers = append(r.body.closers, reader)
	}
	if reader.Size() != ref.length {
		r.drop(ref.key)
		return fmt.Errorf("%w: %w", storage.ErrNotFound, ErrDamaged)
	}
	r.body.add(piece{source: reader, size: ref.length, check: &payloadCheck{
		key: ref.key, newHash: newHash, onDamaged: func() { r.drop(ref.key) },
	}})
	return nil
}

// drop removes a payload that is not what was stored.
func (r *rehydration) drop(key storage.Key) {
	r.ic.Logger.Warn("a stored payload is damaged and was dropped", "key", key.String()[:8])
	_ = r.session.Store.Delete(context.WithoutCancel(r.ctx), key) // if it stays, the next reader finds it damaged again
}
