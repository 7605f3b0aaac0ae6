#!/usr/bin/env bash
# Makes the virtual environment of dvc, with which tests check .dvc files: make-dvc.sh DIR. It is separate from that of
# the Python client, because the dependencies of dvc would determine the versions that the client is tested with.
# $PYTHON names another python3.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf "$1"
"${PYTHON:-python3}" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check -r sdk/python/requirements-dvc.txt
touch "$1/ready"
