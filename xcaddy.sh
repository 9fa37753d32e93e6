#!/bin/sh
# Builds ./caddy with Dashstash in it.
#
#   ./xcaddy.sh [caddy-version] [xcaddy flags]     e.g. ./xcaddy.sh v2.11.9 --with github.com/caddy-dns/cloudflare
#
# With xcaddy on the PATH it is what builds; without, Go builds ./caddymodule/caddy, which has the same modules, and the Caddy
# version that go.mod names.
set -eu

cd "$(dirname "$0")"
module=$(go list -m)
tags=nobadger,nomysql,nopgx
ldflags='-w -s'

version=
case "${1-}" in
-h | --help)
	sed -n '2,7s/^# \{0,1\}//p' "$0"
	exit 0
	;;
v[0-9]* | latest)
	version=$1
	shift
	;;
esac

if command -v xcaddy >/dev/null; then
	XCADDY_GO_BUILD_FLAGS="-tags=$tags -trimpath -ldflags='$ldflags'" \
		exec xcaddy build ${version:+"$version"} --output ./caddy --with "$module/caddymodule" --replace "$module=$PWD" "$@"
fi

caddy=$(go list -m -f '{{.Version}}' github.com/caddyserver/caddy/v2)
if [ "$#" -gt 0 ] || [ "${version:-$caddy}" != "$caddy" ]; then
	echo "xcaddy.sh: without xcaddy on the PATH this builds Caddy $caddy with Dashstash alone; for another version or other" \
		"modules install it: go install github.com/caddyserver/xcaddy/cmd/xcaddy@latest" >&2
	exit 1
fi
exec go build -tags "$tags" -trimpath -ldflags "$ldflags" -o ./caddy ./caddymodule/caddy
