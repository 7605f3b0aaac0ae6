#!/usr/bin/env bash
# Makes the virtual environment for testing, linting and generating the Python client, with pinned versions:
# make-python.sh DIR. Packages come from the index that pip is configured to use. $PYTHON names another python3.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "The Python client needs Python 3.10 or newer: install it, or give its path with PYTHON=…" >&2
  exit 1
fi
rm -rf "$1"
if ! "$python" -m venv "$1"; then
  echo "$python cannot make a virtual environment: on Debian and Ubuntu, apt-get install python3-venv." >&2
  rm -rf "$1"
  exit 1
fi
"$1/bin/python" -m pip install --quiet --disable-pip-version-check \
  -r sdk/python/requirements-dev.txt -r examples/delay_model/requirements.txt
# Editable, so that tests run the current sources.
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e sdk/python
touch "$1/ready"
