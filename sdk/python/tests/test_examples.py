"""The examples run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BINARY, ROOT, Served

PROGRAM = ROOT / "examples" / "delay_model" / "delay_model.py"


def printed_for(where: str, flights: Path) -> str:
    command: list[str | Path] = [sys.executable, PROGRAM, where, flights / "data" / "labels.parquet"]
    environment = {**os.environ, "PLUMB_BINARY": str(BINARY)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("temporary")
def test_the_model_is_trained_and_scores_the_same_from_a_folder_and_a_server(flights: Path, server: Served) -> None:
    printed = printed_for(str(flights), flights)
    quality = re.search(r"ROC AUC on the \d+ after them: (\d\.\d+)$", printed, re.MULTILINE)
    assert quality is not None
    assert float(quality[1]) > 0.6
    assert printed.count("late with probability 0.") == 3
    assert printed_for(server.url, flights) == printed
