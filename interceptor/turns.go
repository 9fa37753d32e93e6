package interceptor

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// maxServed is how many clients are known, at least, that have had a slot lately.
const maxServed = 1 << 10

// turns share out a few slots for work among clients, each of which may have any number of jobs. A slot that gets free goes to the
// client that was served least recently, and there to the job that came first. A long job offers its slot to the others after each
// step, so that who comes new waits for the end of a step, and not for the end of a job.
type turns struct {
	mu      sync.Mutex
	free    int            // slots
	waiting []*turn        // jobs; if there are any, no slot is free
	clock   uint64         // counts what happens here
	served  recent[uint64] // when a client had a slot last, by its name
}

// A turn is a job's claim to a slot.
type turn struct {
	*turns
	client  string
	arrived uint64
	held    bool          // it has a slot
	given   chan struct{} // wakes it up: held has changed
}

func newTurns(slots int) *turns {
	return &turns{free: slots, served: recent[uint64]{most: maxServed}}
}

// begin waits until a job of a client has a slot. The turn is to be ended, unless there is an error.
func (t *turns) begin(ctx context.Context, client string) (*turn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock++
	job := &turn{turns: t, client: client, arrived: t.clock, given: make(chan struct{}, 1)}
	t.waiting = append(t.waiting, job)
	if t.free > 0 {
		t.free--
		t.pass()
	}
	return job, job.wait(ctx)
}

// yield lets another job have the slot, if one is to go first, and then waits for a slot again.
func (j *turn) yield(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.serve()
	if len(j.waiting) > 0 && ctx.Err() == nil {
		j.held = false
		j.waiting = append(j.waiting, j)
		j.pass()
	}
	return j.wait(ctx)
}

// end gives the slot back.
func (j *turn) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.giveBack()
}

func (j *turn) giveBack() {
	if j.held {
		j.held = false
		j.pass()
	}
}

// wait waits for a slot, unless the job has one. It has none if there is an error.
func (j *turn) wait(ctx context.Context) error {
	for !j.held && ctx.Err() == nil {
		j.mu.Unlock()
		select {
		case <-j.given:
		case <-ctx.Done():
		}
		j.mu.Lock()
	}
	if err := ctx.Err(); err != nil {
		j.waiting = slices.DeleteFunc(j.waiting, func(other *turn) bool { return other == j })
		j.giveBack()
		return err
	}
	return nil
}

// pass gives a slot to the job that is to go first.
func (t *turns) pass() {
	if len(t.waiting) == 0 {
		t.free++
		return
	}
	next := slices.MinFunc(t.waiting, func(a, b *turn) int {
		servedA, _ := t.served.get(a.client)
		servedB, _ := t.served.get(b.client)
		return cmp.Or(cmp.Compare(servedA, servedB), cmp.Compare(a.arrived, b.arrived))
	})
	t.waiting = slices.DeleteFunc(t.waiting, func(other *turn) bool { return other == next })
	next.held = true
	next.serve()
	select {
	case next.given <- struct{}{}:
	default: // it has not looked since it was given one before
	}
}

// serve notes that the job's client has a slot now.
func (j *turn) serve() {
	j.clock++
	j.served.put(j.client, j.clock)
}
