#!/usr/bin/env bash
# Makes what the Python side needs, once: a virtual environment with the pinned requirements, and Debian's Chromium; with
# "versions" also an environment for each version of Dash in tests/versions, two at a time, and the servers that data can be
# kept on. With "servers", these alone, for the Go tests. With "bench", these and an environment for make bench-storage, whose
# Python it then prints.
# Prints the path of the first environment's Python on stdout; progress and complaints go to stderr.
# A missing Chromium or server is a complaint, not a failure: the tests fail without it, the demo goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "· $*" >&2; }

# quietly <command>: shows its output only when it fails.
quietly() {
	local output
	output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}

find_python() {
	local candidate
	for candidate in python3.11 python3 /usr/bin/python3; do
		if "$candidate" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
			echo "$candidate"
			return
		fi
	done
	say "no Python 3.11 or newer with venv on the PATH"
	return 1
}

make_venv() {
	say "making the Python environment (about a minute, once)"
	rm -rf "$venv"
	quietly "$(find_python)" -m venv "$venv"
	quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch "$venv/.ready"
}

# make_version <version>: the environment of one version of Dash; a copy of its requirements marks it as whole.
make_version() {
	local requirements=tests/versions/$1.txt environment=.cache/dash-$1
	cmp -s "$requirements" "$environment/requirements.txt" && return
	say "making the environment of Dash $1"
	rm -rf "$environment"
	quietly "$(find_python)" -m venv --without-pip "$environment"
	quietly "$venv/bin/python" -m pip --python "$environment/bin/python" install --quiet --disable-pip-version-check \
		-r "$requirements"
	cp "$requirements" "$environment/requirements.txt"
}

make_versions() {
	basename -s .txt tests/versions/*.txt | xargs -n 1 -P 2 tests/setup.sh version
}

# make_bench: the environment of make bench-storage.
make_bench() {
	say "making the Python environment of the benchmark (about a minute, once)"
	rm -rf "$bench"
	quietly "$(find_python)" -m venv "$bench"
	quietly "$bench/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	touch "$bench/.ready"
}

# install <name> <package>...
install() {
	local name=$1 root=()
	shift
	command -v apt-get >/dev/null || { say "no $name here, and no apt-get to install it with"; return 1; }
	if [ "$(id -u)" != 0 ]; then
		root=(sudo -n)
		"${root[@]}" true 2>/dev/null || { say "no $name here, and no right to install it"; return 1; }
	fi
	say "installing $name (a minute or two, once)"
	# RUNLEVEL=1: do not start what is a service
	quietly "${root[@]}" apt-get update -q &&
		quietly "${root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
			apt-get install -qy --no-install-recommends "$@" ||
		{ say "$name could not be installed"; return 1; }
}

missing_servers() {
	local server
	for server in redis-server redis-sentinel memcached; do # the packages have the names of the commands
		command -v "$server" >/dev/null || echo "$server"
	done
}

install_servers() {
	local missing
	mapfile -t missing < <(missing_servers)
	[ ${#missing[@]} = 0 ] || install "${missing[*]}" "${missing[@]}" || true
}

if [ "${1:-}" = servers ] && [ -z "$(missing_servers)" ]; then
	exit # without waiting for the lock
fi
mkdir -p .cache
venv=.cache/venv-$(cksum <tests/requirements.txt | cut -d' ' -f1)
if [ "${1:-}" = version ]; then # one of make_versions'
	make_version "$2"
	exit
fi
if command -v flock >/dev/null; then
	exec 9>.cache/setup.lock
	flock 9 # two runs at once share one environment
fi

if [ "${1:-}" = servers ]; then
	install_servers
	exit
fi
if [ "${1:-}" = bench ]; then
	bench=.cache/bench-$(cksum <tests/bench/requirements.txt | cut -d' ' -f1)
	install_servers
	[ -e "$bench/.ready" ] || make_bench
	echo "$PWD/$bench/bin/python"
	exit
fi
[ -e "$venv/.ready" ] || make_venv
command -v chromium-headless-shell >/dev/null || install Chromium chromium-headless-shell fonts-dejavu-core || true
if [ "${1:-}" = versions ]; then
	install_servers
	make_versions
fi
echo "$PWD/$venv/bin/python"
