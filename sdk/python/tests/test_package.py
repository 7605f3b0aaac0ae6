"""What pip installs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from conftest import ROOT

import plumb


def test_the_wheel_has_the_types_and_the_messages(tmp_path: Path) -> None:
    build: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
    ]
    subprocess.run([*build, ROOT / "sdk" / "python"], check=True)
    (wheel,) = tmp_path.glob("plumb-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"plumb-{plumb.__version__}.dist-info/METADATA").decode()
    assert {"plumb/py.typed", "plumb/v1/serving_pb2.py", "plumb/v1/serving_pb2.pyi"} <= names
    assert "Provides-Extra: pandas" in metadata
    assert "Requires-Dist: pandas>=2.1; extra == 'pandas'" in metadata
    assert "License-Expression: Apache-2.0" in metadata


def test_neither_pandas_nor_polars_is_imported_unasked() -> None:
    program = "import sys, plumb; sys.exit(bool({'pandas', 'polars', 'IPython', 'buf'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_is_there() -> None:
    assert all(getattr(plumb, name).__doc__ for name in plumb.__all__)
