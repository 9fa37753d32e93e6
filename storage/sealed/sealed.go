// Package sealed encrypts what another store keeps: below it, in memory, in files, on servers and on the way to them, there is
// nothing but sealed bytes. It also notices whatever somebody without the secret does to them.
//
// What is sealed is a function of the secret, the storage key and the payload. So what package storage says of payloads is true
// of sealed ones: two under one key are equal, whoever stored them. A nonce that is drawn anew each time, as is the custom, would
// break that: two machines that store one payload on a server at the same time would leave there a mixture of their parts. See the
// type key for how payloads are sealed, and for what this costs.
package sealed

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// Store is a [storage.Store] that seals what it is given to keep, and keeps that in another store. Stats, and the limits of that
// store, count sealed bytes: 48 more for each 64 KiB of a payload, or part of that.
//
// What the other store had from before, unsealed, can be opened and deleted, too.
type Store struct {
	inner storage.Store
	keys  *Keys
}

// New returns the store that keeps in inner, which it will close, what it seals. It holds nothing itself: several may share inner
// and keys.
func New(inner storage.Store, keys *Keys) *Store { return &Store{inner, keys} }

// Create starts a payload. Its writer holds up to 64 KiB of it in memory: that much later than the store below it would, it may
// tell that there is no room.
func (s *Store) Create(ctx context.Context) (storage.Writer, error) {
	w, err := s.inner.Create(ctx)
	if err != nil {
		return nil, err
	}
	return newWriter(w, s.keys.list[0]), nil
}

// Open returns the payload under key. Where that was sealed with a secret that is not among the keys, it is not found. What is not
// as it was sealed is deleted; if that is noticed now, as with payloads of up to 64 KiB, it is not found; if later, ReadAt fails with
// [io.ErrUnexpectedEOF], like that of any store that loses a payload while it is read. That another payload was put in the place of
// a larger one is noticed where its last chunk is read.
func (s *Store) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	for _, k := range s.keys.list {
		place := k.placeOf(key)
		r, err := s.inner.Open(ctx, place)
		switch {
		case err == nil:
			return newReader(r, k, key, func() { _ = s.inner.Delete(context.WithoutCancel(ctx), place) })
		case !errors.Is(err, storage.ErrNotFound):
			return nil, err
		}
	}
	return s.inner.Open(ctx, key)
}

// Delete removes the payload under key, with whichever of the secrets it was sealed, and unsealed.
func (s *Store) Delete(ctx context.Context, key storage.Key) error {
	for _, k := range s.keys.list {
		if err := s.inner.Delete(ctx, k.placeOf(key)); err != nil {
			return err
		}
	}
	return s.inner.Delete(ctx, key)
}

// Purge deletes the payloads of which match says so in the store below: match gets the keys there, whose first [storage.OwnerSize]
// bytes are those of the storage keys. What is returned counts sealed bytes.
func (s *Store) Purge(ctx context.Context, match func(key storage.Key, lastUse time.Time) bool) (storage.Stats, error) {
	return storage.Purge(ctx, s.inner, match)
}

// Stats returns what the store below holds.
func (s *Store) Stats() storage.Stats { return s.inner.Stats() }

// Close closes the store below.
func (s *Store) Close() error { return s.inner.Close() }

// reader implements [storage.Reader].
type reader struct {
	chunks
	inner storage.Reader
}

// newReader returns the reader of a payload that was sealed for a storage key. damaged is called when it turns out to be damaged.
func newReader(inner storage.Reader, k *key, end storage.Key, damaged func()) (storage.Reader, error) {
	r := &reader{chunks{key: k, sealed: inner, size: payloadSize(inner.Size()), end: &end, damaged: damaged}, inner}
	if r.size > chunkSize {
		return r, nil
	}
	_, err := r.open(0) // which it is opened for
	if err == io.ErrUnexpectedEOF {
		err = storage.ErrNotFound
	}
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

func (r *reader) Size() int64 { return r.size }

func (r *reader) Close() error {
	r.close()
	return r.inner.Close()
}

// Interface guards
var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Purger = (*Store)(nil)
)
