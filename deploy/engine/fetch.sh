#!/usr/bin/env bash
# Brings the embedded solver engine: highs.wasm of the pinned npm package.
#
#   deploy/engine/fetch.sh            put the engine into the tree (does nothing when it is there)
#   deploy/engine/fetch.sh --letters  also derive the minified names again
#
# Needs npm (it comes with Node) and sha256sum or shasum. Nothing of the package
# is executed: no install scripts run, only one file is taken out, and its hash
# is pinned here. A new version means new hash, new letters, and the tests.
set -euo pipefail

version=1.15.3
sha256=528be4365bea1d4188988646b244263f50320df55782e14d6af5bce7cd45c840

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
engine=$root/agent/kernel/solve/highs/engine/highs.wasm
letters=$root/agent/kernel/solve/highs/letters_gen.go

hash_of() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

want_letters=no
case "${1:-}" in
  "") ;;
  --letters) want_letters=yes ;;
  *) echo "usage: deploy/engine/fetch.sh [--letters]" >&2; exit 2 ;;
esac

if [ "$want_letters" = no ] && [ -f "$engine" ] && [ "$(hash_of "$engine")" = "$sha256" ]; then
  exit 0
fi

command -v npm >/dev/null 2>&1 || { echo "engine: npm is needed to fetch the solver engine; install Node 20 or newer" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetched=no
for attempt in 1 2 3 4 5; do
  if (cd "$work" && npm pack --ignore-scripts --silent "highs@$version" >/dev/null); then
    fetched=yes
    break
  fi
  echo "engine: fetching highs $version did not work (attempt $attempt of 5)" >&2
  sleep "$attempt"
done
[ "$fetched" = yes ] || { echo "engine: highs $version could not be fetched; check the connection to the npm registry" >&2; exit 1; }

tar -xzf "$work/highs-$version.tgz" -C "$work" package/build/highs.wasm package/build/highs.js
found=$(hash_of "$work/package/build/highs.wasm")
if [ "$found" != "$sha256" ]; then
  echo "engine: highs.wasm has the hash $found, expected $sha256; it is not used" >&2
  exit 1
fi

mkdir -p "$(dirname "$engine")"
# A neighbour on the same disk, then a rename: a build never embeds half a file.
cp "$work/package/build/highs.wasm" "$engine.new.$$"
chmod 644 "$engine.new.$$"
mv -f "$engine.new.$$" "$engine"

if [ "$want_letters" = yes ]; then
  (cd "$root" && go run deploy/engine/letters/main.go -version "$version" -sha256 "$sha256" \
    "$work/package/build/highs.js" >"$work/letters_gen.go")
  mv -f "$work/letters_gen.go" "$letters"
fi
echo "engine: HiGHS $version is in place" >&2
