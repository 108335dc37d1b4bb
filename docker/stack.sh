#!/bin/sh
# The compose stack, as `make up`, `make down` and `make logs` run it. Needs a container engine with its `docker
# compose` or `docker-compose`, and nothing else.
#
#   docker/stack.sh up [ARGUMENTS of `compose up`]      until every container is healthy; then says what to do next
#   docker/stack.sh down [ARGUMENTS of `compose down`]  data and secrets stay; -v removes the data
#   docker/stack.sh logs [ARGUMENTS of `compose logs`]
#   docker/stack.sh compose ARGUMENTS                   anything else
set -eu
cd "$(dirname "$0")/.."

# What compose would take for a setting: the environment's, else that of .env, else the default.
setting() {
  eval "value=\${$1:-}"
  if [ -z "$value" ] && [ -r .env ]; then value=$(sed -n "s/^ *$1=//p" .env | tail -n 1 | tr -d "\"'"); fi
  echo "${value:-$2}"
}

secrets=$(setting CROZE_SECRETS_DIR ./secrets)
timeout=$(setting CROZE_UP_TIMEOUT 600)

fail() {
  echo "error: $1" >&2
  shift
  for line in "$@"; do echo "  $line" >&2; done
  exit 1
}

find_compose() {
  # The plugin prints its version also where there is no engine; docker without the plugin does not know the word.
  if command -v docker >/dev/null && docker compose version >/dev/null 2>&1; then
    compose='docker compose'
  elif command -v docker-compose >/dev/null; then
    compose=docker-compose
  else
    fail "neither 'docker compose' nor 'docker-compose' is installed" \
      "install Docker Engine with its compose plugin (https://docs.docker.com/engine/install/)," \
      "or run the service without containers: make setup && .venv/bin/croze up"
  fi
}

# What is only in memory of the engine cannot be asked for without it.
need_engine() {
  reason=$($compose ps --quiet 2>&1) || fail "'$compose' does not work here: $(echo "$reason" | tail -n 1)" \
    "is the engine running, and may this user reach it? 'docker info' tells; see DOCKER_HOST"
}

# A file that containers read whatever user they run as; the folder keeps everybody else on this machine out.
need_secrets() {
  { mkdir -p "$secrets" && chmod 700 "$secrets"; } || fail "$secrets cannot be made, or is not yours" "see CROZE_SECRETS_DIR"
  if ! [ -s "$secrets/redis_password" ]; then
    random >"$secrets/redis_password" && chmod 444 "$secrets/redis_password"
    echo "made $secrets/redis_password"
  fi
}

random() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

up() {
  need_engine
  need_secrets
  CROZE_REVISION=${CROZE_REVISION:-$(git rev-parse --short HEAD 2>/dev/null || echo unknown)}
  export CROZE_REVISION
  if ! $compose up --detach --build --wait --wait-timeout "$timeout" "$@"; then
    echo >&2
    $compose ps --all >&2 || true
    echo >&2
    $compose logs --tail 5 >&2 || true
    fail "the stack is not up" "what each container said last is above; all of it: make logs" \
      "a port that is taken: set another with CROZE_PORT in .env"
  fi
  need_key
  tell
}

# One for whoever runs the stack. Kept, because a token cannot be read again.
need_key() {
  if [ -s "$secrets/api_key" ] && CROZE_API_KEY=$(cat "$secrets/api_key") $compose exec -T -e CROZE_API_KEY api \
    croze workers >/dev/null 2>&1; then
    return
  fi
  (umask 077 && $compose exec -T api croze keys add operator --role admin >"$secrets/api_key.new" 2>/dev/null) ||
    fail "no API key could be made" "$compose exec api croze keys add operator --role admin"
  mv "$secrets/api_key.new" "$secrets/api_key"
  echo "made an API key with all rights: $secrets/api_key"
}

tell() {
  address=$($compose port api 8000)
  cat <<TEXT

CRoZe is up: http://$address. Its first score:

  export CROZE_API_KEY="\$(cat $secrets/api_key)"
  $compose exec -e CROZE_API_KEY api croze score --url http://127.0.0.1:8000 --space nasbench201 index:2631

The same over HTTP is in README.md, with the header "Authorization: Bearer \$CROZE_API_KEY".
API reference: http://$address/docs    keys for others: $compose exec api croze keys add NAME
TEXT
}

find_compose
case "${1:-}" in
  up) shift && up "$@" ;;
  down) shift && need_engine && $compose down "$@" ;;
  logs) shift && need_engine && $compose logs "$@" ;;
  compose) shift && $compose "$@" ;;
  *) fail "'${1:-}' is no command" "allowed: up, down, logs, compose" ;;
esac
