"""Rows as dicts and as matrices, from joins and from look-ups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import MATERIALIZED, Served

import plumbstore as plumb

KEYS = {"airport": ["JFK", "RUN", None]}
VIEW = ["weather:*"]


def test_rows_as_dicts_are_those_of_the_dict_of_columns(store: plumb.Store) -> None:
    found = store.online(keys=KEYS, features=VIEW, at=MATERIALIZED, statuses=True)
    rows, columns = found.to_pylist(), found.to_dict()
    assert [row["airport"] for row in rows] == KEYS["airport"]
    assert {name: [row[name] for row in rows] for name in columns} == columns
    assert found.to_arrow().to_pylist() == rows


def test_a_matrix_has_nan_where_there_is_no_value(store: plumb.Store) -> None:
    found = store.online(keys=KEYS, features=VIEW, at=MATERIALIZED)
    matrix = found.to_numpy()
    frame = found.to_pandas().drop(columns="airport")
    expected = frame.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    np.testing.assert_array_equal(matrix, expected)
    assert np.isnan(matrix[2]).all()
    assert not np.isnan(matrix[0, 0])


def test_a_join_and_a_look_up_give_equal_matrices(store: plumb.Store, labels: pd.DataFrame) -> None:
    joined = store.historical(labels.head(9), service="delay_model")
    wanted = ["plane__seats", "carrier_day__flights", "origin_weather__temp"]
    table = joined.to_arrow()
    matrix = joined.to_numpy(wanted)
    assert matrix.shape == (9, 3)
    for place, name in enumerate(wanted):
        column = [np.nan if value is None else float(value) for value in table[name].to_pylist()]
        np.testing.assert_array_equal(matrix[:, place], np.array(column))


def test_readers_of_dlpack_take_a_matrix_without_a_copy(world_store: plumb.Store) -> None:
    features = ["every:a_bool", "every:a_int32", "every:a_float32", "every:a_float64"]
    found = world_store.online(keys={"key": [1, 2, 3, 4]}, features=features)
    matrix = found.to_numpy(dtype="float32")
    expected = np.array(
        [
            [1, -(2.0**31), np.nan, np.nan],
            [0, np.float32(2**31 - 1), -0.0, -0.0],
            [np.nan] * 4,
            [np.nan] * 4,
        ],
        np.float32,
    )
    np.testing.assert_array_equal(matrix, expected)
    taken = np.from_dlpack(matrix)
    assert taken.ctypes.data == matrix.ctypes.data
    assert matrix.flags.c_contiguous
    assert matrix.flags.writeable


def test_a_matrix_holds_no_integer_that_is_another_one(world_store: plumb.Store) -> None:
    found = world_store.online(keys={"key": [2, 1]}, features=["every:a_int64"])
    with pytest.raises(plumb.InputError, match="a_int64") as refused:
        found.to_numpy()
    assert "float32" in str(refused.value)
    assert found.to_numpy(dtype="float32")[:, 0].tolist() == [-(2.0**63), 2.0**53]
    assert world_store.online(keys={"key": [2]}, features=["every:a_int64"]).to_numpy().tolist() == [[-(2.0**63)]]


def test_what_is_no_number_is_not_in_a_matrix(world_store: plumb.Store, world: object) -> None:
    assert world
    found = world_store.online(keys={"key": [1]}, features=["every:a_string", "every:a_float64"])
    with pytest.raises(plumb.InputError, match="'a_string' is STRING, which is not a number"):
        found.to_numpy()
    assert found.to_numpy(["a_float64"]).shape == (1, 1)
    with pytest.raises(plumb.NotFoundError, match="'a_flaot64'; it has a_string, a_float64"):
        found.to_numpy(["a_flaot64"])
    with pytest.raises(plumb.InputError, match="dtype is 'int8'"):
        found.to_numpy(["a_float64"], dtype="int8")
    with pytest.raises(plumb.InputError, match="columns is the text 'a_float64'"):
        found.to_numpy("a_float64")


def test_frames_of_a_look_up_do_not_share_what_callers_change(store: plumb.Store) -> None:
    found = store.online(keys=KEYS, features=VIEW, at=MATERIALIZED)
    changed, kept = found.to_pandas(), found.to_pandas()
    changed.columns.name = "changed"
    changed["temp"] = changed["temp"] + 1
    changed.loc[0, "wind_speed"] = pd.NA
    pd.testing.assert_frame_equal(kept, found.to_pandas())
    assert changed["precip"].equals(kept["precip"])
    assert kept.columns.name is None
    assert isinstance(found.to_arrow(), pa.Table)


def test_rows_may_be_a_list_of_dicts(store: plumb.Store, labels: pd.DataFrame) -> None:
    found = store.online(keys=[{"airport": "JFK"}, {"airport": None}], features=VIEW, at=MATERIALIZED)
    assert found.to_dict() == store.online(keys={"airport": ["JFK", None]}, features=VIEW, at=MATERIALIZED).to_dict()
    rows = labels.head(3).to_dict("records")
    joined = store.historical(rows, service="delay_model").to_pylist()
    assert joined == store.historical(pa.Table.from_pylist(rows), service="delay_model").to_pylist()
    with pytest.raises(plumb.InputError, match="row 2 of the keys and the first one differ in airport, x"):
        store.online(keys=[{"airport": "JFK"}, {"x": "JFK"}], features=VIEW)
    with pytest.raises(plumb.InputError, match="the keys are an empty list"):
        store.online(keys=[], features=VIEW)
    with pytest.raises(plumb.InputError, match="column 'x' of the labels: "):
        store.historical([{"x": 1}, {"x": "a"}], features=VIEW)


def test_pushed_rows_may_be_a_list_of_dicts(server: Served) -> None:
    row = {"airport": None, "event_timestamp": pd.Timestamp(MATERIALIZED), "temp": 1.5}
    row |= dict.fromkeys(("wind_speed", "gust", "precip", "visib"), 2.0)
    with plumb.connect(server.url) as store:
        pushed = store.push("weather", [row])
    assert (pushed.written, [refused.column for refused in pushed.refused]) == (0, ["airport"])
