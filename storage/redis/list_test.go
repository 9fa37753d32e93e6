package redis

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage/internal/servertest"
)

// Each master of a cluster lists what is on it, and nothing else: the client of a cluster would ask now one, now another.
func TestListOnCluster(t *testing.T) {
	t.Parallel()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servertest.RedisCluster(t)})
	defer client.Close()
	s := &server{client: client}
	const keys = 100
	for i := range keys {
		require.NoError(t, client.Set(t.Context(), fmt.Sprint("a:", i), "value", 0).Err())
		require.NoError(t, client.Set(t.Context(), fmt.Sprint("b:", i), "value", 0).Err())
	}
	nodes, err := s.Nodes(t.Context())
	require.NoError(t, err)
	require.Len(t, nodes, 3)
	total := 0
	for _, node := range nodes {
		for range 2 {
			listed, next, err := node.List(t.Context(), "a:", 0)
			require.NoError(t, err)
			require.Zero(t, next)
			for _, key := range listed {
				require.Contains(t, key, "a:")
				require.Equal(t, node.Name(), s.Node(t.Context(), key))
			}
			total += len(listed)
		}
	}
	require.Equal(t, 2*keys, total)
}
