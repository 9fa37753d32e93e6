package redis

import (
	"cmp"
	"context"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/dashstash/dashstash/storage/internal/remote"
)

// scanCount is how many keys Redis looks at, which takes it less than a millisecond, before it answers and lets others have a turn.
const scanCount = 1000

// Nodes are the masters of a cluster; else there is one.
func (s *server) Nodes(ctx context.Context) (nodes []remote.Node, err error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return []remote.Node{master{s, s.client, s.name}}, nil
	}
	var mu sync.Mutex // it calls for all at once
	err = cluster.ForEachMaster(ctx, func(_ context.Context, client *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, master{s, client, client.Options().Addr})
		return nil
	})
	return nodes, readable(err)
}

// master implements [remote.Node].
type master struct {
	*server
	own  redis.Cmdable // calls it, whichever keys are asked for
	name string
}

func (m master) Name() string { return m.name }

func (m master) List(ctx context.Context, prefix string, from uint64) ([]string, uint64, error) {
	keys, next, err := m.own.Scan(ctx, from, globEscaper.Replace(prefix)+"*", scanCount).Result()
	return keys, next, readable(err)
}

// globEscaper makes a text a pattern that matches the text alone.
var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`)

// Look, as Remove, asks whoever has the keys: they may have moved to another node since they were listed.
func (m master) Look(ctx context.Context, keys []string, size int) ([]remote.Glimpse, error) {
	heads, lefts := make([]*redis.StringCmd, len(keys)), make([]*redis.DurationCmd, len(keys))
	pipe := m.client.Pipeline()
	for i, key := range keys {
		heads[i], lefts[i] = pipe.GetRange(ctx, key, 0, int64(size)-1), pipe.PTTL(ctx, key)
	}
	_, _ = pipe.Exec(ctx) // its error is that of a command
	glimpses := make([]remote.Glimpse, len(keys))
	for i := range keys {
		glimpses[i] = remote.Glimpse{Left: remote.Absent}
		if redis.HasErrorPrefix(heads[i].Err(), "WRONGTYPE") {
			continue // a list, or a hash, of somebody else
		}
		if err := cmp.Or(heads[i].Err(), lefts[i].Err()); err != nil {
			return nil, readable(err)
		}
		glimpses[i] = remote.Glimpse{Head: []byte(heads[i].Val()), Left: lefts[i].Val()}
	}
	return glimpses, nil
}

func (m master) Remove(ctx context.Context, keys []string) ([]bool, error) {
	removed := make([]*redis.IntCmd, len(keys))
	pipe := m.client.Pipeline()
	for i, key := range keys {
		removed[i] = pipe.Unlink(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, readable(err)
	}
	there := make([]bool, len(keys))
	for i := range keys {
		there[i] = removed[i].Val() > 0
	}
	return there, nil
}
