"""Features have their declared types, and label columns keep theirs (R9, R13)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import BINARY, VALUES, world_table
from hypothesis import HealthCheck, given, settings

import plumbstore as plumb
from plumbstore.carriers import Carriers
from plumbstore.exact import exactly

INSTANT = pa.timestamp("us", "UTC")
FEATURES = [name for name in world_table().column_names if name not in ("key", "at")]


def things(*keys: int | None) -> pa.Table:
    times = pa.array([dt.datetime(2013, 1, 1, tzinfo=dt.timezone.utc)] * len(keys), INSTANT)
    return pa.table({"key": pa.array(keys, pa.int64()), "event_timestamp": times})


def same(a: pa.ChunkedArray, b: pa.ChunkedArray) -> bool:
    """Compares with a distinction between null and NaN, and between -0.0 and 0.0."""
    return repr(a.to_pylist()) == repr(b.to_pylist())


def test_features_of_every_type_come_as_declared(world_store: plumb.Store) -> None:
    joined = world_store.historical(things(1, 2, 3), features=["every:*"]).to_arrow()
    for name in FEATURES:
        expected = world_table().column(name)
        assert joined.column(name).type.equals(expected.type) or pa.types.is_list(expected.type), name
        assert same(joined.column(name), expected), name


def test_r17_look_ups_give_what_joins_give(world_store: plumb.Store) -> None:
    wanted = {"features": ["every:*"], "statuses": True, "event_timestamps": True}
    joined = world_store.historical(things(1, 2, 3, 4, None), **wanted).to_arrow()  # type: ignore[arg-type]
    found = world_store.online(keys={"key": [1, 2, 3, 4, None]}, at="2013-01-01T00:00:00Z", **wanted).to_arrow()  # type: ignore[arg-type]
    assert found.column_names == [name for name in joined.column_names if name != "event_timestamp"]
    for name in found.column_names:
        assert same(found.column(name), joined.column(name)), name


def test_a_dict_has_values_of_every_type(world_store: plumb.Store) -> None:
    wanted = {"features": ["every:*"], "statuses": True, "event_timestamps": True}
    found = world_store.online(keys={"key": [1, 2, 3, 4, None]}, at="2013-01-01T00:00:00Z", **wanted)  # type: ignore[arg-type]
    told, table = found.to_dict(), found.to_arrow()
    assert list(told) == table.column_names
    for name, column in told.items():
        expected = table.column(name).to_pylist()
        if "timestamp" in name:
            assert column == expected, name
        else:
            assert repr(column) == repr(expected), name


def test_pandas_types_keep_null_apart_from_every_value(world_store: plumb.Store) -> None:
    frame = world_store.historical(things(1, 2, 3), features=["every:*"]).to_pandas()
    expected = {
        "a_bool": "boolean",
        "a_int32": "Int32",
        "a_int64": "Int64",
        "a_float32": "Float32",
        "a_float64": "Float64",
        "a_string": "string",
        "a_timestamp": "datetime64[us, UTC]",
    }
    assert {name: str(frame[name].dtype) for name in expected} == expected
    assert frame["a_int64"].tolist() == [2**53 + 1, -(2**63), pd.NA]
    assert frame["a_float64"].isna().tolist() == [False, False, True]
    assert np.isnan(frame["a_float64"][0])
    assert frame["a_bytes"].tolist()[:2] == [b"", b"\x00\xff"]
    arrays = frame["some_int64"].tolist()
    assert arrays[0] == [2**53 + 1, -(2**63), None]
    assert arrays[1] == []
    assert arrays[2] is pd.NA


def test_polars_types_are_the_declared_ones(world_store: plumb.Store) -> None:
    frame = world_store.historical(things(1, 2, 3), features=["every:*"]).to_polars()
    assert frame["a_int64"].to_list() == [2**53 + 1, -(2**63), None]
    assert frame.schema["a_timestamp"] == pl.Datetime("us", "UTC")
    assert frame.schema["some_float32"] == pl.List(pl.Float32)
    assert frame["some_string"].to_list() == [VALUES["STRING"][1], [], None]


LABEL_COLUMNS: dict[str, pa.Array] = {
    **{f"i{n}": pa.array([1, None, 2], n) for n in ("int8", "int16", "int32", "int64", "uint8", "uint64")},
    "half": pa.array([1.5, None, -0.0], pa.float16()),
    "single": pa.array([float("nan"), None, -0.0], pa.float32()),
    "nothing": pa.nulls(3),
    "large": pa.array(["a", None, ""], pa.large_string()),
    "view": pa.array(["a", None, ""], pa.string_view()),
    "large_bytes": pa.array([b"a", None, b"\x00"], pa.large_binary()),
    "fixed_bytes": pa.array([b"ab", None, b"\x00\x00"], pa.binary(2)),
    "day": pa.array([dt.date(2013, 1, 1), None, dt.date(1, 1, 1)]),
    "day64": pa.array([dt.date(2013, 1, 1), None, dt.date(1, 1, 1)], pa.date64()),
    "clock32": pa.array([5, None, 6], pa.time32("s")),
    "clock64": pa.array([5, None, 6], pa.time64("ns")),
    **{f"naive_{unit}": pa.array([-5, None, 6001], pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")},
    **{f"span_{unit}": pa.array([-5, None, 6001], pa.duration(unit)) for unit in ("s", "ms", "us", "ns")},
    "money": pa.array([Decimal("1.50"), None, Decimal("-2.25")]),
    "list": pa.array([[1, None], None, []]),
    "large_list": pa.array([[1, None], None, []], pa.large_list(pa.int64())),
    "texts": pa.array([["a", None], None, []], pa.list_(pa.large_string())),
    "pair": pa.array([[1, 2], None, [3, None]], pa.list_(pa.int64(), 2)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
    "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "category": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), pa.array(["x", "y", "unused"])),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16, None, b"1" * 16], pa.binary(16))),
}


def test_r6_label_columns_come_back_as_they_were(world_store: plumb.Store) -> None:
    labels = things(1, 2, 3)
    for name, values in LABEL_COLUMNS.items():
        labels = labels.append_column(name, values)
    joined = world_store.historical(labels, features=["every:a_int64"]).to_arrow()
    assert joined.column_names == [*labels.column_names, "a_int64"]
    for name in labels.column_names:
        assert joined.schema.field(name).type == labels.schema.field(name).type, name
        assert same(joined.column(name), labels.column(name)), name
    assert joined.column("category").chunk(0).dictionary.to_pylist() == ["x", "y", "unused"]


def test_r1_zoned_times_come_back_as_utc_microseconds(world_store: plumb.Store) -> None:
    zoned = pa.array([-1, 1_999, None], pa.timestamp("ns", "Europe/Berlin"))
    labels = things(1, 2, 3).append_column("zoned", zoned)
    joined = world_store.historical(labels, features=["every:a_int64"]).to_arrow()
    assert joined.schema.field("zoned").type == INSTANT
    assert joined.column("zoned").cast(pa.int64()).to_pylist() == [-1, 1, None]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([Decimal(10**40)], pa.decimal256(50, 2)),
        pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
        pa.array([[{"a": dt.timedelta(1)}]]),
    ],
)
def test_columns_that_would_not_survive_are_refused(world: Path, values: pa.Array) -> None:
    with pytest.raises(plumb.InputError, match="label column 'x' is .*, which a join cannot carry without loss"):
        plumb.local(world, binary=BINARY).historical(things(1).append_column("x", values), features=["every:a_int64"])


def test_pandas_labels_keep_their_dtypes(world_store: plumb.Store) -> None:
    frame = pd.DataFrame(
        {
            "key": np.array([1, 2, 3], dtype="int32"),
            "event_timestamp": pd.to_datetime(["2013-01-01"] * 3).as_unit("ns"),
            "category": pd.Categorical(["b", None, "a"], categories=["c", "b", "a"], ordered=True),
            "maybe": pd.array([1, None, 3], dtype="Int64"),
            "weight": np.array([1.5, 2.5, 3.5], dtype="float32"),
            "texts": pd.Series(["x", None, ""], dtype=object),
            "lists": pd.Series([[1], [], None], dtype=object),
            "span": pd.to_timedelta([1, 2, 3], unit="s").as_unit("ns"),
        }
    )
    back = world_store.historical(frame, features=["every:a_int64"]).to_pandas()
    for name in ("key", "event_timestamp", "category", "maybe", "weight", "span"):
        pd.testing.assert_series_equal(back[name], frame[name])
    assert back["texts"].isna().tolist() == [False, True, False]
    assert [None if each is None else list(each) for each in back["lists"]] == [[1], [], None]


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, 5]),
        pd.Index(["x", "y", "z"], name="flight"),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["airport", None]),
        pd.date_range("2013-01-01", periods=3, tz="Europe/Berlin", name="key"),
    ],
)
def test_the_index_of_pandas_labels_comes_back(world_store: plumb.Store, index: pd.Index) -> None:  # type: ignore[type-arg]
    frame = things(3, 1, 2).to_pandas().set_index(index)
    back = world_store.historical(frame, features=["every:a_int64"]).to_pandas()
    pd.testing.assert_index_equal(back.index, index)
    assert back["a_int64"].tolist() == [pd.NA, 2**53 + 1, -(2**63)]


def test_polars_labels_keep_their_dtypes(world_store: plumb.Store) -> None:
    frame = pl.DataFrame(
        {
            "key": pl.Series([1, 2, 3], dtype=pl.UInt8),
            "event_timestamp": pl.Series([dt.datetime(2013, 1, 1)] * 3, dtype=pl.Datetime("ms")),
            "enum": pl.Series(["a", None, "b"], dtype=pl.Enum(["c", "b", "a"])),
            "category": pl.Series(["a", None, "b"], dtype=pl.Categorical),
            "span": pl.Series([1, None, 2], dtype=pl.Int64).cast(pl.Duration("ms")),
            "clock": pl.Series([dt.time(1), None, dt.time(2)]),
            "structs": pl.Series([{"a": 1}, {"a": None}, {"a": 2}]),
        }
    )
    back = world_store.historical(frame, features=["every:a_int64"]).to_polars()
    assert back.select(frame.columns).equals(frame)
    assert back.select(frame.columns).schema == frame.schema


def test_categories_that_differ_between_batches_are_kept_together(world: Path) -> None:
    labels = things(1)
    first = labels.append_column("c", pa.array(["x"]).dictionary_encode())
    second = labels.append_column("c", pa.array(["y"]).dictionary_encode())
    reader = pa.RecordBatchReader.from_batches(first.schema, [*first.to_batches(), *second.to_batches()])
    joined = plumb.local(world, binary=BINARY).historical(reader, features=["every:a_int64"]).to_arrow()
    assert joined.column("c").to_pylist() == ["x", "y"]
    assert joined.column("c").type == first.schema.field("c").type


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        [pa.int8(), pa.uint64(), pa.float16(), pa.large_string(), pa.binary(3), pa.timestamp("ns"), pa.date64()]
    ),
    st.lists(st.integers(0, 100) | st.none(), max_size=5),
)
def test_what_is_packed_is_unpacked(kind: pa.DataType, numbers: list[int | None]) -> None:
    values = pa.array(numbers, pa.int64())
    if pa.types.is_float16(kind):
        column = values.cast(pa.float32()).cast(kind)
    elif pa.types.is_fixed_size_binary(kind):
        column = pa.array([None if n is None else b"%3d" % n for n in numbers], kind)
    elif pa.types.is_date64(kind):
        column = values.cast(pa.int32()).cast(pa.date32()).cast(kind)
    else:
        column = values.cast(pa.string()).cast(kind) if pa.types.is_large_string(kind) else values.cast(kind)
    batch = pa.record_batch({"x": column})
    carriers = Carriers(batch.schema, "event_timestamp")
    assert carriers.unpack(carriers.pack(batch)).equals(batch)


def test_r1_zoned_times_of_pandas_labels_come_back_in_utc(store: plumb.Store, labels: pd.DataFrame) -> None:
    utc = labels["event_timestamp"].dt.tz_localize("UTC")
    for zoned in (utc.dt.tz_convert("America/New_York"), utc.astype("datetime64[ns, UTC]")):
        got = store.historical(labels.assign(event_timestamp=zoned), features=["plane:year"]).to_pandas()
        assert str(got.dtypes["event_timestamp"]) == "datetime64[us, UTC]"
        assert (got["event_timestamp"] == utc).all()


@pytest.mark.parametrize(
    "text", ["+4", "00004", "007", " 4", "4 ", "4.0", "1e2", "-0", "", "4\n", "9223372036854775808"]
)
def test_r9_text_spells_an_integer_key_in_one_way(text: str) -> None:
    for declared in ("INT64", "INT32"):
        keys, wrong = exactly(pa.array(["-4", text]), declared, key=True)
        assert keys.to_pylist() == [-4, None]
        assert list(wrong) == [1]


def test_r9_text_spells_a_truth_as_key_in_one_way() -> None:
    keys, wrong = exactly(pa.array(["true", "false", "True", "1", " true", ""]), "BOOL", key=True)
    assert keys.to_pylist()[:2] == [True, False]
    assert list(wrong) == [2, 3, 4, 5]
