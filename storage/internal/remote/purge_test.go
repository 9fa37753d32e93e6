package remote

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

func TestParseRecordKey(t *testing.T) {
	t.Parallel()
	s := New(nil, Options{Prefix: "a:"})
	key := storage.Key{0xab, storage.KeySize - 1: 0xcd}
	name := s.recordKey(key)
	for _, notOurs := range []string{
		"", "a:", name[1:], name[2:], "b" + name[1:], "x" + name, name + "0", name + "00", name[:len(name)-1], name[:len(name)-2],
		strings.ToUpper(name), "a:" + strings.ToUpper(name[2:]), "a:a:" + name[4:], strings.Replace(name, "b", "g", 1), s.partKey(key, 0),
	} {
		got, ok := s.parseRecordKey(notOurs)
		require.False(t, ok, notOurs)
		require.Zero(t, got, notOurs)
	}
	got, ok := s.parseRecordKey(name)
	require.True(t, ok)
	require.Equal(t, key, got)
}
