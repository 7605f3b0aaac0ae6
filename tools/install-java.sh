#!/usr/bin/env bash
# Installs Java if it is missing or older than 17, the oldest that Spark runs on.
set -euo pipefail

version=$(java -version 2>&1 | sed -nE '1s/.*version "([0-9]+).*/\1/p' || true)
if [ "${version:-0}" -ge 17 ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo 'The tests need Java 17 or newer, and apt-get is missing: install Java yourself.' >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo 'The tests need Java 17 or newer: as root, run apt-get install openjdk-17-jre-headless.' >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo 'Installing Java, which runs the Spark server that tests start.'
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless
