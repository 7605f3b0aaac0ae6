"""Training sets that the client writes have the same manifest as those of plumb historical."""

from __future__ import annotations

import json
import subprocess
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import BINARY, run

import plumbstore as plumb


def verify(flights: Path, file: Path) -> None:
    """Checks everything that the manifest says of the file and its inputs."""
    said = run("dataset", "verify", file, "--project-dir", flights)
    assert "is what its manifest says, and so is all that it was made of" in said


def within(file: Path) -> str:
    return str(pq.read_metadata(file).metadata[b"plumb.manifest"].decode())


def beside(file: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads(file.with_name(f"{file.name}.manifest").read_text())
    return content


def test_it_is_that_of_the_command_line(
    store: plumb.Store, flights: Path, labels: pd.DataFrame, tmp_path: Path
) -> None:
    made = store.historical(labels, service="delay_model", statuses=True, event_timestamps=True, manifest=True)
    made.to_parquet(tmp_path / "train.parquet")
    verify(flights, tmp_path / "train.parquet")

    pq.write_table(pa.Table.from_pandas(labels), tmp_path / "labels.parquet")
    join: list[str | Path] = ["historical", "--project-dir", flights, "--labels", tmp_path / "labels.parquet"]
    options = ["--service", "delay_model", "--statuses", "--event-timestamps", "--labels-by-content"]
    run(*join, *options, "--out", tmp_path / "cli.parquet")
    assert within(tmp_path / "train.parquet") == within(tmp_path / "cli.parquet")

    ours, theirs = beside(tmp_path / "train.parquet"), beside(tmp_path / "cli.parquet")
    assert list(ours) == list(theirs)
    assert {name for name in ours if ours[name] != theirs[name]} == {"created_at", "file", "digest"}
    manifest = made.manifest
    assert manifest is not None
    assert (manifest.rows, manifest.digest) == (2904, ours["output"]["digest"])  # type: ignore[index]

    read = plumb.manifest(tmp_path / "cli.parquet")
    assert (read.content, read.digest) == (theirs, manifest.digest)
    assert (read.service, read.revision) == ("delay_model", theirs["revision"])
    assert set(read.views) == {"weather", "plane", "carrier_day", "airport_hour"}
    assert all(digest.startswith("sha256:") for digest in read.sources.values())
    with pytest.raises(plumb.InputError, match="holds no manifest"):
        plumb.manifest(tmp_path / "labels.parquet")


def test_a_training_set_is_rebuilt_from_its_manifest(
    store: plumb.Store, flights: Path, labels: pd.DataFrame, tmp_path: Path
) -> None:
    file = tmp_path / "train.parquet"
    store.historical(labels, features=["carrier_day:*", "plane:year"], manifest=True).to_parquet(file)
    said = run("dataset", "rebuild", file, "--project-dir", flights, "--out", tmp_path / "again.parquet")
    assert "the same as they were" in said
    file.unlink()
    again: list[str | Path] = ["dataset", "rebuild", f"{file}.manifest", "--project-dir", flights]
    again += ["--out", tmp_path / "b.parquet"]
    done = subprocess.run([BINARY, *again], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the training set is not there; name a file that holds them with --labels" in done.stdout
    labels.to_parquet(tmp_path / "kept.parquet")
    run(*again, "--labels", tmp_path / "kept.parquet")


KINDS: dict[str, pa.Array] = {
    "bools": pa.array([True, None]),
    "int8s": pa.array([-1, None], pa.int8()),
    "uint64s": pa.array([2**63, None], pa.uint64()),
    "float16s": pa.array([1.5, None], pa.float16()),
    "float32s": pa.array([float("nan"), -0.0], pa.float32()),
    "nulls": pa.nulls(2),
    "large": pa.array(["a", None], pa.large_string()),
    "bytes16": pa.array([b"0123456789abcdef", None], pa.binary(16)),
    "large_bytes": pa.array([b"", None], pa.large_binary()),
    "dates": pa.array([date(2013, 7, 1), None]),
    "dates64": pa.array([date(2013, 7, 1), None], pa.date64()),
    "times": pa.array([time(1, 2, 3), None], pa.time32("s")),
    "times64": pa.array([time(1, 2, 3, 4), None], pa.time64("us")),
    "seconds": pa.array([datetime(2013, 7, 1), None], pa.timestamp("s")),
    "nanoseconds": pa.array([1, None], pa.timestamp("ns")),
    "zoned": pa.array([1, None], pa.timestamp("ns", "America/New_York")),
    "decimals": pa.array([Decimal("1.10"), None], pa.decimal128(9, 2)),
    "categories": pa.array(["x", None], pa.dictionary(pa.int8(), pa.string())),
    "numbers": pa.array([7, 8]).dictionary_encode(),
    "lists": pa.array([["a", None], None], pa.list_(pa.string())),
    "large_lists": pa.array([[1, None], []], pa.large_list(pa.int32())),
    "pairs": pa.array([[1.0, 2.0], [3.0, None]], pa.list_(pa.float32(), 2)),
    "structs": pa.array([{"a": 1, "b": "x"}, None], pa.struct([("a", pa.int64()), ("b", pa.string())])),
}


@pytest.mark.parametrize("column", KINDS)
def test_label_columns_of_every_type_are_described(
    store: plumb.Store, flights: Path, tmp_path: Path, column: str
) -> None:
    given = pa.table(
        {
            "airport": ["JFK", None],
            "event_timestamp": pa.array([datetime(2013, 7, 1, 12), datetime(2013, 7, 2)], pa.timestamp("us")),
            column: KINDS[column],
        }
    )
    file = tmp_path / "train.parquet"
    store.historical(given, features=["weather:temp"], manifest=True).to_parquet(file)
    verify(flights, file)
    run("dataset", "rebuild", file, "--project-dir", flights, "--out", tmp_path / "again.parquet")


@pytest.mark.parametrize("store", ["connect"], indirect=True)
def test_a_label_file_travels_as_its_rows(store: plumb.Store, flights: Path, tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    named = store.historical(flights / "data" / "labels.parquet", service="delay_model", manifest=True)
    named.to_parquet(file)
    verify(flights, file)
    assert list(beside(file)["labels"]) == ["content"]  # type: ignore[call-overload]


@pytest.mark.parametrize("store", ["local"], indirect=True)
def test_a_label_file_of_the_project_is_named(store: plumb.Store, flights: Path, tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    named = store.historical(flights / "data" / "labels.parquet", service="delay_model", manifest=True)
    named.to_parquet(file)
    verify(flights, file)
    assert beside(file)["labels"]["path"] == "data/labels.parquet"  # type: ignore[index]
    run("dataset", "rebuild", file, "--project-dir", flights, "--out", tmp_path / "again.parquet")


def test_the_manifest_is_known_once_the_rows_have_been_read(store: plumb.Store, labels: pd.DataFrame) -> None:
    assert store.historical(labels, features=["plane:year"]).manifest is None
    made = store.historical(labels, features=["plane:year"], manifest=True)
    if "connect" in repr(store):
        with pytest.raises(plumb.PreconditionError, match="known once its last row has been read"):
            _ = made.manifest
    made.to_pandas()
    assert made.manifest is not None
    assert [column["name"] for column in made.manifest.columns] == made.columns


def test_rows_that_were_kept_are_described_too(
    store: plumb.Store, flights: Path, labels: pd.DataFrame, tmp_path: Path
) -> None:
    labels["carrier"] = labels["carrier"].astype("category")
    made = store.historical(labels, features=["carrier_day:*"], manifest=True)
    made.to_pandas()
    made.to_parquet(tmp_path / "train.parquet")
    verify(flights, tmp_path / "train.parquet")
    assert isinstance(pd.read_parquet(tmp_path / "train.parquet")["carrier"].dtype, pd.CategoricalDtype)


def test_a_file_without_one_has_none_beside_it(store: plumb.Store, labels: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    store.historical(labels, features=["plane:year"], manifest=True).to_parquet(file)
    store.historical(labels, features=["plane:year"]).to_parquet(file)
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["train.parquet"]
    assert b"plumb.manifest" not in (pq.read_metadata(file).metadata or {})


def test_what_cannot_be_described_is_refused(store: plumb.Store, labels: pd.DataFrame, tmp_path: Path) -> None:
    labels["waited"] = timedelta(minutes=1)
    with pytest.raises(plumb.InputError, match="label column 'waited' is duration"):
        store.historical(labels, features=["plane:year"], manifest=True)
    made = store.historical(labels.drop(columns="waited"), features=["plane:year"], manifest=True)
    with pytest.raises(plumb.InputError, match=r"train\.pq has to end in \.parquet"):
        made.to_parquet(tmp_path / "train.pq")
    made.to_parquet(tmp_path / "train.parquet")
