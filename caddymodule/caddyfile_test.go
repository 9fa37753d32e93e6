package caddymodule

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// adaptedRoute is a route as the Caddyfile adapter makes it.
type adaptedRoute struct {
	Match  []json.RawMessage `json:"match"`
	Handle []json.RawMessage `json:"handle"`
}

// routes adapts a site block.
func routes(t *testing.T, directives string) []adaptedRoute {
	t.Helper()
	adapted, err := adapt("http:// {\n" + directives + "\n}")
	require.NoError(t, err)
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []adaptedRoute `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	require.NoError(t, json.Unmarshal(adapted, &config))
	return config.Apps.HTTP.Servers["srv0"].Routes
}

func TestCaddyfile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ block, want string }{
		"no block":             {``, ``},
		"empty block":          {"{\n}", ``},
		"stores auto":          {"{\n stores auto\n}", `"stores":["auto"]`},
		"stores auto, types":   {"{\n stores auto memory session local\n}", `"stores":["auto","memory","session","local"]`},
		"stores by id":         {"{\n stores df agg-*\n}", `"stores":["df","agg-*"]`},
		"stores by dict id":    {"{\n stores `{\"type\":\"df\",\"index\":*}`\n}", `"stores":["{\"type\":\"df\",\"index\":*}"]`},
		"exclude":              {"{\n exclude small tiny-*\n}", `"exclude":["small","tiny-*"]`},
		"min_size":             {"{\n min_size 1KiB\n}", `"min_size":1024`},
		"min_size 0":           {"{\n min_size 0\n}", `"min_size":0`},
		"max_payload":          {"{\n max_payload 256MiB\n}", `"max_payload":268435456`},
		"max_request":          {"{\n max_request 1.5GB\n}", `"max_request":1500000000`},
		"ttl":                  {"{\n ttl 24h\n}", `"ttl":86400000000000`},
		"ttl in days":          {"{\n ttl 7d\n}", `"ttl":604800000000000`},
		"on_missing null":      {"{\n on_missing null\n}", `"on_missing":"null"`},
		"on_missing error":     {"{\n on_missing error\n}", `"on_missing":"error"`},
		"scope":                {"{\n scope {http.auth.user.id}\n}", `"scope":"{http.auth.user.id}"`},
		"scope, short form":    {"{\n scope {cookie.user}\n}", `"scope":"{http.request.cookie.user}"`},
		"namespace":            {"{\n namespace sales\n}", `"namespace":"sales"`},
		"secret":               {"{\n secret {env.DASH_STASH_SECRET}\n}", `"secrets":["{env.DASH_STASH_SECRET}"]`},
		"secrets":              {"{\n secret newest older oldest\n}", `"secrets":["newest","older","oldest"]`},
		"encrypt":              {"{\n encrypt\n}", `"encrypt":true`},
		"dry_run":              {"{\n dry_run\n}", `"dry_run":true`},
		"storage file":         {"{\n storage file\n}", `"storage":{"backend":"file"}`},
		"storage file, empty":  {"{\n storage file {\n }\n}", `"storage":{"backend":"file"}`},
		"storage file, path":   {"{\n storage file /srv/stash\n}", `"storage":{"backend":"file","path":"/srv/stash"}`},
		"storage file, size":   {"{\n storage file {\n max_size 10GiB\n }\n}", `"storage":{"backend":"file","max_size":10737418240}`},
		"storage file, both":   {"{\n storage file a {\n max_size 1KB\n }\n}", `"storage":{"backend":"file","max_size":1000,"path":"a"}`},
		"storage memory":       {"{\n storage memory\n}", `"storage":{"backend":"memory"}`},
		"storage memory, name": {"{\n storage memory shared\n}", `"storage":{"backend":"memory","name":"shared"}`},
		"storage file, all": {
			"{\n storage file {\n fsync\n max_entries 5\n }\n}", `"storage":{"backend":"file","fsync":true,"max_entries":5}`,
		},
		"storage redis": {"{\n storage redis\n}", `"storage":{"backend":"redis"}`},
		"storage redis, all": {
			"{\n storage redis a:1 b:2 {\n username u\n password {env.P}\n db 3\n prefix p:\n cluster\n sentinel m\n" +
				" sentinel_username v\n sentinel_password w\n tls {\n ca c\n certificate d\n key e\n server_name n\n" +
				" insecure_skip_verify\n }\n timeout 2s\n pool_size 7\n near file /near {\n max_size 1KB\n }\n }\n ttl 1h\n}",
			`"storage":{"addresses":["a:1","b:2"],"backend":"redis","cluster":true,"db":3,"near":{"backend":"file","max_size":1000,` +
				`"path":"/near"},"password":"{env.P}","pool_size":7,"prefix":"p:","sentinel":"m","sentinel_password":"w",` +
				`"sentinel_username":"v","timeout":2000000000,"tls":{"ca":"c","certificate":"d","insecure_skip_verify":true,` +
				`"key":"e","server_name":"n"},"username":"u"},"ttl":3600000000000`,
		},
		"storage redis, near off": {
			"{\n storage redis {\n near off\n db 1\n }\n namespace n\n}", `"namespace":"n","storage":{"backend":"redis","db":1,"near_off":true}`,
		},
		"storage memcached": {
			"{\n storage memcached a:1 b:2 {\n near memory\n prefix p:\n timeout 2s\n max_item_size 4MiB\n }\n}",
			`"storage":{"addresses":["a:1","b:2"],"backend":"memcached","max_item_size":4194304,"near":{"backend":"memory"},` +
				`"prefix":"p:","timeout":2000000000}`,
		},
		"storage memory, size": {"{\n storage memory {\n max_size 1MiB\n }\n}", `"storage":{"backend":"memory","max_size":1048576}`},
		"storage memory, both": {"{\n storage memory m {\n max_size 1\n }\n}", `"storage":{"backend":"memory","max_size":1,"name":"m"}`},
		"something after a block": {
			"{\n storage memory m {\n max_size 1\n }\n namespace n\n}",
			`"namespace":"n","storage":{"backend":"memory","max_size":1,"name":"m"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := routes(t, "dash_stash "+test.block)
			require.Len(t, got, 1)
			require.Len(t, got[0].Handle, 1)
			want := `{"handler":"dash_stash"}`
			if test.want != "" {
				want = `{"handler":"dash_stash",` + test.want + `}`
			}
			require.JSONEq(t, want, string(got[0].Handle[0]))
		})
	}
}

// The directive has its place without a global order: behind encode and what authenticates, before reverse_proxy.
func TestDirectiveOrder(t *testing.T) {
	t.Parallel()
	got := routes(t, "reverse_proxy :8050\ndash_stash\nencode gzip\nrequest_body {\n max_size 1MB\n}\nheader X-Own yes\n")
	var names []string
	for _, route := range got {
		for _, handle := range route.Handle {
			var module struct{ Handler string }
			require.NoError(t, json.Unmarshal(handle, &module))
			names = append(names, module.Handler)
		}
	}
	require.Equal(t, []string{"headers", "request_body", "encode", "dash_stash", "reverse_proxy"}, names)
}

func TestTwoDirectives(t *testing.T) {
	t.Parallel()
	got := routes(t, "dash_stash {\n namespace a\n}\ndash_stash {\n namespace b\n}\nreverse_proxy :8050")
	require.Len(t, got, 1)
	require.Len(t, got[0].Handle, 3)
	require.JSONEq(t, `{"handler":"dash_stash","namespace":"a"}`, string(got[0].Handle[0]))
	require.JSONEq(t, `{"handler":"dash_stash","namespace":"b"}`, string(got[0].Handle[1]))
}

func TestMatchers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ directives, want string }{
		"path":     {"dash_stash /app/*", `{"path":["/app/*"]}`},
		"any path": {"dash_stash *", ``},
		"named":    {"@own method GET POST\ndash_stash @own", `{"method":["GET","POST"]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := routes(t, test.directives+" {\n namespace n\n}")
			require.Len(t, got, 1)
			require.JSONEq(t, `{"handler":"dash_stash","namespace":"n"}`, string(got[0].Handle[0]))
			if test.want == "" {
				require.Empty(t, got[0].Match)
				return
			}
			require.Len(t, got[0].Match, 1)
			require.JSONEq(t, test.want, string(got[0].Match[0]))
		})
	}
}
