package remote

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

var errRefused = errors.New("connection refused")

// A trial is a circuit, and how often its server was called.
type trial struct {
	*circuit
	log   bytes.Buffer
	calls int
}

func newTrial() *trial {
	t := new(trial)
	t.circuit = &circuit{logger: slog.New(slog.NewTextHandler(&t.log, nil))}
	return t
}

func (t *trial) try(ctx context.Context, answer error) error {
	return t.call(ctx, func() error { t.calls++; return answer })
}

func (t *trial) lines() int { return strings.Count(t.log.String(), "\n") }

func TestCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newTrial()
		for range maxFailures {
			require.True(t, c.usable())
			err := c.try(t.Context(), errRefused)
			require.ErrorIs(t, err, storage.ErrUnavailable)
			require.ErrorIs(t, err, errRefused)
		}
		require.False(t, c.usable())
		require.Equal(t, 1, c.lines())
		require.Contains(t, c.log.String(), "level=WARN")
		require.Contains(t, c.log.String(), "connection refused")

		// It stays open, and the time from one try to the next doubles.
		for _, wait := range []time.Duration{1, 2, 4, 8, 15, 15} {
			c.calls = 0
			time.Sleep(wait*time.Second - 1)
			require.ErrorIs(t, c.try(t.Context(), nil), storage.ErrUnavailable)
			require.Zero(t, c.calls)
			time.Sleep(1)
			require.ErrorIs(t, c.try(t.Context(), errRefused), errRefused)
			require.Equal(t, 1, c.calls)
		}
		require.Equal(t, 1, c.lines(), "one line for a change of state")

		time.Sleep(maxWait)
		require.NoError(t, c.try(t.Context(), nil))
		require.True(t, c.usable())
		require.Equal(t, 2, c.lines())
		require.Contains(t, c.log.String(), "level=INFO")
		require.Contains(t, c.log.String(), "after=1m0s")
		require.NoError(t, c.try(t.Context(), nil))
		require.Equal(t, 2, c.lines())
	})
}

// What shows that the server is there is no failure; neither is a caller that has gone, which shows nothing.
func TestCircuitCounts(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, answer := range map[string]error{
		"nothing": nil, "not found": storage.ErrNotFound, "full": storage.ErrFull,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTrial()
			for range 3 {
				for range maxFailures - 1 {
					require.ErrorIs(t, c.try(t.Context(), errRefused), errRefused)
				}
				require.Equal(t, answer, c.try(t.Context(), answer))
			}
			require.True(t, c.usable())
		})
	}
	c := newTrial()
	for range 3 * maxFailures {
		require.Equal(t, errRefused, c.try(gone, errRefused))
	}
	require.True(t, c.usable())
	for range maxFailures {
		require.Equal(t, errRefused, c.try(gone, errRefused))
		require.ErrorIs(t, c.try(t.Context(), errRefused), errRefused)
	}
	require.False(t, c.usable(), "and takes back no failure")
}

// One call at a time finds out whether the server is back. One that was under way before changes nothing, unless it succeeds.
func TestCircuitOneTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newTrial()
		slow := make(chan error)
		for range 3 {
			go func() { _ = c.call(t.Context(), func() error { return <-slow }) }()
		}
		synctest.Wait()
		for range maxFailures {
			require.ErrorIs(t, c.try(t.Context(), errRefused), errRefused)
		}
		slow <- errRefused
		synctest.Wait()
		time.Sleep(minWait)
		trying := make(chan error)
		done := make(chan error)
		go func() { done <- c.call(t.Context(), func() error { return <-trying }) }()
		synctest.Wait()
		require.False(t, c.usable())
		require.Equal(t, storage.ErrUnavailable, c.try(t.Context(), nil))
		slow <- errRefused
		synctest.Wait()
		require.False(t, c.usable(), "the one that tries is still under way")
		trying <- errRefused
		require.ErrorIs(t, <-done, errRefused)
		slow <- nil
		synctest.Wait()
		require.True(t, c.usable())
	})
}
