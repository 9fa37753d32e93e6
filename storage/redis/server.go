package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/remote"
)

// server implements [remote.Server].
type server struct {
	client redis.UniversalClient
	name   string
	*counts
}

// Node is the node of a cluster; else it is all one, since a master and its replicas stand in for each other.
func (s *server) Node(ctx context.Context, key string) string {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		if node, err := cluster.MasterForKey(ctx, key); err == nil {
			return node.Options().Addr
		}
	}
	return s.name
}

func (s *server) Get(ctx context.Context, key string, _ time.Duration) ([]byte, time.Duration, error) {
	pipe := s.client.Pipeline()
	value, left := pipe.Get(ctx, key), pipe.PTTL(ctx, key)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, 0, readable(err)
	}
	content, err := value.Bytes()
	return content, left.Val(), err
}

func (s *server) Set(ctx context.Context, key string, value []byte, ttl time.Duration) (time.Duration, error) {
	pipe := s.client.Pipeline()
	left := pipe.PTTL(ctx, key)
	pipe.Set(ctx, key, value, ttl)
	_, err := pipe.Exec(ctx)
	return left.Val(), readable(err)
}

func (s *server) Keep(ctx context.Context, keys []string, ttl time.Duration) (bool, error) {
	lefts := make([]*redis.DurationCmd, len(keys))
	pipe := s.client.Pipeline()
	for i, key := range keys {
		lefts[i] = pipe.PTTL(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, readable(err)
	}
	pipe = s.client.Pipeline()
	for i, key := range keys {
		switch left := lefts[i].Val(); {
		case left == remote.Absent:
			return false, nil
		case left >= 0 && ttl == 0:
			pipe.Persist(ctx, key)
		case left >= 0 && left < ttl-ttl/10:
			pipe.PExpire(ctx, key, ttl)
		}
	}
	_, err := pipe.Exec(ctx)
	return true, readable(err)
}

func (s *server) Delete(ctx context.Context, keys []string) error {
	pipe := s.client.Pipeline()
	for _, key := range keys { // one by one: those of one payload are in several slots of a cluster
		pipe.Unlink(ctx, key)
	}
	_, err := pipe.Exec(ctx)
	return readable(err)
}

// closeTimeout bounds how long Close waits for the server.
const closeTimeout = time.Second

func (s *server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = s.send(ctx) // what has not been counted by then is forgotten
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("closing the connections to Redis: %w", err)
	}
	return nil
}

// readable says what to do about an error of Redis, where that is known.
func readable(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return storage.ErrNotFound
	case strings.HasPrefix(err.Error(), "OOM "):
		return fmt.Errorf("%w: Redis is at its maxmemory and drops nothing: raise that, or set maxmemory-policy allkeys-lru "+
			"(%w)", storage.ErrFull, err)
	case strings.HasPrefix(err.Error(), "NOAUTH "):
		return fmt.Errorf("the server wants a password: set the option password (%w)", err)
	case strings.HasPrefix(err.Error(), "WRONGPASS "):
		return fmt.Errorf("the server refuses the password: check the options username and password (%w)", err)
	case strings.HasPrefix(err.Error(), "NOPERM "):
		return fmt.Errorf("the server does not let this user do that: it needs get, set, pttl, pexpire, persist, unlink, hgetall, hincrby, hdel, "+
			"and scan and getrange to purge, on keys that begin with the option prefix (%w)", err)
	case strings.HasPrefix(err.Error(), "MISCONF "):
		return fmt.Errorf("the server takes no data, since it cannot save it to its disk (%w)", err)
	}
	return err
}

// Interface guards
var (
	_ remote.Counter = (*server)(nil)
	_ remote.Lister  = (*server)(nil)
)
