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
// tokens that were made for the same scope open.
//
// Tokens of another namespace are left as they are, for another interceptor: see [Body.Reader].
//
// It fails with [ErrTooLarge], [ErrMissing], [ErrUnavailable], or an error of reading body.
func (ic *Interceptor) Rehydrate(
	ctx context.Context, store storage.Store, scope string, body io.ReaderAt, size int64,
) (*Body, Figures, error) {
	text := newTextWindow(body, size)
	var slots []slot
	total := size
	var end int64
	for span, ok := text.nextToken(0); ok; span, ok = text.nextToken(end) {
		s := slot{tokenSpan: span}
		s.ref, s.newHash, s.err = ic.keys.open(span.text, scope)
		end = span.textEnd
		switch {
		case span.alone() && s.err == nil:
			total += s.ref.length - (span.end - span.start)
		case !span.alone() && s.err == nil:
			// The app patched what it believes to be its data; what the token stands for is no longer that.
			s.err = errInvalid
			if s.end, ok = text.endOfValue(span.start); !ok {
				end = size // no JSON: the app will say so
				continue
			}
		case !span.alone():
			continue // somebody's own data
		}
		end = s.end
		slots = append(slots, s)
	}
	if text.err != nil {
		return nil, Figures{}, fmt.Errorf("reading the request: %w", text.err)
	}
	if len(slots) == 0 {
		return nil, Figures{}, nil
	}
	if total > ic.MaxRequest {
		return nil, Figures{}, ErrTooLarge
	}

	r := rehydration{ic: ic, ctx: ctx, store: store, readers: make(map[storage.Key]storage.Reader)}
	if err := r.build(slots, body, size); err != nil {
		_ = r.body.Close()
		return nil, r.figures, err
	}
	return &r.body, r.figures, nil
}

// A slot is a token in a request and what it stands for.
type slot struct {
	tokenSpan
	ref     payloadRef
	newHash newHash
	err     error // of opening the token
}

// A rehydration is one request on its way.
type rehydration struct {
	ic      *Interceptor
	ctx     context.Context
	store   storage.Store
	readers map[storage.Key]storage.Reader
	body    Body
	figures Figures
}

// build fills r.body.
func (r *rehydration) build(slots []slot, request io.ReaderAt, size int64) error {
	done := int64(0)
	for _, s := range slots {
		r.body.add(piece{source: request, offset: done, size: s.start - done})
		done = s.end
		if errors.Is(s.err, errForeign) {
			r.body.add(piece{source: request, offset: s.start, size: s.end - s.start, foreign: true})
			continue
		}
		err := s.err
		if err == nil {
			err = r.putBack(s)
		}
		switch {
		case err == nil:
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
func (r *rehydration) putBack(s slot) error {
	reader, ok := r.readers[s.ref.key]
	if !ok {
		var err error
		if reader, err = r.store.Open(r.ctx, s.ref.key); err != nil {
			return err
		}
		r.readers[s.ref.key] = reader
		r.body.closers = append(r.body.closers, reader)
	}
	if reader.Size() != s.ref.length {
		r.drop(s.ref.key)
		return storage.ErrNotFound
	}
	r.body.add(piece{source: reader, size: s.ref.length, check: &payloadCheck{
		key: s.ref.key, newHash: s.newHash, onDamaged: func() { r.drop(s.ref.key) },
	}})
	r.figures.Tokens++
	r.figures.TokenBytes += s.ref.length
	return nil
}

// drop removes a payload that is not what was stored.
func (r *rehydration) drop(key storage.Key) {
	r.ic.Logger.Warn("a stored payload is damaged and was dropped", "key", key.String()[:8])
	_ = r.store.Delete(context.WithoutCancel(r.ctx), key) // if it stays, the next reader finds it damaged again
}
