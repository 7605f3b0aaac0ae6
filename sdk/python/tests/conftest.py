"""Fixtures for tests, which run the real binary on two real projects.

"flights" is the project that plumb init makes. "world" has a feature of every type.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import plumbstore as plumb

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("PLUMB_BINARY") or ROOT / "bin" / "plumb").resolve()
MATERIALIZED = "2013-07-03T20:00:00Z"


def run(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Runs the binary and returns what it prints. Fails if its exit code is not 0."""
    done = subprocess.run([BINARY, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of plumb init, applied and materialized."""
    project = tmp_path_factory.mktemp("projects") / "flights"
    run("init", project)
    run("apply", "--project-dir", project)
    run("materialize", "--project-dir", project, "--to", MATERIALIZED)
    return project


@pytest.fixture
def project(flights: Path, tmp_path: Path) -> Path:
    """A copy of flights that the test may change."""
    copied = tmp_path / "flights"
    shutil.copytree(flights, copied)
    return copied


class Served:
    """A server of a project, on a free port, with further arguments."""

    def __init__(self, project: Path, *arguments: str | Path) -> None:
        log = project / ("serve-with.log" if arguments else "serve.log")
        self.log = log.open("w+")
        command: list[str | Path] = [
            BINARY,
            "serve",
            "--output",
            "json",
            "--project-dir",
            project,
            "--serving-grpc",
            "127.0.0.1:0",
            "--serving-http",
            "",
            *arguments,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, log.read_text()
        self.address = str(json.loads(line)["grpc"])

    @property
    def url(self) -> str:
        return f"grpc://{self.address}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate()
        self.log.close()


@pytest.fixture(scope="session")
def server(flights: Path) -> Iterator[Served]:
    """A server of flights."""
    served = Served(flights)
    yield served
    served.stop()


@pytest.fixture(params=["local", "connect"])
def store(request: pytest.FixtureRequest, flights: Path) -> Iterator[plumb.Store]:
    """Stores of flights, one through a server and one through the binary. Both have to pass the test."""
    if request.param == "local":
        opened = plumb.local(flights, binary=BINARY)
    else:
        opened = plumb.connect(request.getfixturevalue("server").url)
    with opened:
        yield opened


@pytest.fixture
def labels(flights: Path) -> pd.DataFrame:
    """The label rows of flights."""
    return pd.read_parquet(flights / "data" / "labels.parquet")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, so that a test can check that none are left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


TYPES = ("BOOL", "INT32", "INT64", "FLOAT32", "FLOAT64", "STRING", "BYTES", "TIMESTAMP")
TINY = -(2**63)
VALUES: dict[str, tuple[pa.DataType, list[object]]] = {
    "BOOL": (pa.bool_(), [True, False, None]),
    "INT32": (pa.int32(), [-(2**31), 2**31 - 1, None]),
    "INT64": (pa.int64(), [2**53 + 1, TINY, None]),
    "FLOAT32": (pa.float32(), [float("nan"), -0.0, None]),
    "FLOAT64": (pa.float64(), [float("nan"), -0.0, None]),
    "STRING": (pa.string(), ["", "a\x00ü", None]),
    "BYTES": (pa.binary(), [b"", b"\x00\xff", None]),
    "TIMESTAMP": (pa.timestamp("us", "UTC"), [1, -1, None]),
}


def world_table() -> pa.Table:
    """Three rows with a feature of every type and of arrays of every type: extremes, their neighbours, and null."""
    columns: dict[str, pa.Array] = {
        "key": pa.array([1, 2, 3], pa.int64()),
        "at": pa.array([0, 0, 0], pa.timestamp("us", "UTC")),
    }
    for name, (kind, values) in VALUES.items():
        columns[f"a_{name.lower()}"] = pa.array(values, kind)
        columns[f"some_{name.lower()}"] = pa.array([values, [], None], pa.list_(kind))
    return pa.table(columns)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one view of every type, applied and materialized."""
    project = tmp_path_factory.mktemp("world")
    (project / "data").mkdir()
    (project / "features").mkdir()
    pq.write_table(world_table(), project / "data" / "world.parquet")
    features = "".join(
        f"      - {{name: a_{name.lower()}, type: {name}}}\n      - {{name: some_{name.lower()}, type: {name}_ARRAY}}\n"
        for name in TYPES
    )
    (project / "plumb.yaml").write_text(
        "project: world\ndefinitions: [features]\nregistry: sqlite:.plumb/registry.db\n"
        "online_store: sqlite:.plumb/online.db\noffline: {roots: [data]}\nserving: {grpc: 127.0.0.1:6570}\n"
    )
    (project / "features" / "all.yaml").write_text(
        "entities:\n  - {name: thing, join_keys: [{name: key, type: INT64}]}\n"
        "sources:\n  - {name: world, parquet: {path: data/world.parquet}, event_timestamp: at}\n"
        f"feature_views:\n  - name: every\n    entities: [thing]\n    source: world\n    features:\n{features}"
    )
    run("apply", "--project-dir", project)
    run("materialize", "--project-dir", project, "--to", "2013-01-01T00:00:00Z")
    return project


@pytest.fixture(scope="session")
def world_server(world: Path) -> Iterator[Served]:
    """A server of the world."""
    served = Served(world)
    yield served
    served.stop()


@pytest.fixture(params=["local", "connect"])
def world_store(request: pytest.FixtureRequest, world: Path) -> Iterator[plumb.Store]:
    """Stores of the world, one through a server and one through the binary."""
    if request.param == "local":
        opened = plumb.local(world, binary=BINARY)
    else:
        opened = plumb.connect(request.getfixturevalue("world_server").url)
    with opened:
        yield opened
