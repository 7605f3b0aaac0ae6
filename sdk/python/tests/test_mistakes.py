"""Bad input gives one clear sentence, the same from a server and from the binary."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from conftest import BINARY

import plumbstore as plumb

SERVICE = "delay_model"


def two_columns_of_one_name(labels: pd.DataFrame) -> pd.DataFrame:
    return labels.set_axis([*labels.columns[:-1], "origin"], axis=1)


def batches_that_differ(labels: pd.DataFrame) -> pa.RecordBatchReader:
    first = pa.RecordBatch.from_pandas(labels.head(2), preserve_index=False)
    second = first.set_column(0, "flight_id", pa.array(["a", "b"]))
    return pa.RecordBatchReader.from_batches(first.schema, iter([first, second]))


MISTAKES: dict[str, tuple[Any, dict[str, Any], type[plumb.Error], str]] = {
    "no key column": (
        lambda labels: labels.drop(columns="dest"),
        {"service": SERVICE},
        plumb.InputError,
        'the label table has no column "dest", the join key airport of view weather; it has flight_id, origin, carrier',
    ),
    "no time column": (
        lambda labels: labels.drop(columns="event_timestamp"),
        {"service": SERVICE},
        plumb.InputError,
        'the label table has no column "event_timestamp", the instant of each row',
    ),
    "a time column of nearly that name": (
        lambda labels: labels.rename(columns={"event_timestamp": "event_timestmp"}),
        {"service": SERVICE},
        plumb.InputError,
        'no column "event_timestamp", the instant of each row; did you mean "event_timestmp"?',
    ),
    "text for times": (
        lambda labels: labels.assign(event_timestamp="noon"),
        {"service": SERVICE},
        plumb.InputError,
        'label column "event_timestamp" holds VARCHAR, which is not a time; it has to be a timestamp or a date',
    ),
    "null times": (
        lambda labels: labels.assign(event_timestamp=labels["event_timestamp"].where(labels.index != 1)),
        {"service": SERVICE},
        plumb.InputError,
        'label column "event_timestamp" is null in 1 of 2904 rows, first in row 2; every label row needs an instant',
    ),
    "no times at all": (
        lambda labels: labels.assign(event_timestamp=None),
        {"service": SERVICE},
        plumb.InputError,
        'label column "event_timestamp" is null in 2904 of 2904 rows, first in row 1',
    ),
    "one name twice": (
        two_columns_of_one_name,
        {"service": SERVICE},
        plumb.InputError,
        'the label table has the columns "origin" and "origin"; names have to differ, and not by case alone',
    ),
    "names that differ by case alone": (
        lambda labels: labels.rename(columns={"late": "Origin"}),
        {"service": SERVICE},
        plumb.InputError,
        'the label table has the columns "origin" and "Origin"; names have to differ, and not by case alone',
    ),
    "no columns": (
        lambda labels: labels[[]],
        {"service": SERVICE},
        plumb.InputError,
        "the label table has no columns",
    ),
    "two mistakes": (
        lambda labels: labels.drop(columns=["dest", "tailnum"]),
        {"service": SERVICE},
        plumb.InputError,
        'carrier, event_timestamp, late; the label table has no column "tailnum", the join key tailnum of view plane',
    ),
    "the name of a feature": (
        lambda labels: labels.assign(year=1),
        {"features": ["plane:year"]},
        plumb.InputError,
        'output columns collide: "year" is wanted by label column "year" and by the features',
    ),
    "a name that is not text": (
        lambda labels: labels.assign(x=1).rename(columns={"x": 5}),
        {"service": SERVICE},
        plumb.InputError,
        "label column 5 has a name that is not text; rename it",
    ),
    "values of several types": (
        lambda labels: labels.assign(late=[1, *["x"] * (len(labels) - 1)]),
        {"service": SERVICE},
        plumb.InputError,
        "column late",
    ),
    "an unknown service": (
        lambda labels: labels,
        {"service": "delay_modle"},
        plumb.NotFoundError,
        'no feature service is named "delay_modle"; did you mean "delay_model"?',
    ),
    "an unknown feature": (
        lambda labels: labels,
        {"features": ["plane:yaer"]},
        plumb.NotFoundError,
        'no feature of view plane is named "yaer"; did you mean "year"?',
    ),
    "an unfit key": (
        lambda labels: labels.assign(carrier=1.5),
        {"service": SERVICE},
        plumb.InputError,
        "DOUBLE cannot become STRING",
    ),
    "batches that differ": (
        batches_that_differ,
        {"service": SERVICE},
        plumb.InputError,
        "batch 2 of the labels differs from their schema: column 'flight_id' is string, and not int64",
    ),
    "nothing wanted": (lambda labels: labels, {}, plumb.InputError, "say what is wanted: service='name', or"),
    "too much wanted": (
        lambda labels: labels,
        {"service": SERVICE, "features": ["plane:year"]},
        plumb.InputError,
        "service and features exclude each other; give one of them",
    ),
    "labels that are none": (lambda _: 5, {"service": SERVICE}, plumb.InputError, "labels are a int; give a pandas"),
    "no such file": (
        lambda _: "nowhere.parquet",
        {"service": SERVICE},
        plumb.InputError,
        "cannot read label file nowhere.parquet: no such file or directory",
    ),
    "no such folder": (
        lambda _: "nowhere/labels.csv",
        {"service": SERVICE},
        plumb.InputError,
        "cannot read label file nowhere/labels.csv: no such file or directory",
    ),
    "not such a file": (
        lambda _: "labels.xlsx",
        {"service": SERVICE},
        plumb.InputError,
        "label file labels.xlsx has to end in .parquet, .csv or .arrow",
    ),
    "nothing as the service": (
        lambda labels: labels,
        {"service": ""},
        plumb.InputError,
        "say what is wanted: service='name', or",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_join_gives_one_sentence(
    store: plumb.Store, labels: pd.DataFrame, temporary: Path, mistake: str
) -> None:
    make, wanted, kind, words = MISTAKES[mistake]
    with pytest.raises(kind, match=re.escape(words)) as raised:
        store.historical(make(labels), **wanted)
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)
    assert str(temporary) not in str(raised.value)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda file: file.mkdir(), "it is a folder"),
        (lambda file: file.touch(), "it is not a whole Parquet file"),
        (lambda file: file.write_bytes(b"PAR1 cut short"), "it is not a whole Parquet file"),
    ],
    ids=["a folder", "an empty file", "a file cut short"],
)
def test_a_label_file_that_is_none_is_named(store: plumb.Store, tmp_path: Path, make: Any, words: str) -> None:
    file = tmp_path / "labels.parquet"
    make(file)
    with pytest.raises(plumb.InputError, match=re.escape(f"cannot read label file {file}: {words}")):
        store.historical(file, service=SERVICE)


@pytest.mark.parametrize("name", ["delay_modle", "zzz"])
def test_what_is_not_registered_has_one_name(store: plumb.Store, labels: pd.DataFrame, name: str) -> None:
    said = []
    for ask in (lambda: store.historical(labels, service=name), lambda: store.feature_service(name)):
        with pytest.raises(plumb.NotFoundError, match=f'^no feature service is named "{name}"') as raised:
            ask()
        said.append(str(raised.value))
    assert said[0] == said[1]


@pytest.mark.parametrize(("values", "value"), [([1, 1.5], "1.5"), (["1", "x"], "x")])
def test_r9_a_label_key_that_does_not_fit_is_named(world_store: plumb.Store, values: list[Any], value: str) -> None:
    labels = pd.DataFrame({"key": values, "event_timestamp": pd.Timestamp("2020-01-01")})
    with pytest.raises(plumb.InputError) as raised:
        world_store.historical(labels, features=["every:a_int64"])
    words = f'view every: label column "key", row 2 of the labels: {value} does not fit INT64 exactly'
    assert str(raised.value) == words


def test_a_file_that_cannot_be_written_leaves_the_rows(
    store: plumb.Store, labels: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "file").touch()
    joined = store.historical(labels, service=SERVICE)
    for path, words in (
        ("nowhere/out.parquet", f"folder {tmp_path}/nowhere: no such file or directory"),
        ("file/out.parquet", f"{tmp_path}/file is not a folder"),
        ("folder.parquet", "it is a folder"),
    ):
        with pytest.raises(plumb.InputError, match=re.escape(f"cannot write {tmp_path / path}: {words}")):
            joined.to_parquet(tmp_path / path)
    joined.to_parquet(tmp_path / "out.parquet")


def test_the_label_file_is_not_written_over(store: plumb.Store, labels: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "labels.parquet"
    labels.to_parquet(file)
    (tmp_path / "link.parquet").symlink_to(file)
    before = file.read_bytes()
    joined = store.historical(file, service=SERVICE)
    for name in ("labels.parquet", "link.parquet"):
        with pytest.raises(plumb.InputError, match=f"{name} is the label file; name another one"):
            joined.to_parquet(tmp_path / name)
    assert file.read_bytes() == before


KEYS: dict[str, Any] = {"origin": ["JFK"], "dest": ["LAX"], "carrier": ["DL"], "tailnum": ["N187DN"]}


@pytest.mark.parametrize(
    ("keys", "wanted", "kind", "words"),
    [
        ({"origin": ["JFK"]}, {"service": SERVICE}, plumb.InputError, "dest"),
        ({**KEYS, "shoe": ["44"]}, {"service": SERVICE}, plumb.InputError, "shoe"),
        ({**KEYS, "origin": ["JFK", "EWR"]}, {"service": SERVICE}, plumb.InputError, "origin has 2, dest has 1"),
        (
            {**KEYS, "origin": [b"JFK"]},
            {"service": SERVICE},
            plumb.InputError,
            "key origin: binary cannot become STRING",
        ),
        ({**KEYS, "origin": [1, "a"]}, {"service": SERVICE}, plumb.InputError, "key origin: "),
        (KEYS, {"service": "nope"}, plumb.NotFoundError, 'service is named "nope"'),
        (KEYS, {"features": ["plane"]}, plumb.InputError, '"plane" is not of the form view:feature or view:*'),
        (KEYS, {"features": ["plane:yaer"]}, plumb.NotFoundError, 'no feature of view plane is named "yaer"'),
        (KEYS, {"service": SERVICE, "at": "noon"}, plumb.InputError, "at: 'noon' is not an instant; write it like"),
    ],
)
def test_a_mistake_in_a_look_up_gives_one_sentence(
    store: plumb.Store, keys: Any, wanted: dict[str, Any], kind: type[plumb.Error], words: str
) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        store.online(keys=keys, **wanted)


@pytest.mark.parametrize("keys", [[1.5], ["1.5"], [2**63], [True], [" 1"]])
def test_r9_keys_are_exact(world_store: plumb.Store, keys: list[Any]) -> None:
    with pytest.raises(plumb.InputError, match="key"):
        world_store.online(features=["every:a_int64"], keys={"key": keys})


@pytest.mark.parametrize("keys", [[1.0, None], ["1", None], pd.Series([1, None]), pd.array([1, None], dtype="Int64")])
def test_r9_keys_are_brought_to_their_type(world_store: plumb.Store, keys: Any) -> None:
    found = world_store.online(features=["every:a_int64"], keys={"key": keys}, statuses=True).to_pandas()
    assert found["a_int64"].tolist() == [2**53 + 1, pd.NA]
    assert found["a_int64__status"].tolist() == ["PRESENT", "NOT_FOUND"]


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(plumb.UnavailableError, match=f"no server answers at {address}; start one with plumb serve"):
            plumb.connect(f"grpc://{address}")


@pytest.mark.parametrize("url", ["127.0.0.1:6570", "http://127.0.0.1:6570", "grpc://127.0.0.1", "grpc://h:port"])
def test_an_address_that_is_none_says_how_to_write_it(url: str) -> None:
    with pytest.raises(plumb.InputError, match="write it like grpc://127.0.0.1:6570"):
        plumb.connect(url)


def test_the_error_for_a_missing_binary_says_how_to_give_its_path(
    flights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("PLUMB_BINARY", raising=False)
    with pytest.raises(plumb.InputError, match="plumb is not on PATH; install it, or give its path"):
        plumb.local(flights)
    monkeypatch.setenv("PLUMB_BINARY", "/nowhere/plumb")
    with pytest.raises(plumb.InputError, match=r"\$PLUMB_BINARY: /nowhere/plumb is not an executable program"):
        plumb.local(flights)
    assert plumb.local(flights, binary=BINARY).entities().names == ["airport", "carrier", "plane"]


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(plumb.InputError, match="nowhere is not a folder"):
        plumb.local(tmp_path / "nowhere", binary=BINARY)
