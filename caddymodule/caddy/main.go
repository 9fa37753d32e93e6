// Command caddy is the Caddy that xcaddy would build with Dashstash in it: for development, tests and CI.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/dashstash/dashstash/caddymodule"
)

func main() { caddycmd.Main() }
