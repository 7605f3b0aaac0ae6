"""The examples run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BINARY, ROOT, Served, run

PROGRAM = ROOT / "examples" / "delay_model" / "delay_model.py"
PURCHASES = ROOT / "examples" / "purchases"


def run_program(program: Path, *arguments: str | Path) -> str:
    command: list[str | Path] = [sys.executable, program, *arguments]
    environment = {**os.environ, "PLUMB_BINARY": str(BINARY)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def printed_for(where: str, flights: Path) -> str:
    return run_program(PROGRAM, where, flights / "data" / "labels.parquet")


@pytest.mark.usefixtures("temporary")
def test_the_model_is_trained_and_scores_the_same_from_a_folder_and_a_server(flights: Path, server: Served) -> None:
    printed = printed_for(str(flights), flights)
    quality = re.search(r"ROC AUC on the \d+ after them: (\d\.\d+)$", printed, re.MULTILINE)
    assert quality is not None
    assert float(quality[1]) > 0.6
    assert printed.count("late with probability 0.") == 3
    assert printed_for(server.url, flights) == printed


@pytest.mark.usefixtures("temporary")
def test_windows_make_a_better_model_of_purchases(tmp_path: Path) -> None:
    store = tmp_path / "purchases"
    shutil.copytree(PURCHASES, store)
    run("apply", "--yes", "--project-dir", store)
    run("materialize", "--to", "1998-05-01T00:00:00Z", "--project-dir", store)
    printed = run_program(store / "purchases.py", store)
    qualities = [float(found) for found in re.findall(r"ROC AUC (\d\.\d+)$", printed, re.MULTILINE)]
    assert len(qualities) == 2
    assert qualities[0] < qualities[1], printed
    assert printed.count("buys within 30 days with probability 0.") == 4
