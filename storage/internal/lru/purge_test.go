package lru

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// turns is a mutex that nobody else takes: it lets others have their turn when it is unlocked.
type turns struct{ others func() }

func (turns) Lock() {}

func (m turns) Unlock() { m.others() }

// newTurns returns an index of n entries of one byte, and what has others do something between two entries of a purge.
func newTurns(n int) (index *Index[int], between func(func())) {
	mu := &turns{func() {}}
	index = New(mu, storage.Limits{}, func(*Entry[int]) {})
	for i := range n {
		if err := index.Add(key(fmt.Sprint(i)), 1, time.Now(), i); err != nil {
			panic(err)
		}
	}
	return index, func(others func()) { mu.others = others }
}

func removeNothing(*Entry[int]) error { return nil }

// Others have their turn after each entry, and whatever they do, each that stays is looked at once.
func TestPurgeTakesTurns(t *testing.T) {
	t.Parallel()
	const entries = 1000
	x, between := newTurns(entries)
	turn := 0
	between(func() {
		x.Use(key(fmt.Sprint(turn * 7 % entries)))
		x.Remove(key(fmt.Sprint("more ", turn-1)))
		require.NoError(t, x.Add(key(fmt.Sprint("more ", turn)), 1, time.Now(), -1))
		turn++
	})
	looked := make(map[storage.Key]int)
	purged, err := x.Purge(t.Context(), func(key storage.Key, _ time.Time) bool {
		looked[key]++
		return false
	}, removeNothing)
	require.NoError(t, err)
	require.Zero(t, purged)
	require.GreaterOrEqual(t, turn, entries)
	for i := range entries {
		require.Equal(t, 1, looked[key(fmt.Sprint(i))], i)
	}
}

func TestPurgeEnds(t *testing.T) {
	t.Parallel()
	all := func(storage.Key, time.Time) bool { return true }
	errDisk := errors.New("disk")
	for name, test := range map[string]struct {
		do  func(x *Index[int], cancel func()) // after the third entry
		err error
	}{
		"canceled": {func(_ *Index[int], cancel func()) { cancel() }, context.Canceled},
		"closed":   {func(x *Index[int], _ func()) { x.Close() }, storage.ErrClosed},
		"disk":     {nil, errDisk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, between := newTurns(10)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			turn := 0
			between(func() {
				if turn++; turn == 3 && test.do != nil {
					test.do(x, cancel)
				}
			})
			purged, err := x.Purge(ctx, all, func(*Entry[int]) error {
				if turn == 3 {
					return errDisk
				}
				return nil
			})
			require.ErrorIs(t, err, test.err)
			require.Equal(t, storage.Stats{Entries: 3, Bytes: 3}, purged)
			if name != "closed" {
				require.Equal(t, storage.Stats{Entries: 7, Bytes: 7}, x.Stats(), "what was not removed is there")
			}
			x.Close()
			_, err = x.Purge(t.Context(), all, removeNothing)
			require.ErrorIs(t, err, storage.ErrClosed)
		})
	}
}
