package caddymodule

import "github.com/caddyserver/caddy/v2"

func pageRoutes() []caddy.AdminRoute { return nil }
