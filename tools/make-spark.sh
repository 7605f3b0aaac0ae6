#!/usr/bin/env bash
# Makes the virtual environment of pyspark, which has all of Spark, whose server tests start: make-spark.sh DIR. It takes
# 520 MB. $PYTHON names another python3.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf "$1"
"${PYTHON:-python3}" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check -r store/spark/sparktest/requirements.txt
touch "$1/ready"
