package servertest

import (
	"errors"
	"fmt"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/storagetest"
)

// RedisValues returns what a payload is in on Redis, its record first, where a place is a prefix: see [storagetest.Backend].
func RedisValues(tb testing.TB, client goredis.UniversalClient) func(place string, key storage.Key) []storagetest.Value {
	return func(place string, key storage.Key) []storagetest.Value {
		name := place + ":" + key.String()
		values := []storagetest.Value{redisValue{client, name}}
		for part := 0; client.Exists(tb.Context(), fmt.Sprint(name, ":", part)).Val() > 0; part++ {
			values = append(values, redisValue{client, fmt.Sprint(name, ":", part)})
		}
		return values
	}
}

// redisValue implements [storagetest.Value].
type redisValue struct {
	client goredis.UniversalClient
	name   string
}

func (v redisValue) Load(tb testing.TB) []byte {
	tb.Helper()
	bytes, err := v.client.Get(tb.Context(), v.name).Bytes()
	require.True(tb, err == nil || errors.Is(err, goredis.Nil), "%v", err)
	return bytes
}

func (v redisValue) Save(tb testing.TB, bytes []byte) {
	tb.Helper()
	if bytes == nil {
		require.NoError(tb, v.client.Del(tb.Context(), v.name).Err())
		return
	}
	require.NoError(tb, v.client.Set(tb.Context(), v.name, bytes, 0).Err())
}
