#!/bin/sh
# Starts the Redis server of the compose stack: its password comes from a secret and is on no command line, and what
# keeps it from starting is said in one line. It waits for room on a full disk, because a server that starts without
# any would end at its first write, again and again.
set -eu

secret=${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}
data=${REDIS_DATA:-/data}
memory=${REDIS_MEMORY:-1gb}
room_mb=${REDIS_MIN_ROOM_MB:-64}

say() { echo "croze redis: $*" >&2; }
free_mb() { df -Pm "$data" | awk 'NR == 2 { print $4 }'; }

if ! [ -r "$secret" ] || ! [ -s "$secret" ]; then
  say "no password: $secret is missing, empty or not readable for user $(id -u); 'make up' makes secrets/redis_password"
  exit 2
fi
if ! touch "$data/.writable" 2>/dev/null; then
  # A full disk refuses this too, and is told below.
  if [ "$(free_mb)" -ge "$room_mb" ]; then
    say "$data cannot be written to by user $(id -u): mount a volume there that belongs to that user"
    exit 2
  fi
fi
rm -f "$data/.writable" 2>/dev/null || true
while [ "$(free_mb)" -lt "$room_mb" ]; do
  say "the disk is full: $(free_mb) MB are free in $data, and $room_mb are needed; make room, and this goes on by itself (docs/deployment.md)"
  sleep 5
done

# A file that only this user can read; the folder is in memory.
config=$(mktemp "${TMPDIR:-/tmp}/redis.XXXXXX")
printf 'requirepass "%s"\n' "$(cat "$secret")" >"$config"

server=$(command -v valkey-server || command -v redis-server) || {
  say "this image has neither valkey-server nor redis-server: set CROZE_REDIS_IMAGE to one of those"
  exit 2
}
# appendfsync always: what was acknowledged is on disk (docs/reliability.md). noeviction: an evicted record is a lost job.
exec "$server" "$config" --dir "$data" --port 6379 --appendonly yes --appendfsync always --save '' \
  --maxmemory "$memory" --maxmemory-policy noeviction
