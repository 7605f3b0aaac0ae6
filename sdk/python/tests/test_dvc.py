"""plumb historical --dvc writes what the real dvc would write, and dvc accepts it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, run

DVC = ROOT / "bin" / "dvc" / "bin" / "dvc"


def dvc(folder: Path, *arguments: str) -> str:
    """Runs dvc and returns what it prints. Fails if its exit code is not 0."""
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_TEST": "true", "HOME": str(folder)}
    done = subprocess.run([DVC, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("out", ["train.parquet", "sets/a b.csv"])
def test_dvc_finds_what_was_written_in_order(project: Path, out: str) -> None:
    dvc(project, "init", "--no-scm", "--quiet")
    (project / "sets").mkdir()
    labels = project / "data" / "labels.parquet"
    join: list[str | Path] = ["historical", "--labels", labels, "--features", "plane:year", "--dvc", "--out", out]
    run(*join, cwd=project)
    assert dvc(project, "status") == "Data and pipelines are up to date.\n"
    tracked = project / f"{out}.dvc"
    written = tracked.read_text()
    digest = hashlib.md5((project / out).read_bytes(), usedforsecurity=False).hexdigest()
    assert f"md5: {digest}\n" in written
    dvc(project, "add", "--quiet", out)
    assert tracked.read_text() == written.replace('"', "")  # Plumb quotes a name with a space, and dvc does not.
    (project / out).unlink()
    dvc(project, "checkout", "--quiet", f"{out}.dvc")
    assert hashlib.md5((project / out).read_bytes(), usedforsecurity=False).hexdigest() == digest
    assert "up to date" in dvc(project, "status")


def test_dvc_notices_an_output_that_was_changed(project: Path) -> None:
    dvc(project, "init", "--no-scm", "--quiet")
    labels = project / "data" / "labels.parquet"
    run("historical", "--labels", labels, "--features", "plane:year", "--dvc", "--out", "train.csv", cwd=project)
    with (project / "train.csv").open("a") as lines:
        lines.write("more\n")
    assert "modified:" in dvc(project, "status")
