package interceptor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dashstash/dashstash/storage"
)

// Rehydrate returns a callback request with the payloads put back in place of its tokens, or nil if it has no token. body is
// the request as the browser sent it, of the given size; it must stay readable until what is returned has been closed. Only
// tokens that were made for the session's scope open. Data that the app has patched comes with its Patches applied.
//
// Tokens of another namespace are left as they are, for another interceptor: see [Body.Reader].
//
// It fails with [ErrTooLarge], [ErrMissing], [ErrUnavailable], or an error of reading body.
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

// A slot is a token in a request, or patched data, and what it stands for.
type slot struct {
	start, end int64
	ref        payloadRef
	newHash    newHash
	patched    *patchedSpan // nil: it is a token
	elements   [][]byte     // of patched data: its records as the browser has them
	chain      chain
	err        error // of opening its tokens
}

// A rehydration is one request on its way, or the base of patched data in it.
type rehydration struct {
	ic      *Interceptor
	ctx     context.Context
	session Session
	nested  int // inside so many patched values: nothing may be missing then
	readers map[storage.Key]storage.Reader
	body    Body
	figures Figures
}

// run is Rehydrate.
func (r *rehydration) run(request io.ReaderAt, size int64) (*Body, error) {
	slots, err := r.slots(request, size)
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if len(slots) == 0 {
		return nil, nil
	}
	total := size
	for _, s := range slots {
		if s.err == nil {
			total += s.ref.length - (s.end - s.start) // of patched data, nothing is known yet
		}
	}
	if total > r.ic.MaxRequest {
		return nil, ErrTooLarge
	}
	r.readers = make(map[storage.Key]storage.Reader)
	if err := r.build(slots, request, size, total); err != nil {
		_ = r.body.Close()
		return nil, err
	}
	return &r.body, nil
}

// slots finds what is to be replaced in a request.
func (r *rehydration) slots(request io.ReaderAt, size int64) (slots []slot, err error) {
	text := newTextWindow(request, size)
	patches := text.patchedObjects()
	var end int64
	span, found := text.nextToken(0)
	for found || len(patches) > 0 {
		if len(patches) > 0 && (!found || patches[0].start <= span.start) {
			if p := patches[0]; p.start >= end {
				slots = append(slots, r.patchedSlot(text, p))
				end = p.end
			}
			patches = patches[1:]
		} else {
			var s slot
			if s, end = r.tokenSlot(text, span); s.end > 0 {
				slots = append(slots, s)
			}
		}
		if found && span.start < end {
			span, found = text.nextToken(end)
		}
	}
	return slots, text.err
}

// tokenSlot opens a token, and says where to look on. The slot has no end if the token is to stay.
func (r *rehydration) tokenSlot(text *textWindow, span tokenSpan) (s slot, end int64) {
	s = slot{start: span.start, end: span.end}
	s.ref, s.newHash, s.err = r.ic.keys.open(payloadToken, span.text, r.session.Scope)
	switch {
	case span.alone():
		return s, s.end
	case s.err != nil:
		return slot{}, span.textEnd // somebody's own data
	}
	// Something has changed what it believes to be data; what the token stands for is no longer that.
	s.err = errInvalid
	var ok bool
	if s.end, ok = text.endOfValue(span.start); !ok {
		return slot{}, text.size // no JSON: the app will say so
	}
	return s, s.end
}

// patchedSlot opens the tokens of patched data.
func (r *rehydration) patchedSlot(text *textWindow, span patchedSpan) slot {
	s := slot{start: span.start, end: span.end, patched: &span, err: errInvalid}
	if p, ok := parsePatched(text.read([2]int64{span.start, span.end})); ok {
		s.elements = p.records
		s.chain, s.err = r.openChain(p)
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
		switch {
		case err != nil:
		case s.patched != nil:
			err = r.materialise(s)
			total += r.body.size - before
		default:
			err = r.putBack(s.ref, s.newHash)
		}
		switch {
		case err == nil && total > r.ic.MaxRequest:
			return ErrTooLarge
		case err == nil:
		case errors.Is(err, ErrTooLarge):
			return err
		case r.nested > 0:
			return err
		case errors.Is(err, errInvalid), errors.Is(err, storage.ErrNotFound):
			r.figures.Missed++
			if r.ic.OnMissing == MissingError {
				return ErrMissing
			}
			r.body.addBytes([]byte("null"))
		default:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	r.body.add(piece{source: request, offset: done, size: size - done})
	return nil
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
		return storage.ErrNotFound
	}
	r.body.add(piece{source: reader, size: ref.length, check: &payloadCheck{
		key: ref.key, newHash: newHash, onDamaged: func() { r.drop(ref.key) },
	}})
	r.figures.Tokens++
	r.figures.TokenBytes += ref.length
	return nil
}

// drop removes a payload that is not what was stored.
func (r *rehydration) drop(key storage.Key) {
	r.ic.Logger.Warn("a stored payload is damaged and was dropped", "key", key.String()[:8])
	_ = r.session.Store.Delete(context.WithoutCancel(r.ctx), key) // if it stays, the next reader finds it damaged again
}
