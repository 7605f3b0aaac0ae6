#!/usr/bin/env bash
# Installs redis-server if it is missing. The tests start their own servers on free ports and never use one that is
# already running.
set -euo pipefail

if command -v redis-server >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo 'The tests need redis-server, and apt-get is missing: install redis-server yourself.' >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo 'The tests need redis-server: as root, run apt-get install redis-server.' >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo 'Installing redis-server, which the tests of the Redis store start.'
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends redis-server
