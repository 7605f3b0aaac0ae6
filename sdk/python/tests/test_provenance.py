"""The provenance of values: in columns of a training set, and apart from the columns of a look-up."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import BINARY, Served, run

import plumbstore as plumb
from plumbstore.provenance import COUNTED, ROW, provenance_of
from plumbstore.v1 import serving_pb2 as sv

AT = dt.datetime(2013, 7, 3, 20, 30, tzinfo=dt.timezone.utc)
KEYS = {"airport": ["JFK", "LAX"]}
COLUMNS = [
    "weather__definition_revision",
    "weather__definition_hash",
    "weather__source_file",
    "weather__event_timestamp",
    "weather__created_timestamp",
    "weather__age_micros",
]


@pytest.fixture(params=["local", "connect"])
def changing(request: pytest.FixtureRequest, project: Path) -> Iterator[plumb.Store]:
    if request.param == "local":
        yield plumb.local(project, binary=BINARY)
        return
    served = Served(project)
    with plumb.connect(served.url) as store:
        yield store
    served.stop()


def test_a_training_set_has_the_file_times_and_age_of_each_row(store: plumb.Store, tmp_path: Path) -> None:
    labels = pa.table({"airport": ["JFK", "LAX"], "event_timestamp": pa.array([AT, AT], pa.timestamp("us", "UTC"))})
    pq.write_table(labels, tmp_path / "labels.parquet")
    for given in (labels, tmp_path / "labels.parquet"):
        result = store.historical(given, features=["weather:temp"], provenance=True)
        assert result.provenance is None
        assert result.columns == ["airport", "event_timestamp", "temp", *COLUMNS]
        found, missing = result.to_arrow().to_pylist()
        assert [found[name] for name in COLUMNS if not name.endswith("hash")] == [
            1,
            "data/weather.parquet",
            AT.replace(minute=0),
            None,
            1_800_000_000,
        ]
        assert [missing[name] for name in COLUMNS[2:]] == [None] * 4
        looked_up = store.online(features=["weather:temp"], keys=KEYS, at=AT, provenance=True).provenance
        assert looked_up is not None
        assert found["weather__definition_hash"] == looked_up["weather"].definition_hash


def test_a_look_up_returns_what_wrote_each_row(store: plumb.Store, flights: Path) -> None:
    result = store.online(features=["weather:temp"], keys=KEYS, at=AT, provenance=True)
    assert result.columns == ["airport", "temp"]
    assert result.provenance is not None
    assert list(result.provenance) == ["weather"]
    weather = result.provenance["weather"]
    assert (weather.alias, weather.view, weather.definition_revision) == ("weather", "weather", 1)
    assert len(bytes.fromhex(weather.definition_hash)) == 32
    views = json.loads(run("status", "--project-dir", flights, "--output", "json"))["views"]
    (by,) = (view["last_run"]["run"] for view in views if view["view"] == "weather")
    assert weather.rows.schema == ROW
    assert weather.rows.to_pylist() == [
        {
            "origin": "RUN",
            "run": by,
            "pushed_timestamp": None,
            "event_timestamp": AT.replace(minute=0),
            "created_timestamp": None,
            "age_micros": 1_800_000_000,
            "schema_id": 1,
        },
        dict.fromkeys(ROW.names) | {"origin": "NO_ROW"},
    ]


def test_each_use_of_a_view_has_provenance_with_created_times(store: plumb.Store) -> None:
    keys = {"origin": "JFK", "dest": "LAX", "carrier": "DL", "tailnum": "N187DN"}
    result = store.online(service="delay_model", keys=keys, at=AT, provenance=True)
    assert result.provenance is not None
    uses = [(use.alias, use.view, use.rows["origin"].to_pylist()) for use in result.provenance.values()]
    assert uses == [
        ("origin_weather", "weather", ["RUN"]),
        ("dest_weather", "weather", ["NO_ROW"]),
        ("plane", "plane", ["RUN"]),
        ("carrier_day", "carrier_day", ["RUN"]),
        ("airport_hour", "airport_hour", ["RUN"]),
    ]
    (created,) = result.provenance["carrier_day"].rows["created_timestamp"].to_pylist()
    assert created == dt.datetime(2013, 7, 3, 6, 37, tzinfo=dt.timezone.utc)


def test_provenance_is_returned_if_it_is_asked_for(store: plumb.Store) -> None:
    assert store.online(features=["weather:temp"], keys=KEYS, at=AT).provenance is None


def test_a_pushed_row_has_the_time_at_which_it_was_accepted(changing: plumb.Store) -> None:
    before = dt.datetime.now(dt.timezone.utc)
    row = {"airport": ["JFK"], "event_timestamp": [AT], "temp": [78.5]}
    others = {name: [1.0] for name in ("wind_speed", "gust", "precip", "visib")}
    assert changing.push("weather", pd.DataFrame(row | others)).written == 1
    result = changing.online(features=["weather:temp"], keys=KEYS, at=AT, provenance=True)
    assert result.provenance is not None
    pushed = result.provenance["weather"].rows.to_pylist()[0]
    assert (pushed["origin"], pushed["run"], pushed["age_micros"]) == ("PUSH", None, 0)
    assert before - dt.timedelta(seconds=1) < pushed["pushed_timestamp"] < before + dt.timedelta(minutes=5)


WINDOWS = """
sources:
  - {name: winds, parquet: {path: data/weather.parquet}, event_timestamp: observed_at}
feature_views:
  - name: winds
    entities: [airport]
    source: winds
    aggregations: [{of: wind_speed, functions: [max], windows: [6h, 1d]}, {functions: [rows], windows: [1d]}]
  - name: gusts
    entities: [airport]
    source: winds
    aggregations: [{of: wind_gust, functions: [max], windows: [1d]}]
"""


def test_a_look_up_returns_what_windows_count(changing: plumb.Store, project: Path) -> None:
    (project / "features" / "winds.yaml").write_text(WINDOWS)
    run("apply", "--project-dir", project, "--yes")
    run("materialize", "--project-dir", project, "--to", "2013-07-03T20:30:00Z")
    features = ["winds:max_wind_speed_6h", "gusts:max_wind_gust_1d", "weather:temp"]
    found = changing.online(features=features, keys=KEYS, at=AT, provenance=True).provenance
    assert found is not None
    assert found["winds"].rows.schema == pa.schema([*ROW, *COUNTED])
    assert found["weather"].rows.schema == ROW
    begin = AT.replace(day=2, minute=0)
    nothing = dict.fromkeys(COUNTED.names)
    counted = [found[view].rows.select(COUNTED.names).to_pylist() for view in ("winds", "gusts")]
    assert counted[0] == [{"events": 24, "earliest_event_timestamp": None, "earliest_event_after": begin}, nothing]
    assert counted[1] == [{"events": None, "earliest_event_timestamp": None, "earliest_event_after": begin}, nothing]


def of_two_rows() -> sv.ViewProvenance:
    return sv.ViewProvenance(
        alias="there",
        view="weather",
        definition_hash=b"\x01\xff",
        origins=bytes([sv.ViewProvenance.UNKNOWN, sv.ViewProvenance.NO_ROW]),
        runs=[0, 0],
        pushed_timestamps=[0, 0],
        event_timestamps=[-1, 0],
        created_timestamps=[0, 0],
        created_nulls=b"\x01\x00",
        age_micros=[2**63 - 1, 0],
        schema_ids=[3, 0],
    )


def test_what_is_not_known_is_null() -> None:
    told = provenance_of([of_two_rows()], 2)["there"]
    assert (told.definition_revision, told.definition_hash) == (None, "01ff")
    assert told.rows.to_pylist()[0] == {
        "origin": "UNKNOWN",
        "run": None,
        "pushed_timestamp": None,
        "event_timestamp": dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, dt.timezone.utc),
        "created_timestamp": None,
        "age_micros": 2**63 - 1,
        "schema_id": 3,
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda use: use.runs.pop(),
        lambda use: use.age_micros.append(1),
        lambda use: setattr(use, "created_nulls", b"\x01"),
        lambda use: setattr(use, "origins", b"\x01\x63"),
    ],
)
def test_an_answer_that_is_not_whole_is_a_fault(spoil: Callable[[sv.ViewProvenance], object]) -> None:
    use = of_two_rows()
    spoil(use)
    with pytest.raises(plumb.Fault, match="the provenance of there cannot be read"):
        provenance_of([use], 2)
    with pytest.raises(plumb.Fault, match="has 2 rows, but 3 were requested"):
        provenance_of([of_two_rows()], 3)
