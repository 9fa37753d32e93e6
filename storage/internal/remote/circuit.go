package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// When a circuit opens, and for how long.
const (
	maxFailures = 3 // in a row
	minWait     = time.Second
	maxWait     = 15 * time.Second
)

// A circuit is a circuit breaker. The zero value with a logger is closed. Once a server has failed a few times in a row, it is not called any more, so that nobody waits
// for it. After a while one call is let through, to find out whether it is back; each time that it is not, the while doubles.
type circuit struct {
	logger *slog.Logger

	mu       sync.Mutex
	failures int           // in a row
	opened   time.Time     // zero: the circuit is closed, and calls go through
	wait     time.Duration // while it is open, from one try to the next
	retry    time.Time     // when the next call is let through
	trying   bool          // that call is under way
}

// usable tells whether a call would be let through now.
func (c *circuit) usable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blocked() == nil
}

func (c *circuit) blocked() error {
	if !c.opened.IsZero() && (c.trying || time.Now().Before(c.retry)) {
		return storage.ErrUnavailable
	}
	return nil
}

// call makes a call, or fails with [storage.ErrUnavailable], as it does if the call does not reach the server.
func (c *circuit) call(ctx context.Context, call func() error) error {
	try, err := c.begin()
	if err != nil {
		return err
	}
	err = call()
	reached := err == nil || errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrFull)
	// Who called may have gone, or had no time: that says nothing of the server.
	failed := !reached && ctx.Err() == nil
	c.end(try, reached, failed, err)
	if failed {
		err = fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	}
	return err
}

// begin lets a call through, or not. try tells that it is the one to find out whether the server is back.
func (c *circuit) begin() (try bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.blocked(); err != nil {
		return false, err
	}
	c.trying = !c.opened.IsZero()
	return c.trying, nil
}

func (c *circuit) end(try, reached, failed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if try {
		c.trying = false
	}
	open := !c.opened.IsZero()
	switch {
	case reached:
		c.failures = 0
		if open {
			c.logger.Info("storage is available again", "after", time.Since(c.opened).Round(time.Millisecond).String())
			c.opened = time.Time{}
		}
	case failed && try:
		c.wait = min(2*c.wait, maxWait)
		c.retry = time.Now().Add(c.wait)
	case failed && !open:
		if c.failures++; c.failures >= maxFailures {
			c.opened, c.wait = time.Now(), minWait
			c.retry = c.opened.Add(c.wait)
			c.logger.Warn("storage is unavailable: until it is back, Stores stay in the browser", "error", err)
		}
	}
}
