#!/usr/bin/env bash
# A replica set with authentication wants a key file that nobody else can read, even if it has one
# member. It is derived from root's password at every start, so there is no file to keep.
set -euo pipefail

key=/tmp/replica-set.key
rm -f "$key"
(umask 077 && printf '%s' "$MONGO_INITDB_ROOT_PASSWORD" | sha512sum | cut -d ' ' -f 1 > "$key")
chown mongodb:mongodb "$key"

exec docker-entrypoint.sh mongod --replSet rs0 --keyFile "$key" "$@"
