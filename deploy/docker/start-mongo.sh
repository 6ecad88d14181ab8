#!/bin/bash
# mongod with authentication in a replica set wants a key file with mode 0400 that
# it owns; a bind mount cannot promise that, so it is written here.
set -euo pipefail
mkdir -p /run/keyfile
printf '%s' "$MONGO_REPLICA_KEY" | base64 -w0 > /run/keyfile/key
chown -R mongodb:mongodb /run/keyfile
chmod 0400 /run/keyfile/key
exec docker-entrypoint.sh "$@"
