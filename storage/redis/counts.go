package redis

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dashstash/dashstash/storage"
)

const (
	countStep     = time.Minute // counts of what expires within one such step are one
	countInterval = time.Second // from one time that counts are sent to Redis to the next, at least
	pruneInterval = time.Hour   // from one time that counts of the past are removed there to the next, at most, while there are new ones
)

// counts keeps count of what is in Redis without ever looking through its keys. It is a hash with two fields for each minute in
// which something expires, "<unix time>:entries" and ":bytes": what has expired is no longer counted, though nobody is told of
// that. What Redis has dropped for want of memory is counted until it would have expired.
type counts struct {
	client redis.UniversalClient
	key    string

	mu      sync.Mutex
	pending map[int64]storage.Stats // by the end of the minute, as a Unix time; 0 stands for never
	sent    time.Time               // when the last were
	pruned  time.Time               // when those of the past were removed
}

// Count adds to what is kept until expiry. That goes to Redis once a second at most, with what else has come together; what a
// process that dies has not sent is forgotten.
func (c *counts) Count(ctx context.Context, expiry time.Time, change storage.Stats) {
	var end int64
	if !expiry.IsZero() {
		end = expiry.Truncate(countStep).Add(countStep).Unix()
	}
	c.mu.Lock()
	if c.pending == nil {
		c.pending = make(map[int64]storage.Stats)
	}
	c.pending[end] = plus(c.pending[end], change)
	due, prune := time.Since(c.sent) >= countInterval, time.Since(c.pruned) >= pruneInterval
	c.mu.Unlock()
	switch {
	case prune:
		_, _ = c.Counts(ctx)
	case due:
		_ = c.send(ctx) // else they stay pending
	}
}

func plus(a, b storage.Stats) storage.Stats {
	return storage.Stats{Entries: a.Entries + b.Entries, Bytes: a.Bytes + b.Bytes}
}

// send sends what is pending.
func (c *counts) send(ctx context.Context) error {
	c.mu.Lock()
	sending := c.pending
	c.pending, c.sent = nil, time.Now()
	c.mu.Unlock()
	if len(sending) == 0 {
		return nil
	}
	pipe := c.client.TxPipeline() // all or nothing
	for end, change := range sending {
		field := strconv.FormatInt(end, 10)
		pipe.HIncrBy(ctx, c.key, field+":entries", change.Entries)
		pipe.HIncrBy(ctx, c.key, field+":bytes", change.Bytes)
	}
	_, err := pipe.Exec(ctx)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.pending == nil {
			c.pending = make(map[int64]storage.Stats)
		}
		for end, change := range sending {
			c.pending[end] = plus(c.pending[end], change)
		}
	}
	return readable(err)
}

// Counts returns the sum of what has not expired, and forgets what has.
func (c *counts) Counts(ctx context.Context) (storage.Stats, error) {
	if err := c.send(ctx); err != nil {
		return storage.Stats{}, err
	}
	// In pipelines: for a command of its own, the client of a cluster first asks what commands there are, and keeps the answer.
	pipe := c.client.Pipeline()
	fields := pipe.HGetAll(ctx, c.key)
	if _, err := pipe.Exec(ctx); err != nil {
		return storage.Stats{}, readable(err)
	}
	sum, expired := sumOf(fields.Val(), time.Now().Unix())
	if len(expired) > 0 {
		pipe := c.client.Pipeline()
		pipe.HDel(ctx, c.key, expired...)
		if _, err := pipe.Exec(ctx); err != nil {
			return storage.Stats{}, readable(err)
		}
	}
	c.mu.Lock()
	c.pruned = time.Now()
	c.mu.Unlock()
	return sum, nil
}

// sumOf adds up the fields of a hash of counts, and lists those that are of the past.
func sumOf(fields map[string]string, now int64) (sum storage.Stats, expired []string) {
	for field, value := range fields {
		end, kind, _ := strings.Cut(field, ":")
		unix, err := strconv.ParseInt(end, 10, 64)
		if err != nil || unix != 0 && unix <= now {
			expired = append(expired, field)
			continue
		}
		// Two processes that move one payload to a later minute at once leave fewer than none behind, until that has passed.
		n, _ := strconv.ParseInt(value, 10, 64)
		switch kind {
		case "entries":
			sum.Entries += n
		case "bytes":
			sum.Bytes += n
		}
	}
	return storage.Stats{Entries: max(0, sum.Entries), Bytes: max(0, sum.Bytes)}, expired
}
