#!/bin/sh
# Health of the compose stack's Redis: it can be written to, which a PING does not tell.
set -eu
REDISCLI_AUTH=$(cat "${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}")
export REDISCLI_AUTH
client=$(command -v valkey-cli || command -v redis-cli)
answer=$("$client" set croze:probe 1 ex 60 2>&1) || true
if [ "$answer" != OK ]; then
  echo "not well: $answer"
  exit 1
fi
