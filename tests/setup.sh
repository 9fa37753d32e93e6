#!/usr/bin/env bash
# Makes what the Python side needs, once: a virtual environment with the pinned requirements, and Debian's Chromium.
# Prints the path of the environment's Python on stdout; progress and complaints go to stderr.
# A missing Chromium is a complaint, not a failure: the browser tests fail without it, the demo goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

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
	local venv=$1 python
	python=$(find_python)
	say "making the Python environment (about a minute, once)"
	rm -rf "$venv"
	quietly "$python" -m venv "$venv"
	quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch "$venv/.ready"
}

install_chromium() {
	local root=()
	command -v apt-get >/dev/null || { say "no Chromium here, and no apt-get to install it with"; return 1; }
	if [ "$(id -u)" != 0 ]; then
		root=(sudo -n)
		"${root[@]}" true 2>/dev/null || { say "no Chromium here, and no right to install it"; return 1; }
	fi
	say "installing Chromium (a minute or two, once)"
	quietly "${root[@]}" apt-get update -q &&
		quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
			apt-get install -qy --no-install-recommends chromium fonts-dejavu-core ||
		{ say "Chromium could not be installed"; return 1; }
}

mkdir -p .cache
if command -v flock >/dev/null; then
	exec 9>.cache/setup.lock
	flock 9 # two runs at once share one environment
fi

venv=.cache/venv-$(cksum <tests/requirements.txt | cut -d' ' -f1)
[ -e "$venv/.ready" ] || make_venv "$venv"
command -v chromium >/dev/null || install_chromium || true
echo "$PWD/$venv/bin/python"
