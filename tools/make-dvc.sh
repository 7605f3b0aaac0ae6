#!/usr/bin/env bash
# Makes the virtual environment of the dvc that tests try its files with: make-dvc.sh DIR. It is one of its own, since
# what dvc stands on would decide the versions of what the Python client is tested with. $PYTHON names another python3.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf "$1"
"${PYTHON:-python3}" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check -r sdk/python/requirements-dvc.txt
touch "$1/ready"
