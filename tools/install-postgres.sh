#!/usr/bin/env bash
# Installs PostgreSQL if it is missing. The tests start their own servers on free ports and never use one that is
# already running, so the cluster that the package creates by default is turned off.
set -euo pipefail

if command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo 'The tests need PostgreSQL, and apt-get is missing: install PostgreSQL yourself.' >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo 'The tests need PostgreSQL: as root, run apt-get install postgresql.' >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo 'Installing PostgreSQL, which the tests of the registry start.'
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends postgresql-common
"${as_root[@]}" sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
"${as_root[@]}" apt-get install -y -qq --no-install-recommends postgresql
