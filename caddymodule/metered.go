package caddymodule

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// A meteredStore notes how long the operations of a store take: to get a payload is to open and read it, to put one is to write and
// commit it, each without the time between.
type meteredStore struct {
	storage.Store
	kind string
}

func (m meteredStore) Create(ctx context.Context) (storage.Writer, error) {
	start := time.Now()
	w, err := m.Store.Create(ctx)
	if err != nil {
		m.note("put", start, err)
		return nil, err
	}
	return &meteredWriter{Writer: w, store: m, took: time.Since(start)}, nil
}

func (m meteredStore) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	start := time.Now()
	r, err := m.Store.Open(ctx, key)
	if err != nil {
		m.note("get", start, err)
		return nil, err
	}
	metered := &meteredReader{Reader: r, store: m}
	metered.took.Add(int64(time.Since(start)))
	return metered, nil
}

func (m meteredStore) Delete(ctx context.Context, key storage.Key) error {
	start := time.Now()
	err := m.Store.Delete(ctx, key)
	m.note("delete", start, err)
	return err
}

func (m meteredStore) note(operation string, start time.Time, err error) {
	meters().operation(m.kind, operation, outcomeOf(err), time.Since(start))
}

// outcomeOf names the outcome of an operation.
func outcomeOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, storage.ErrNotFound):
		return "not_found"
	case errors.Is(err, storage.ErrFull), errors.Is(err, storage.ErrTooLarge):
		return "full"
	case errors.Is(err, storage.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "unavailable"
	}
	return "error"
}

// A meteredWriter belongs to one goroutine, as any writer.
type meteredWriter struct {
	storage.Writer
	store meteredStore
	took  time.Duration
}

func (w *meteredWriter) Write(p []byte) (int, error) {
	start := time.Now()
	n, err := w.Writer.Write(p)
	w.took += time.Since(start)
	if err != nil {
		w.store.note("put", time.Now().Add(-w.took), err)
	}
	return n, err
}

func (w *meteredWriter) Commit(key storage.Key) error {
	start := time.Now()
	err := w.Writer.Commit(key)
	w.store.note("put", start.Add(-w.took), err)
	return err
}

// A meteredReader may be read by many goroutines, as any reader.
type meteredReader struct {
	storage.Reader
	store meteredStore
	took  atomic.Int64 // a time.Duration
	done  atomic.Bool
}

func (r *meteredReader) ReadAt(p []byte, off int64) (int, error) {
	start := time.Now()
	n, err := r.Reader.ReadAt(p, off)
	r.took.Add(int64(time.Since(start)))
	return n, err
}

func (r *meteredReader) Close() error {
	if !r.done.Swap(true) {
		meters().operation(r.store.kind, "get", outcomeOf(nil), time.Duration(r.took.Load()))
	}
	return r.Reader.Close()
}
