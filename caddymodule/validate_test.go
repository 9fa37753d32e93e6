package caddymodule

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// validate does what the command caddy validate does, with a handler in JSON.
func validate(t *testing.T, handler string) error {
	t.Helper()
	provisioning.Lock()
	defer provisioning.Unlock()
	var config caddy.Config
	require.NoError(t, json.Unmarshal([]byte(`{"admin":{"disabled":true},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},
		"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[`+handler+`]}]}}}}}`), &config))
	return caddy.Validate(&config)
}

// Each message names the option, its value, and what would be right.
func TestValidate(t *testing.T) {
	t.Parallel()
	regular := filepath.Join(t.TempDir(), "regular")
	require.NoError(t, os.WriteFile(regular, nil, 0o600))
	tests := map[string]struct {
		options string
		wants   []string // empty: it is right
	}{
		"defaults":              {``, nil},
		"min_size 0":            {`"min_size":0`, nil},
		"min_size negative":     {`"min_size":-1`, []string{"min_size: -1 is not a size", "use 0 bytes or more"}},
		"max_payload negative":  {`"max_payload":-5`, []string{"max_payload: -5 is not a size", "use 1 bytes or more"}},
		"max_request negative":  {`"max_request":-5`, []string{"max_request: -5 is not a size", "use 1 bytes or more"}},
		"min_size contradicts":  {`"min_size":3000,"max_payload":2000`, []string{"min_size: 3000", "max_payload, which is 2000"}},
		"min_size and default":  {`"min_size":268435457`, []string{"min_size: 268435457", "max_payload, which is 268435456"}},
		"min_size just fits":    {`"min_size":2000,"max_payload":2000`, nil},
		"ttl negative":          {`"ttl":-1`, []string{"ttl: -1ns is too short", "1s or more"}},
		"ttl too short":         {`"ttl":"999ms"`, []string{"ttl: 999ms is too short", "1s or more"}},
		"ttl shortest":          {`"ttl":"1s"`, nil},
		"ttl of no duration":    {`"ttl":"soon"`, []string{"soon"}},
		"on_missing unknown":    {`"on_missing":"later"`, []string{`on_missing: "later" is unknown`, "use one of reload, null, prevent_update, error"}},
		"stores auto and type":  {`"stores":["auto","local"]`, nil},
		"stores auto and other": {`"stores":["auto","locale"]`, []string{`stores: "locale" is no storage type`, "memory, session, local"}},
		"stores ids and auto":   {`"stores":["df","auto"]`, []string{"stores: auto and ids cannot be mixed", "either auto", "or ids"}},
		"stores empty id":       {`"stores":[""]`, []string{`stores: "" is no id`}},
		"stores bad dict id":    {`"stores":["{type:df}"]`, []string{"stores: ", "{type:df}", "not a dict id", `{"type":"df","index":*}`}},
		"exclude bad dict id":   {`"exclude":["{\"a\":"]`, []string{"exclude: ", "not a dict id", `{"type":"df","index":*}`}},
		"exclude empty id":      {`"exclude":[""]`, []string{`exclude: "" is no id`}},
		"scope by user":         {`"scope":"{http.auth.user.id}"`, nil},
		"scope of two":          {`"scope":"{env.HOME}/{http.request.header.X-User}"`, nil},
		"scope without braces":  {`"scope":"user"`, []string{`scope: "user" is the same in each request`, "such as {http.auth.user.id}"}},
		"scope not closed":      {`"scope":"{http.auth.user.id"`, []string{`scope: "{http.auth.user.id"`, "such as {http.auth.user.id}"}},
		"scope of the machine":  {`"scope":"{env.HOME}"`, []string{`scope: "{env.HOME}" is the same in each request`}},
		"secret of 16":          {`"secrets":["0123456789abcdef"]`, nil},
		"secret too short":      {`"secrets":["0123456789abcde"]`, []string{"secret: has 15 characters", "use 16 or more"}},
		"older secret short":    {`"secrets":["0123456789abcdef","x"]`, []string{"secret: has 1 characters", "use 16 or more"}},
		"secret unset":          {`"secrets":["{env.DASH_STASH_UNSET}"]`, []string{"secret: ", "{env.DASH_STASH_UNSET} is empty", "16 characters or more"}},
		"secret half unset":     {`"secrets":["0123456789abcdef{env.DASH_STASH_UNSET}"]`, []string{"secret: ", "{env.DASH_STASH_UNSET} is empty"}},
		"storage unknown":       {`"storage":{"backend":"reddis"}`, []string{"storage: ", "reddis"}},
		"storage without name":  {`"storage":{}`, []string{"storage: ", "backend"}},
		"storage option":        {`"storage":{"backend":"memory","size":1}`, []string{"storage: ", `"size"`}},
		"memory max_size":       {`"storage":{"backend":"memory","max_size":-1}`, []string{"storage: ", "max_size: -1 is not a size", "1 byte or more"}},
		"file max_size":         {`"storage":{"backend":"file","max_size":-1}`, []string{"storage: ", "max_size: -1 is not a size", "1 byte or more"}},
		"memory max_entries":    {`"storage":{"backend":"memory","max_entries":-1}`, []string{"storage: ", "max_entries: -1 is no number", "1 or more"}},
		"redis":                 {`"storage":{"backend":"redis","addresses":["127.0.0.1:1"]}`, nil},
		"redis URL":             {`"storage":{"backend":"redis","addresses":["rediss://u:0123456789abcdef@127.0.0.1:1/3"]}`, nil},
		"redis socket":          {`"storage":{"backend":"redis","addresses":["/run/none-such.sock"]}`, nil},
		"redis bad URL": {
			`"storage":{"backend":"redis","addresses":["http://u:0123456789abcdef@h"]}`, []string{"storage: ", "address: ", "redis://user:password@host:6379/0"},
		},
		"redis no port":       {`"storage":{"backend":"redis","addresses":["h"]}`, []string{"storage: ", `address: "h" has no port`, "host:6379"}},
		"redis unset":         {`"storage":{"backend":"redis","password":"{env.DASH_STASH_UNSET}"}`, []string{"storage: ", "password: ", "{env.DASH_STASH_UNSET}"}},
		"redis db":            {`"storage":{"backend":"redis","db":-1}`, []string{"db: -1 is no number of a database"}},
		"redis cluster db":    {`"storage":{"backend":"redis","db":1,"cluster":true}`, []string{"only database 0, not 1"}},
		"redis both":          {`"storage":{"backend":"redis","sentinel":"m","cluster":true}`, []string{"cluster and sentinel", "leave one of them out"}},
		"redis timeout":       {`"storage":{"backend":"redis","timeout":-1}`, []string{"timeout: -1ns is too short"}},
		"redis pool_size":     {`"storage":{"backend":"redis","pool_size":-1}`, []string{"pool_size: -1 is no number"}},
		"redis ca":            {fmt.Sprintf(`"storage":{"backend":"redis","tls":{"ca":%q}}`, regular), []string{"tls: ca: ", regular, "no certificate in PEM"}},
		"redis ca missing":    {`"storage":{"backend":"redis","tls":{"ca":"/none-such"}}`, []string{"tls: ca: ", "/none-such"}},
		"redis key missing":   {`"storage":{"backend":"redis","tls":{"certificate":"/none-such"}}`, []string{"tls: certificate: "}},
		"near default place":  {`"storage":{"backend":"redis","near":{"backend":"file"}}`, []string{"near: ", "a directory of its own"}},
		"near remote":         {`"storage":{"backend":"redis","near":{"backend":"memcached"}}`, []string{"near: ", "use memory or file"}},
		"near both":           {`"storage":{"backend":"redis","near_off":true,"near":{"backend":"memory"}}`, []string{"near_off: ", "leave one of them out"}},
		"near wrong":          {`"storage":{"backend":"redis","near":{"backend":"memory","max_size":-1}}`, []string{"near: ", "max_size: -1"}},
		"near is a file":      {fmt.Sprintf(`"storage":{"backend":"redis","near":{"backend":"file","path":%q}}`, regular), []string{"near: ", regular, "change its owner"}},
		"memcached":           {`"storage":{"backend":"memcached","addresses":["127.0.0.1:1"]}`, nil},
		"memcached no port":   {`"storage":{"backend":"memcached","addresses":["h"]}`, []string{`address: "h" has no port`, "host:11211"}},
		"memcached prefix":    {`"storage":{"backend":"memcached","prefix":"a b"}`, []string{`prefix: "a b" is no prefix`, "without white space"}},
		"memcached timeout":   {`"storage":{"backend":"memcached","timeout":-1}`, []string{"timeout: -1ns is too short"}},
		"memcached item size": {`"storage":{"backend":"memcached","max_item_size":100}`, []string{"max_item_size: 100", "4096 bytes or more"}},
		"file path unset": {
			`"storage":{"backend":"file","path":"{env.DASH_STASH_UNSET}"}`, []string{"storage: ", "path: ", "{env.DASH_STASH_UNSET}"},
		},
		"file path is a file": {
			fmt.Sprintf(`"storage":{"backend":"file","path":%q}`, regular), []string{"storage: ", regular, "change its owner or mode"},
		},
		"file path under a file": {
			fmt.Sprintf(`"storage":{"backend":"file","path":%q}`, regular+"/dir"), []string{"storage: ", regular + "/dir", "change its owner"},
		},
		"option unknown": {`"min_bytes":1`, []string{`"min_bytes"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := `{"handler":"dash_stash"}`
			if test.options != "" {
				handler = `{"handler":"dash_stash",` + test.options + `}`
			}
			err := validate(t, handler)
			if len(test.wants) == 0 {
				require.NoError(t, err)
			}
			for _, want := range test.wants {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, fmt.Sprint(err), "0123456789abcde", "a message must not hold a secret")
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	h := provisioned(t, `{}`)
	require.Equal(t, int64(1024), *h.MinSize)
	require.Equal(t, int64(256<<20), h.MaxPayload)
	require.Equal(t, int64(512<<20), h.MaxRequest)
	require.Equal(t, "reload", h.OnMissing)
	require.False(t, h.DryRun)
	files := h.backend.(*FileStorage)
	require.Equal(t, "file:"+filepath.Join(os.Getenv("XDG_DATA_HOME"), "caddy", "dash_stash"), files.Identity())
	require.Equal(t, int64(1<<30), files.MaxSize)
	require.Equal(t, defaultTTL, files.ttl)

	memory := provisioned(t, `{"ttl":"2h","storage":{"backend":"memory"}}`).backend.(*MemoryStorage)
	require.Equal(t, "memory:", memory.Identity())
	require.Equal(t, int64(256<<20), memory.MaxSize)
	require.Equal(t, 2*time.Hour, memory.ttl)

	redis := provisioned(t, `{"storage":{"backend":"redis"}}`).backend.(*RedisStorage)
	require.Empty(t, redis.options.Addresses, "the store has a default")
	require.Equal(t, "dash_stash:", redis.options.Prefix)
	require.Equal(t, defaultTTL, redis.ttl)
	require.Equal(t, storage.Limits{MaxSize: 64 << 20}, redis.limits)
	require.IsType(t, new(MemoryStorage), redis.near)

	memcached := provisioned(t, `{"storage":{"backend":"memcached","near_off":true}}`).backend.(*MemcachedStorage)
	require.Equal(t, int64(1<<20), memcached.MaxItemSize)
	require.Nil(t, memcached.near)
}
