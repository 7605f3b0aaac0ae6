"""Tests the package that pip installs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import bare
import pytest
from conftest import ROOT, Served

import plumbstore as plumb


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare.build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_the_types_and_the_messages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"plumbstore-{plumb.__version__}.dist-info/METADATA").decode()
    assert {"plumbstore/py.typed", "plumbstore/v1/serving_pb2.py", "plumbstore/v1/serving_pb2.pyi"} <= names
    assert "Provides-Extra: pandas" in metadata
    assert "Requires-Dist: pandas>=2.1; extra == 'pandas'" in metadata
    assert "License-Expression: Apache-2.0" in metadata


USE = """
import importlib, pkgutil, sys
from pathlib import Path
import plumbstore as plumb

missing = {name for name in ("numpy", "pandas", "polars", "mlflow") if importlib.util.find_spec(name) is None}
assert missing == set(sys.argv[3].split(",")), missing
for module in pkgutil.walk_packages(plumb.__path__, "plumbstore."):
    if module.name != "plumbstore.mlflow":
        importlib.import_module(module.name)
try:
    import plumbstore.mlflow
except ImportError as error:
    assert "pip install 'plumbstore[mlflow]'" in str(error)

store, labels = plumb.connect(sys.argv[1]), Path(sys.argv[2])
keys = {"carrier": ["DL", None], "tailnum": ["N187DN", "x"]}
found = store.online(features=["carrier_day:mean_arr_delay", "plane:year"], keys=keys, at="2013-07-03T20:00:00Z",
                     statuses=True, event_timestamps=True, provenance=True)
assert found.to_arrow()["year"].to_pylist() == [1996, None]
joined = store.historical(labels, service="delay_model", statuses=True)
table = joined.to_arrow()
assert table.num_rows == 2904 and joined.report.rows == 2904
again = store.historical(table.select(range(7)), service="delay_model")
assert sum(batch.num_rows for batch in again.to_batches()) == 2904
store.historical(labels, features=["plane:*"]).to_parquet(Path(sys.argv[4]) / "out.parquet")
plane = table.select(["tailnum", "event_timestamp"]).slice(0, 1)
for name, value in {"year": 1990, "manufacturer": "x", "engines": 2, "seats": 3}.items():
    plane = plane.append_column(name, [[value]])
pushed = store.push("plane", plane)
assert pushed.written + pushed.older == 1, pushed
for kind in ("pandas", "polars"):
    try:
        frame = getattr(joined, "to_" + kind)()
        assert kind not in missing and len(frame) == 2904
        labels = frame[["tailnum", "event_timestamp"]]
        assert getattr(store.historical(labels, features=["plane:*"]), "to_" + kind)().shape == (2904, 6)
    except plumb.InputError as error:
        assert kind in missing and f"pip install 'plumbstore[{kind}]'" in str(error), error
print(repr(joined), joined.report)
"""


@pytest.mark.parametrize(
    ("extras", "missing"),
    [
        ((), "numpy,pandas,polars,mlflow"),
        (("polars",), "numpy,pandas,mlflow"),
        (("pandas",), "polars,mlflow"),
    ],
    ids=["nothing", "polars", "pandas"],
)
def test_the_wheel_is_used_with_no_more_than_it_requires(
    wheel: Path, project: Path, tmp_path: Path, extras: tuple[str, ...], missing: str
) -> None:
    python = bare.make(tmp_path / "environment", wheel, *extras)
    served = Served(project)
    try:
        arguments = [served.url, str(project / "data" / "labels.parquet"), missing, str(tmp_path)]
        done = subprocess.run([python, "-I", "-c", USE, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    finally:
        served.stop()


LOCAL = """
import sys
import plumbstore as plumb
print(len(plumb.local(sys.argv[1]).feature_views()))
"""


def test_the_wheel_of_a_platform_brings_the_command_line(project: Path, tmp_path: Path) -> None:
    wheels = [*ROOT.glob("bin/wheel/plumbstore-*-py3-none-manylinux_2_*.whl")]
    assert len(wheels) == 1, "make wheel builds the wheel that this test installs"
    python = bare.make(tmp_path / "environment", wheels[0])
    nothing = {"PATH": "", "HOME": str(tmp_path)}
    version = subprocess.run(
        [python.parent / "plumb", "version"], capture_output=True, text=True, check=True, env=nothing
    )
    assert version.stdout.startswith("plumb ")
    done = subprocess.run(
        [python, "-I", "-c", LOCAL, str(project)], capture_output=True, text=True, check=False, env=nothing
    )
    assert int(done.stdout or 0) > 0, done.stderr


def test_a_wheel_of_a_platform_needs_its_binary(tmp_path: Path) -> None:
    given = os.environ | {"PLUMB_WHEEL_BINARY": "nowhere/plumb", "PLUMB_WHEEL_PLATFORM": "linux_x86_64"}
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    done = subprocess.run(
        [*build, str(ROOT / "sdk" / "python")], capture_output=True, text=True, check=False, env=given
    )
    assert done.returncode != 0
    assert "nowhere/plumb is not a file" in done.stdout + done.stderr
    assert not [*tmp_path.glob("*.whl")]


def test_nothing_optional_is_imported_unasked() -> None:
    unasked = {"pandas", "polars", "IPython", "mlflow", "buf"}
    program = f"import sys, plumbstore; loaded = {unasked} & set(sys.modules); sys.exit(str(loaded) if loaded else 0)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_is_there() -> None:
    assert all(getattr(plumb, name).__doc__ for name in plumb.__all__)
