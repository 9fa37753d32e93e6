package interceptor

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A turnsTest has jobs that take a step each time the test lets one do so.
type turnsTest struct {
	*testing.T
	turns   *turns
	mu      sync.Mutex
	running []*turnsJob // have a slot
}

type turnsJob struct {
	client string
	step   chan struct{}
}

// start begins a job of so many steps.
func (tt *turnsTest) start(client string, steps int) {
	job := &turnsJob{client, make(chan struct{})}
	go func() {
		turn, err := tt.turns.begin(tt.Context(), client)
		require.NoError(tt, err)
		defer turn.end()
		for range steps {
			tt.mu.Lock()
			tt.running = append(tt.running, job)
			tt.mu.Unlock()
			<-job.step
			require.NoError(tt, turn.yield(tt.Context()))
		}
	}()
	synctest.Wait()
}

// step has the job that runs longest take its step, and returns whose it was.
func (tt *turnsTest) step() string {
	job := tt.running[0]
	tt.running = tt.running[1:]
	job.step <- struct{}{}
	synctest.Wait()
	return job.client
}

func (tt *turnsTest) isRunning(client string) bool {
	return slices.ContainsFunc(tt.running, func(job *turnsJob) bool { return job.client == client })
}

// Who comes new has a slot after one step of the others, however many jobs they have on, and however long these are. From then on, the
// slots are shared evenly.
func TestTurnsAreFair(t *testing.T) {
	t.Parallel()
	for _, slots := range []int{1, 2, 3} {
		synctest.Test(t, func(t *testing.T) {
			tt := &turnsTest{T: t, turns: newTurns(slots)}
			for range 6 {
				tt.start("attacker", 50)
			}
			require.Len(t, tt.running, slots)
			for range 10 {
				require.Equal(t, "attacker", tt.step())
			}
			tt.start("victim", 1)
			require.False(t, tt.isRunning("victim"))
			tt.step()
			require.True(t, tt.isRunning("victim"), "it waits for more than one step")
			tt.start("another", 10)
			tt.start("a third", 10)
			counts := map[string]int{}
			for range 20 {
				counts[tt.step()]++
			}
			require.InDelta(t, counts["another"], counts["a third"], 1)
			require.GreaterOrEqual(t, counts["another"], 20/(3*max(1, slots))-1, "%v", counts)
			for len(tt.running) > 0 {
				tt.step()
			}
			require.Equal(t, slots, tt.turns.free)
			require.Empty(t, tt.turns.waiting)
		})
	}
}

// Who does not wait any longer takes no slot, also where he is given one just then.
func TestTurnsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		first, err := turns.begin(t.Context(), "a")
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := turns.begin(ctx, "b")
			failed <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		require.Empty(t, turns.waiting)

		ctx, cancel = context.WithCancel(t.Context())
		go func() {
			_, err := turns.begin(ctx, "b")
			failed <- err
		}()
		synctest.Wait()
		turns.mu.Lock() // so that it is given the slot and told to go at once
		cancel()
		first.giveBack()
		turns.mu.Unlock()
		require.ErrorIs(t, <-failed, context.Canceled)
		require.Equal(t, 1, turns.free)
		first.end()
		require.Equal(t, 1, turns.free, "a slot that was given back twice")

		second, err := turns.begin(t.Context(), "a")
		require.NoError(t, err)
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, second.yield(ctx), context.Canceled)
		second.end()
		require.Equal(t, 1, turns.free)
	})
}
