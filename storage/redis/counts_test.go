package redis

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

func TestSumOf(t *testing.T) {
	t.Parallel()
	fields := map[string]string{
		"0:entries": "2", "0:bytes": "200", // for ever
		"1060:entries": "1", "1060:bytes": "10",
		"1000:entries": "5", "1000:bytes": "500", // over
		"940:entries": "-1", "940:bytes": "-7",
		"1120:entries": "-1", "1120:bytes": "-5",
		"somebody's": "9",
	}
	sum, expired := sumOf(fields, 1000)
	require.Equal(t, storage.Stats{Entries: 2, Bytes: 205}, sum)
	require.Equal(t, []string{"1000:bytes", "1000:entries", "940:bytes", "940:entries", "somebody's"}, slices.Sorted(slices.Values(expired)))
	sum, _ = sumOf(map[string]string{"2000:entries": "-3"}, 1000)
	require.Zero(t, sum)
}
