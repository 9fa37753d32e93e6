package caddymodule

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each message names the option, what was written, and what would be right.
func TestCaddyfileErrors(t *testing.T) {
	t.Parallel()
	const options = "use one of stores, exclude, min_size, max_payload, max_request, ttl, on_missing, scope, namespace, " +
		"secret, encrypt, dry_run, storage"
	tests := map[string][]string{ // the block, and what the message holds
		"/app/* surplus":                                        {"dash_stash takes a matcher and a block", `not "surplus"`},
		"{\n tll 1h\n}":                                         {`unrecognized subdirective "tll"`, options},
		"{\n encrypt aes\n}":                                    {`encrypt takes no value, not "aes"`, "leave the line out"},
		"{\n dry_run off\n}":                                    {`dry_run takes no value, not "off"`, "leave the line out"},
		"{\n ttl 10\n}":                                         {`ttl: "10" is not a duration`, "24h or 7d"},
		"{\n ttl forever\n}":                                    {`ttl: "forever" is not a duration`, "24h or 7d"},
		"{\n ttl 0\n}":                                          {`ttl: "0" is too short`, "1s or more"},
		"{\n ttl -5m\n}":                                        {`ttl: "-5m" is too short`, "1s or more"},
		"{\n ttl 1h {\n }\n}":                                   {"ttl"},
		"{\n storage\n}":                                        {`storage "" is unknown`, "use one of file, memcached, memory, redis"},
		"{\n storage reddis\n}":                                 {`storage "reddis" is unknown`, "use one of file, memcached, memory, redis"},
		"{\n storage file a b\n}":                               {"storage file takes one value at most", `"b" is one too many`},
		"{\n storage file {\n ttl 1h\n }\n}":                    {`unrecognized option "ttl" of storage file`, "use one of fsync, max_entries, max_size"},
		"{\n storage memory {\n max_size\n }\n}":                {"max_size takes one value, not 0"},
		"{\n storage memory {\n max_size x\n }\n}":              {`max_size: "x" is not a size`, "512KiB or 1GiB"},
		"{\n storage memory {\n max_size 0\n }\n}":              {`max_size: "0" is too small`, "1B or more"},
		"{\n storage memory {\n max_size 1\n max_size 2\n }\n}": {"max_size is given twice", "keep one"},
	}
	for block, wants := range map[string][]string{ // of storage redis
		"near":                         {`near "" is unknown`, "use one of"},
		"near disk":                    {`near "disk" is unknown`, "use one of"},
		"near off on":                  {`off takes no value, not "on"`},
		"near memory {\n max_size\n }": {"max_size takes one value, not 0"},
		"near memory {\n }\n near off": {"near is given twice", "keep one"},
		"cluster yes":                  {`cluster takes no value, not "yes"`, "leave the line out"},
		"db x":                         {`db: "x" is no whole number of 0 or more`},
		"db -1":                        {`db: "-1" is no whole number of 0 or more`},
		"pool_size 0":                  {`pool_size: "0" is no whole number of 1 or more`},
		"tls on":                       {`tls takes a block, not "on"`},
		"tls {\n ca\n }":               {"ca takes one value, not 0"},
		"tls {\n verify no\n }":        {`unrecognized option "verify" of tls`, "use one of ca, certificate, insecure_skip_verify, key, server_name"},
		"timeout 3":                    {`timeout: "3" is not a duration`},
		"maxmemory 1GB":                {`unrecognized option "maxmemory" of storage redis`, "use one of cluster, db, near"},
	} {
		tests["{\n storage redis {\n "+block+"\n }\n}"] = wants
	}
	tests["{\n storage memory {\n max_entries 0\n }\n}"] = []string{`max_entries: "0" is no whole number of 1 or more`}
	tests["{\n storage file {\n fsync yes\n }\n}"] = []string{`fsync takes no value, not "yes"`}
	for _, option := range []string{"stores", "exclude", "secret"} {
		tests["{\n "+option+"\n}"] = []string{option + " takes one value or more", "leave the line out"}
	}
	for _, option := range []string{"min_size", "max_payload", "max_request", "ttl", "on_missing", "scope", "namespace"} {
		tests["{\n "+option+"\n}"] = []string{option + " takes one value, not 0"}
		tests["{\n "+option+" 1s 2s\n}"] = []string{option + ` takes one value, not 2: ["1s" "2s"]`}
	}
	for _, line := range []string{
		"stores a", "exclude a", "min_size 1", "max_payload 1", "max_request 1", "ttl 1h", "on_missing null", "scope a",
		"namespace a", "secret a", "encrypt", "dry_run", "storage memory",
	} {
		var option string
		_, err := fmt.Sscan(line, &option)
		require.NoError(t, err)
		tests["{\n "+line+"\n "+line+"\n}"] = []string{option + " is given twice", "keep one"}
	}
	for _, option := range []string{"min_size", "max_payload", "max_request"} {
		for _, value := range []string{"lots", "-1", "1 KiB x", "9EiB", "1Q", ""} {
			tests[fmt.Sprintf("{\n %s %q\n}", option, value)] = []string{
				fmt.Sprintf("%s: %q is not a size", option, value), "512KiB or 1GiB",
			}
		}
	}
	for _, option := range []string{"max_payload", "max_request"} {
		tests["{\n "+option+" 0\n}"] = []string{option + `: "0" is too small`, "1B or more"}
	}
	for block, wants := range tests {
		t.Run(block, func(t *testing.T) {
			t.Parallel()
			_, err := adapt("http:// {\n dash_stash " + block + "\n}")
			for _, want := range append(wants, "Caddyfile:") {
				require.ErrorContains(t, err, want)
			}
		})
	}
}
