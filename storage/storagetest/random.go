package storagetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// testRandomOperations has a store and a model do the same, in many random sequences, and compares all that can be seen.
func testRandomOperations(t *testing.T, b Backend) {
	const sequences, steps = 300, 60
	for seed := range uint64(sequences) {
		place := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			w := &world{T: t, backend: b, place: place, random: rand.New(rand.NewPCG(4, seed))}
			w.model.limits = w.randomLimits()
			w.store = b.Open(t, place, w.model.limits).(storage.Limiter)
			for step := range steps {
				w.history = append(w.history, w.step())
				w.pass(time.Second) // so that no two uses are at the same time
				require.Equal(t, w.model.stats(), w.store.Stats(), "seed %d, step %d: %q", seed, step, w.history)
			}
			w.end()
		})
	}
}

// world is a store, its model, and who uses them.
type world struct {
	*testing.T
	backend Backend
	place   string
	random  *rand.Rand
	store   storage.Limiter
	model   model
	reads   []reading
	refused []writing // those whose Commit has failed
	history []string
}

type reading struct {
	sample
	storage.Reader
	store storage.Store
}

type writing struct {
	sample
	storage.Writer
}

// step does something and says what.
func (w *world) step() string {
	switch n := w.random.IntN(100); {
	case n < 35:
		return w.put()
	case n < 45:
		return w.retry()
	case n < 65:
		return w.open()
	case n < 79:
		return w.closeReader()
	case n < 81:
		return w.purge()
	case n < 85:
		s := w.sample()
		w.model.remove(s)
		require.NoError(w, w.store.Delete(w.Context(), s.key))
		return fmt.Sprintf("delete %d", len(s.data))
	case n < 90:
		w.model.limits = w.randomLimits()
		w.model.shrink()
		w.store.SetLimits(w.model.limits)
		return fmt.Sprintf("%+v", w.model.limits)
	case n < 97:
		span := w.span(30)
		w.pass(span)
		return span.String()
	default:
		return w.reopen()
	}
}

// sample is one of a few, so that each comes up again and again. Their sizes are powers of two: what is in a store shows in
// the sum.
func (w *world) sample() sample {
	n := w.random.IntN(12)
	return newSample(uint64(n), 1<<n)
}

// span is a time of whole seconds, so that it is often exactly what a limit is.
func (w *world) span(below int) time.Duration {
	return time.Duration(w.random.IntN(below)) * time.Second
}

func (w *world) randomLimits() (limits storage.Limits) {
	if w.random.IntN(4) > 0 {
		limits.MaxSize = 1 + w.random.Int64N(4100)
	}
	if w.random.IntN(3) == 0 {
		limits.MaxEntries = 1 + w.random.Int64N(8)
	}
	if w.random.IntN(2) == 0 {
		limits.TTL = w.span(60)
	}
	if w.random.IntN(2) == 0 {
		limits.Protect = w.span(20)
	}
	return limits
}

func (w *world) pass(span time.Duration) {
	time.Sleep(span)
	w.model.expire()
}

// isRead tells whether a payload is being read from the store as it was opened last.
func (w *world) isRead(s sample) bool {
	return slices.ContainsFunc(w.reads, func(r reading) bool { return r.key == s.key && r.store == w.store })
}

func (w *world) put() string {
	s := w.sample()
	writer, err := w.store.Create(w.Context())
	require.NoError(w, err)
	if _, err := writer.Write(s.data); err != nil {
		require.ErrorIs(w, err, w.model.put(s, w.isRead), "%q", w.history)
		require.ErrorIs(w, err, storage.ErrTooLarge)
		writer.Abort()
		return fmt.Sprintf("write %d: %v", len(s.data), err)
	}
	return w.commit(writing{s, writer})
}

// retry is another Commit of a payload that was refused.
func (w *world) retry() string {
	if len(w.refused) == 0 {
		return "no writer"
	}
	i := w.random.IntN(len(w.refused))
	again := w.refused[i]
	w.refused = slices.Delete(w.refused, i, i+1)
	return w.commit(again)
}

func (w *world) commit(p writing) string {
	want := w.model.put(p.sample, w.isRead)
	err := p.Commit(p.key)
	require.ErrorIs(w, err, want, "commit %d after %q", len(p.data), w.history)
	if err != nil {
		requireReadBack(w, p.data, p)
		w.refused = append(w.refused, p)
	}
	return fmt.Sprintf("commit %d: %v", len(p.data), err)
}

func (w *world) open() string {
	s := w.sample()
	r, err := w.store.Open(w.Context(), s.key)
	if !w.model.use(s) {
		require.ErrorIs(w, err, storage.ErrNotFound, "open %d after %q", len(s.data), w.history)
		return fmt.Sprintf("open %d: %v", len(s.data), err)
	}
	require.NoError(w, err, "open %d after %q", len(s.data), w.history)
	w.reads = append(w.reads, reading{s, r, w.store})
	return fmt.Sprintf("open %d", len(s.data))
}

// purge picks by key and by age, in use or not.
func (w *world) purge() string {
	if !w.backend.Purges {
		return "nothing"
	}
	age, odd := w.span(40), byte(w.random.IntN(2))
	match := func(key storage.Key, lastUse time.Time) bool { return key[0]%2 == odd && time.Since(lastUse) >= age }
	want := w.model.purge(func(e entry) bool { return match(e.key, e.lastUse) })
	got, err := storage.Purge(w.Context(), w.store, match)
	require.NoError(w, err)
	require.Equal(w, want, got, "purge after %q", w.history)
	return fmt.Sprintf("purge of %v: %d", age, want.Bytes)
}

func (w *world) closeReader() string {
	if len(w.reads) == 0 {
		return "no reader"
	}
	i := w.random.IntN(len(w.reads))
	r := w.reads[i]
	w.reads = slices.Delete(w.reads, i, i+1)
	requireBytes(w, r.data, r, r.Size())
	require.NoError(w, r.Close())
	return fmt.Sprintf("close %d", len(r.data))
}

// reopen closes the store and opens it again, if it is still the same then.
func (w *world) reopen() string {
	if !w.backend.Persistent {
		return "nothing"
	}
	w.close()
	time.Sleep(w.span(20)) // nothing expires while it is closed
	w.model.limits, w.model.dropped = w.randomLimits(), storage.Stats{}
	w.model.shrink()
	w.store = w.backend.Open(w, w.place, w.model.limits).(storage.Limiter)
	return fmt.Sprintf("reopen with %+v", w.model.limits)
}

// close leaves the readers open.
func (w *world) close() {
	require.NoError(w, w.store.Close())
	for _, p := range w.refused {
		require.ErrorIs(w, p.Commit(p.key), storage.ErrClosed)
		requireReadBack(w, p.data, p)
		p.Abort()
	}
	w.refused = nil
}

func (w *world) end() {
	w.close()
	for len(w.reads) > 0 {
		w.closeReader()
	}
}
