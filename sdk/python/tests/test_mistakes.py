"""Bad input gives one clear sentence, the same from a server as from the binary."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from conftest import BINARY

import plumb

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
        'no column "dest", the join key airport of view weather; it has flight_id, origin, carrier',
    ),
    "no time column": (
        lambda labels: labels.drop(columns="event_timestamp"),
        {"service": SERVICE},
        plumb.InputError,
        'no column "event_timestamp"',
    ),
    "text for times": (
        lambda labels: labels.assign(event_timestamp="noon"),
        {"service": SERVICE},
        plumb.InputError,
        'label column "event_timestamp": VARCHAR is no time; it has to be a timestamp or a date',
    ),
    "null times": (
        lambda labels: labels.assign(event_timestamp=labels["event_timestamp"].where(labels.index != 1)),
        {"service": SERVICE},
        plumb.InputError,
        'label column "event_timestamp" is null in 1 rows, first in row 2; every label row needs an instant',
    ),
    "no times at all": (
        lambda labels: labels.assign(event_timestamp=None),
        {"service": SERVICE},
        plumb.InputError,
        'label column "event_timestamp" is null in 2904 rows, first in row 1',
    ),
    "one name twice": (
        two_columns_of_one_name,
        {"service": SERVICE},
        plumb.InputError,
        "the labels have two columns of the name 'origin'; rename one of them",
    ),
    "a name that is no text": (
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
        "nowhere.parquet",
    ),
    "not such a file": (
        lambda _: "labels.xlsx",
        {"service": SERVICE},
        plumb.InputError,
        "labels.xlsx",
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
        (KEYS, {"service": SERVICE, "at": "noon"}, plumb.InputError, "at: 'noon' is no instant; write it like"),
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


def test_a_binary_that_is_not_there_says_where_it_was_looked_for(
    flights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("PLUMB_BINARY", raising=False)
    with pytest.raises(plumb.InputError, match="there is no plumb on PATH; install it, or say where it is"):
        plumb.local(flights)
    monkeypatch.setenv("PLUMB_BINARY", "/nowhere/plumb")
    with pytest.raises(plumb.InputError, match=r"\$PLUMB_BINARY: /nowhere/plumb is no program that can be run"):
        plumb.local(flights)
    assert plumb.local(flights, binary=BINARY).entities().names == ["airport", "carrier", "plane"]


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(plumb.InputError, match="nowhere is no folder"):
        plumb.local(tmp_path / "nowhere", binary=BINARY)
