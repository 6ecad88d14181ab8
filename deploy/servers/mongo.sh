#!/bin/sh
# Installs the MongoDB-speaking server that the document-store tests run on, and
# prints the path of its program as the last line.
#
# It is SecantusDB from PyPI: a re-implementation of MongoDB's protocol on
# WiredTiger, a beta, and a test peer only. The product never ships or needs it.
# It lives outside the repository, in the user's cache directory, and is
# installed once; running this again costs a few milliseconds.
#
# Exit 3: this machine cannot have it (the reason is on stderr).
set -eu

VERSION=0.7.0b3
home="${DYOCENSE_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/dyocense/servers}"
dir="$home/mongo-$VERSION"
program="$dir/bin/secantusd-py"

if [ -f "$dir/ready" ]; then
	echo "$program"
	exit 0
fi

if ! command -v python3 >/dev/null 2>&1; then
	echo "python3 is not installed" >&2
	exit 3
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
	echo "python3 is older than 3.9" >&2
	exit 3
fi

mkdir -p "$home"
# Two test packages may come here at once; the second waits and finds the work done.
if command -v flock >/dev/null 2>&1; then
	exec 9>"$dir.lock"
	flock 9
fi
if [ -f "$dir/ready" ]; then
	echo "$program"
	exit 0
fi

rm -rf "$dir"
if ! python3 -m venv "$dir" >&2; then
	echo "python3 cannot make a virtual environment (the venv module is missing)" >&2
	exit 3
fi
if ! "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "secantusdb==$VERSION" >&2; then
	echo "secantusdb $VERSION cannot be installed from the package index" >&2
	exit 3
fi
if [ ! -x "$program" ]; then
	echo "secantusdb $VERSION came without $program" >&2
	exit 3
fi
: >"$dir/ready"
echo "$program"
