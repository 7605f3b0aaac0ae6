"""Checks that the pages on Python show what their blocks print. PLUMB_UPDATE_DOCS=1 updates the pages."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import BINARY, ROOT, Served

PAGES = [ROOT / "docs" / "python.md", ROOT / "docs" / "python-training-sets.md"]
BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<shown>.*?)```\n)?", re.DOTALL)
SECONDS = re.compile(r"\d+\.\d+ s\b")
ADDRESS = "grpc://127.0.0.1:6570"


def run_block(code: str, names: dict[str, Any]) -> str:
    """Runs a block and returns what it prints, without spaces at the ends of lines."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pd.option_context("display.width", 120, "display.max_columns", 20):
        exec(compile(code, "page", "exec"), names)
    return "".join(line.rstrip() + "\n" for line in printed.getvalue().splitlines())


def without_times(text: str) -> str:
    return SECONDS.sub("… s", text)


@pytest.mark.parametrize("path", PAGES, ids=[page.stem for page in PAGES])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow uses deprecated parts of SQLAlchemy.
def test_every_block_prints_what_the_page_shows(path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if int(pd.__version__.split(".")[0]) < 3:
        pytest.fail("the page shows what pandas 3 prints; make python installs it")
    monkeypatch.chdir(project.parent)
    monkeypatch.setenv("PLUMB_BINARY", str(BINARY))
    monkeypatch.setenv("PATH", f"{BINARY.parent}{os.pathsep}{os.environ['PATH']}")
    served, names, page = Served(project), {}, path.read_text()  # type: ignore[var-annotated]
    written, end = "", 0
    for found in BLOCK.finditer(page):
        printed = run_block(found["code"].replace(ADDRESS, served.url), names)
        shown = found["shown"] or ""
        if without_times(printed) != without_times(shown):
            assert os.environ.get("PLUMB_UPDATE_DOCS"), f"{found['code']}\nprints\n{printed}\nand not\n{shown}"
            shown = printed
        output = f"\n```text\n{shown}```\n" if shown else ""
        written += page[end : found.start()] + f"```python\n{found['code']}```\n" + output
        end = found.end()
    names["store"].close()
    served.stop()
    if os.environ.get("PLUMB_UPDATE_DOCS"):
        path.write_text(written + page[end:])
