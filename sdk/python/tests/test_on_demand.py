"""Features of on-demand views come with look-ups and joins, computed from request inputs and stored features."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import BINARY, TYPES, VALUES, Served
from trips import AT, NOON, make

import plumbstore as plumb


@pytest.fixture(scope="module")
def trips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("trips")
    make(project)
    return project


@pytest.fixture(scope="module")
def trips_server(trips: Path) -> Iterator[Served]:
    served = Served(trips)
    yield served
    served.stop()


@pytest.fixture(params=["local", "connect"])
def store(request: pytest.FixtureRequest, trips: Path) -> Iterator[plumb.Store]:
    """Stores of the trips, one through a server and one through the binary. Both have to pass the test."""
    if request.param == "local":
        opened = plumb.local(trips, binary=BINARY)
    else:
        opened = plumb.connect(request.getfixturevalue("trips_server").url)
    with opened:
        yield opened


KEYS: dict[str, Any] = {"origin": ["JFK", "EWR", "nowhere", None]}
INPUTS: dict[str, Any] = {"distance": [2.5, 1.0, None, 4.0], "bags": [9, 5, 6, None]}


def test_r25_features_are_computed_from_inputs_and_stored_features(store: plumb.Store) -> None:
    found = store.online(service="trips", keys=KEYS, inputs=INPUTS, at=AT, statuses=True, event_timestamps=True)
    ten = NOON.replace(hour=10)
    assert found.to_dict() == {
        **KEYS,
        **INPUTS,
        "warmth": [80.0, None, None, None],
        "warmth__status": ["PRESENT", "NULL", "NULL", "NULL"],
        "each": [2, None, None, None],
        "each__status": ["PRESENT", "INVALID", "NULL", "NULL"],
        "hour": [12, 12, 12, 12],
        "hour__status": ["PRESENT"] * 4,
        "temp": [77.5, None, None, None],
        "temp__status": ["PRESENT", "NULL", "NOT_FOUND", "NOT_FOUND"],
        "origin_weather__event_timestamp": [ten, ten, None, None],
    }


def test_r26_a_value_that_does_not_exist_is_null_in_every_form(store: plumb.Store) -> None:
    wanted: dict[str, Any] = {"features": ["trip:each"], "statuses": True, "at": AT}
    found = store.online(keys={"origin": ["JFK", "EWR"]}, inputs={"bags": [9, 5]}, **wanted)
    statuses = ["PRESENT", "INVALID"]
    assert (found.to_dict()["each"], found.to_dict()["each__status"]) == ([2, None], statuses)
    assert found.to_arrow().select(["each", "each__status"]).to_pydict() == {
        "each": [2, None],
        "each__status": statuses,
    }
    assert found.to_pandas()["each"].tolist() == [2, pd.NA]
    assert found.to_polars()["each"].to_list() == [2, None]


def test_r17_look_ups_give_what_joins_give(store: plumb.Store) -> None:
    labels = pa.table({**KEYS, **INPUTS, "event_timestamp": pa.array([NOON] * 4, pa.timestamp("us", "UTC"))})
    wanted: dict[str, Any] = {"service": "trips", "statuses": True}
    joined = store.historical(labels, **wanted).to_arrow()
    found = store.online(keys=KEYS, inputs=INPUTS, at=AT, **wanted).to_arrow()
    assert found.column_names == [name for name in joined.column_names if name != "event_timestamp"]
    assert found.to_pydict() == joined.drop_columns("event_timestamp").to_pydict()
    assert joined["each__status"].to_pylist() == ["PRESENT", "INVALID", "NULL", "NULL"]


def test_r26_a_join_counts_the_values_that_do_not_exist(store: plumb.Store) -> None:
    labels = pa.table({**KEYS, **INPUTS, "event_timestamp": [NOON] * 4})
    result = store.historical(labels, service="trips")
    result.to_arrow()
    report = result.report
    assert report is not None
    assert report.invalid == (plumb.InvalidValues("trip", "each", 1),)
    assert str(report).endswith("\n  trip: each INVALID in 1 row")


def test_the_plan_of_an_on_demand_view_names_its_kind(store: plumb.Store, trips: Path) -> None:
    text = (trips / "features" / "all.yaml").read_text().replace("here.temp + distance", "here.temp - distance")
    changes = store.plan(text).changes
    assert [(c.action, c.kind, c.name) for c in changes] == [("alter", "on-demand view", "trip")]
    assert [h.code for h in changes[0].hazards] == ["PB112"]


def test_a_join_needs_the_inputs_as_label_columns(store: plumb.Store) -> None:
    labels = pa.table({"origin": ["JFK"], "event_timestamp": [NOON]})
    with pytest.raises(plumb.InputError, match='no column "bags", the request input bags of on-demand view trip'):
        store.historical(labels, features=["trip:each"])


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_inputs_may_be_anything_that_holds_rows(store: plumb.Store, make: type) -> None:
    for keys in (KEYS, make(KEYS)):
        found = store.online(service="trips", keys=keys, inputs=make(INPUTS), at=AT)
        assert found.to_dict()["warmth"] == [80.0, None, None, None]
        assert found.columns[:3] == ["origin", "distance", "bags"]
        assert found.to_pandas()["each"].tolist() == [2, pd.NA, pd.NA, pd.NA]


@pytest.mark.parametrize(
    "distances",
    [
        [3, None],
        (3.0, None),
        np.array([3.0, 1.0]),
        np.array([3, 1], dtype="int8"),
        pd.Series([3, None], dtype="Int64"),
        pl.Series([3.0, None]),
        pa.chunked_array([[3.0], [None]]),
    ],
    ids=lambda values: type(values).__name__,
)
def test_r9_inputs_are_brought_to_their_type(store: plumb.Store, distances: Any) -> None:
    keys = {"origin": ["JFK", "EWR"]}
    found = store.online(features=["trip:warmth"], keys=keys, inputs={"distance": distances}, at=AT)
    assert found.to_dict()["warmth"] == [80.5, None]


def test_a_single_value_is_one_row(store: plumb.Store) -> None:
    found = store.online(features=["trip:warmth"], keys={"origin": "JFK"}, inputs={"distance": 3}, at=AT)
    assert found.to_dict() == {"origin": ["JFK"], "distance": [3], "warmth": [80.5]}


@pytest.mark.parametrize("declared", TYPES)
def test_inputs_of_every_type_arrive_as_given(store: plumb.Store, declared: str) -> None:
    kind, values = VALUES[declared]
    ask = {
        declared.lower(): pa.array([*values, None], kind),
        f"{declared.lower()}_array": pa.array([values, [], None, [None]], pa.list_(kind)),
    }
    found = store.online(features=[f"echo:the_{name}" for name in ask], inputs=ask, statuses=True).to_arrow()
    for name, given in ask.items():
        assert repr(found[f"the_{name}"].to_pylist()) == repr(given.to_pylist())
        expected = ["PRESENT" if each.is_valid else "NULL" for each in given]
        assert found[f"the_{name}__status"].to_pylist() == expected


def test_r1_times_and_bytes_may_be_pythons_own(store: plumb.Store) -> None:
    naive, zoned = dt.datetime(2013, 1, 1, 12), NOON.astimezone(dt.timezone(dt.timedelta(hours=5)))
    inputs = {"timestamp": [naive, zoned, None], "bytes": [b"\x00\xff", b"", None]}
    found = store.online(features=["echo:the_timestamp", "echo:the_bytes"], inputs=inputs).to_dict()
    assert found["the_timestamp"] == [NOON, NOON, None]
    assert found["the_bytes"] == inputs["bytes"]


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1.5, 2.5], [3.5, np.inf]]),
        [[1.5, 2.5], [3.5, np.inf]],
        [np.array([1.5, 2.5]), np.array([3.5, np.inf])],
        pl.Series([[1.5, 2.5], [3.5, np.inf]]),
    ],
    ids=["matrix", "lists", "vectors", "series"],
)
def test_arrays_may_be_the_rows_of_a_matrix(store: plumb.Store, matrix: Any) -> None:
    found = store.online(features=["echo:the_float32_array"], inputs={"float32_array": matrix}).to_dict()
    assert found["the_float32_array"] == [[1.5, 2.5], [3.5, float("inf")]]


def test_a_service_may_map_the_columns_of_inputs(store: plumb.Store) -> None:
    found = store.online(service="back", keys={"dest": ["JFK"]}, inputs={"miles": [2]}, at=AT).to_dict()
    assert found == {"dest": ["JFK"], "miles": [2], "warmth": [79.5]}


def test_an_input_that_is_also_a_key_is_given_as_a_key(store: plumb.Store) -> None:
    keys, inputs = {"origin": ["JFK"]}, {"distance": [2.0]}
    assert store.online(service="shared", keys=keys, inputs=inputs, at=AT).to_dict()["note"] == ["JFK"]
    with pytest.raises(plumb.InputError, match="origin: is a key.*; give it among the keys"):
        store.online(service="shared", inputs={**keys, **inputs})


def test_a_look_up_without_keys_and_inputs_has_one_row(store: plumb.Store) -> None:
    found = store.online(features=["trip:hour"], at=AT)
    assert len(found) == 1
    assert found.to_dict() == {"hour": [12]}
    assert found.to_pandas()["hour"].tolist() == [12]


def test_frames_of_pandas_keep_their_dtypes_and_their_index(store: plumb.Store) -> None:
    frame = pd.DataFrame(
        {"origin": pd.Categorical(["JFK", None]), "bags": pd.array([9, None], dtype="Int8")},
        index=pd.Index([5, 3], name="request"),
    )
    back = store.online(features=["trip:each"], keys=frame[["origin"]], inputs=frame[["bags"]], at=AT).to_pandas()
    pd.testing.assert_frame_equal(back[["origin", "bags"]], frame)
    alone = store.online(features=["echo:the_int32"], inputs=frame[["bags"]].rename(columns={"bags": "int32"}))
    assert alone.to_pandas().index.tolist() == [5, 3]
    assert str(alone.to_pandas()["int32"].dtype) == "Int8"


MISTAKES: dict[str, tuple[Any, Any, str]] = {
    "no inputs": (KEYS, None, r"distance\b.* is missing"),
    "one missing": (KEYS, {"distance": [1.0] * 4}, r"bags\b.* is missing"),
    "one that is not read": (KEYS, {**INPUTS, "unread": ["x"] * 4}, "unread"),
    "one that nobody knows": (KEYS, {**INPUTS, "shoe": [44] * 4}, "shoe"),
    "among the keys": (
        {**KEYS, **INPUTS},
        None,
        r"distance: is a request input.* and not a key; give it among the inputs.*bags: is a request input",
    ),
    "a key among the inputs": (None, {**KEYS, **INPUTS}, r"origin: is a key.*; give it among the keys"),
    "given twice": (KEYS, {**KEYS, **INPUTS}, "origin: given among the keys and among the inputs; give it once"),
    "of different lengths": (
        KEYS,
        {**INPUTS, "bags": [1]},
        "inputs: the columns differ in length: distance has 4, bags",
    ),
    "not as many as keys": ({"origin": ["JFK"]}, INPUTS, "the keys and the inputs differ in length: 1 and 4"),
    "a fraction": (KEYS, {**INPUTS, "bags": [1, 2, 2.5, 3]}, "input bags, row 3: 2.5 does not fit INT32 exactly"),
    "out of range": (KEYS, {**INPUTS, "bags": [1, 2**31, 2, 3]}, "input bags, row 2: 2147483648 does not fit INT32"),
    "text": (KEYS, {**INPUTS, "bags": ["1"] * 4}, "input bags: string cannot become INT32"),
    "of two types": (KEYS, {**INPUTS, "bags": [1, "a", 2, 3]}, "input bags: "),
    "no table": (KEYS, 5, "inputs are a int; give a pandas or polars DataFrame"),
    "a name that is not text": (KEYS, {5: [1]}, "input column 5 has a name that is not text; rename it"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_inputs_gives_one_sentence(store: plumb.Store, temporary: Path, mistake: str) -> None:
    keys, inputs, words = MISTAKES[mistake]
    with pytest.raises(plumb.InputError, match=words) as raised:
        store.online(service="trips", keys=keys, inputs=inputs)
    assert "\n" not in str(raised.value)
    assert str(temporary) not in str(raised.value)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("float32", [0.1], "input float32, row 1: 0.1 does not fit FLOAT32 exactly"),
        ("string", ["a", "b\ud800"], "input string: "),
        ("timestamp", ["noon"], "input timestamp: string cannot become TIMESTAMP"),
        ("timestamp", np.array(["12000-01-01"], dtype="datetime64[us]"), "is outside the years 1 to 9999 in UTC"),
        ("timestamp_array", [np.array(["12000-01-01"], dtype="datetime64[us]")], "is outside the years 1 to 9999"),
        ("int64_array", [1, 2], "input int64_array: int64 cannot become INT64_ARRAY"),
        ("int64_array", [[1], [2.5]], "input int64_array, row 2: 2.5 is an element that does not fit INT64 exactly"),
        ("int64", np.ones((2, 2)), "cannot become INT64"),
        ("int64", np.ones((2, 2, 2)), "input int64 is a ndarray of columns; give the values of one"),
    ],
)
def test_r9_inputs_are_exact(store: plumb.Store, name: str, values: Any, words: str) -> None:
    with pytest.raises(plumb.InputError, match=words):
        store.online(features=[f"echo:the_{name}"], inputs={name: values})


def test_an_index_that_holds_an_input_is_pointed_out(store: plumb.Store) -> None:
    inputs = pd.DataFrame(INPUTS).set_index("bags")
    with pytest.raises(plumb.InputError, match=r"bags\b.* is missing.*use frame.reset_index\(\)"):
        store.online(service="trips", keys=KEYS, inputs=inputs)


def test_what_does_not_exist_is_named(store: plumb.Store) -> None:
    for features, words in (
        (["trap:warmth"], 'no on-demand view is named "trap"; did you mean "trip"?'),
        (["zzz:warmth"], 'no feature view is named "zzz"'),
        (["trip:wramth"], 'no feature of view trip is named "wramth"'),
    ):
        with pytest.raises(plumb.NotFoundError) as raised:
            store.online(features=features, keys=KEYS, inputs=INPUTS)
        assert str(raised.value).startswith(words)


def test_provenance_has_the_views_that_on_demand_views_read(store: plumb.Store) -> None:
    found = store.online(features=["trip:each"], keys={"origin": "JFK"}, inputs={"bags": 1}, provenance=True)
    assert found.provenance is not None
    assert [(alias, each.view) for alias, each in found.provenance.items()] == [("trip__here", "weather")]
    assert found.computed is not None
    trip = found.computed["trip"]
    assert (trip.alias, trip.view, len(trip.definition_hash)) == ("trip", "trip", 64)
    assert (trip.inputs, trip.views, trip.request_time) == (("bags",), ("trip__here",), False)
    hours = store.online(features=["trip:hour"], inputs={}, provenance=True)
    assert hours.provenance == {}
    assert hours.computed is not None
    assert (hours.computed["trip"].views, hours.computed["trip"].request_time) == ((), True)
    assert store.online(features=["trip:each"], keys={"origin": "JFK"}, inputs={"bags": 1}).computed is None


def test_on_demand_views_are_listed_by_name(store: plumb.Store) -> None:
    views = store.on_demand_views()
    assert views.names == ["echo", "trip"]
    assert views["trip"].cells() == (
        "trip",
        "distance FLOAT64, bags INT32, unread STRING",
        "weather as here",
        "warmth FLOAT64, each INT32, hour INT64, note STRING",
    )
    assert "weather as here" in repr(views)
    assert views["trip"] == store.on_demand_view("trip")
    assert store.feature_views().names == ["weather"]


def test_an_on_demand_view_is_found_by_name(store: plumb.Store) -> None:
    trip = store.on_demand_view("trip")
    assert trip.description == "what is known of a trip"
    assert trip.request[0] == plumb.RequestInput("distance", "FLOAT64", "miles")
    assert trip.request[1].sensitive
    assert trip.views == (plumb.ViewInput("weather", "here", {"airport": "origin"}),)
    assert trip.features[0] == plumb.ComputedFeature("warmth", "FLOAT64", "here.temp + distance", "", {})
    assert trip.features[1].sensitive
    assert store.on_demand_view("echo").views == ()
    with pytest.raises(plumb.NotFoundError, match='no on-demand view is named "trap"; did you mean "trip"'):
        store.on_demand_view("trap")


def test_look_ups_follow_the_newest_definitions(trips: Path, tmp_path: Path) -> None:
    project = tmp_path / "trips"
    shutil.copytree(trips, project, ignore=shutil.ignore_patterns("*.log"))
    served = Served(project)
    with plumb.connect(served.url) as store:
        wanted: dict[str, Any] = {"features": ["trip:warmth"], "keys": {"origin": ["JFK"]}, "at": AT}
        assert store.online(inputs={"distance": [1]}, **wanted).to_dict()["warmth"] == [78.5]
        file = project / "features" / "all.yaml"
        text = file.read_text().replace("name: distance, type: FLOAT64", "name: distance, type: INT64")
        file.write_text(text.replace("here.temp + distance", "here.temp - double(distance)"))
        with plumb.connect(served.url) as other:
            other.apply(project / "features", yes=True)
        stream = pa.table({"distance": [1]}).to_reader()  # It can be read only once.
        assert store.online(inputs=stream, **wanted).to_dict()["warmth"] == [76.5]
    served.stop()
