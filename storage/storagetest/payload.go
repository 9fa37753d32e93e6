package storagetest

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// Payload is a payload for the tests of a backend that the suite does not have.
type Payload struct {
	Key   storage.Key
	Bytes []byte
}

// NewPayload returns a payload of size bytes, another one for another number.
func NewPayload(number byte, size int) Payload {
	content := bytes.Repeat([]byte{number}, size)
	return Payload{sha256.Sum256(content), content}
}

// Put stores the payload. If that fails, the bytes must still be there to be had back.
func (p Payload) Put(tb testing.TB, store storage.Store) error {
	tb.Helper()
	w, err := store.Create(tb.Context())
	if err != nil {
		return err
	}
	defer w.Abort()
	_, err = w.Write(p.Bytes)
	require.NoError(tb, err)
	if err = w.Commit(p.Key); err != nil {
		requireReadBack(tb, p.Bytes, w)
	}
	return err
}

// Get reads the payload. Whatever fails, what was read must be as it was stored.
func (p Payload) Get(tb testing.TB, store storage.Store) error {
	tb.Helper()
	r, err := store.Open(tb.Context(), p.Key)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.True(tb, bytes.HasPrefix(p.Bytes, got), "other bytes than were stored")
	require.True(tb, err != nil || len(got) == len(p.Bytes))
	return err
}
