"""Pushed rows are served, and rows that cannot be stored are listed, through a server and through the binary."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import BINARY, TYPES, VALUES, Served, world_table

import plumbstore as plumb
from plumbstore.exact import exactly
from plumbstore.pushwire import CALL_ROWS

INSTANT = pa.timestamp("us", "UTC")
NOON = dt.datetime(2013, 1, 1, 12, tzinfo=dt.timezone.utc)
FUTURE = dt.datetime(2999, 1, 1, tzinfo=dt.timezone.utc)


@pytest.fixture(scope="module", params=["local", "connect"])
def pushable(
    request: pytest.FixtureRequest, world: Path, flights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, plumb.Store]]:
    """Stores of copies of the projects, through a server and through the binary. Each test uses its own keys."""
    stores, servers = {}, []
    for name, project in (("world", world), ("flights", flights)):
        copied = tmp_path_factory.mktemp("pushed") / name
        shutil.copytree(project, copied)
        if request.param == "local":
            stores[name] = plumb.local(copied, binary=BINARY)
        else:
            servers.append(Served(copied))
            stores[name] = plumb.connect(servers[-1].url)
    yield stores
    for store in stores.values():
        store.close()
    for server in servers:
        server.stop()


@pytest.fixture
def world_store(pushable: dict[str, plumb.Store]) -> plumb.Store:
    return pushable["world"]


@pytest.fixture
def store(pushable: dict[str, plumb.Store]) -> plumb.Store:
    return pushable["flights"]


def every(*keys: int | None, at: Any = NOON, **columns: pa.Array) -> pa.Table:
    """Rows of the view with every type. Values that are not given are null."""
    table = {"key": pa.array(keys, pa.int64()), "at": pa.array([at] * len(keys), INSTANT)}
    for name, column in (
        world_table().select(range(2, world_table().num_columns)).schema.empty_table().to_pydict().items()
    ):
        assert not column
        table[name] = columns.get(name, pa.nulls(len(keys)))
    return pa.table(table)


def planes(*tailnums: Any, **columns: Any) -> dict[str, list[Any]]:
    rows = {"tailnum": list(tailnums), "event_timestamp": [NOON] * len(tailnums)}
    for name in ("year", "manufacturer", "engines", "seats"):
        rows[name] = [None] * len(tailnums)
    return {**rows, **columns}


def look_up(store: plumb.Store, *keys: int, features: list[str] | None = None) -> pa.Table:
    wanted = features or ["every:*"]
    return store.online(features=wanted, keys={"key": list(keys)}, at=NOON, statuses=True).to_arrow()


def test_values_of_every_type_come_back_as_they_were_pushed(world_store: plumb.Store) -> None:
    rows = world_table().set_column(0, "key", pa.array([11, 12, 13]))
    assert world_store.push("every", rows) == plumb.Pushed("every", 3, 0, (), 1)
    found = look_up(world_store, 11, 12, 13)
    for name in world_table().column_names[2:]:
        assert repr(found.column(name).to_pylist()) == repr(world_table().column(name).to_pylist()), name


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, lambda rows: pa.table(rows).to_batches()[0],
                                  lambda rows: pa.table(rows).to_reader()])  # fmt: skip
def test_rows_may_be_anything_that_holds_rows(store: plumb.Store, make: Any) -> None:
    rows = planes("N1ANY", None, "N2ANY", year=[1999, 1999, None], manufacturer=["BOEING", "x", "x"])
    pushed = store.push("plane", make(rows))
    assert (pushed.written, pushed.older) == (2, 0)
    assert pushed.refused == (plumb.RefusedRow(1, "tailnum", "is null; a row with a null key is never served"),)
    found = store.online(features=["plane:*"], keys={"tailnum": ["N1ANY", "N2ANY"]}, statuses=True).to_pandas()
    assert found["year"].tolist() == [1999, pd.NA]
    assert found["year__status"].tolist() == ["PRESENT", "NULL"]
    assert found["manufacturer"].tolist() == ["BOEING", "x"]


def test_what_a_result_gives_can_be_pushed(world_store: plumb.Store) -> None:
    labels = pa.table({"key": [1, 2, 3], "event_timestamp": pa.array([NOON] * 3, INSTANT)})
    joined = world_store.historical(labels, features=["every:*"])
    before = look_up(world_store, 1, 2, 3)
    for frame in (joined.to_pandas(), joined.to_polars(), joined.to_arrow()):
        assert world_store.push("every", frame).written == 3
    assert repr(look_up(world_store, 1, 2, 3).to_pylist()) == repr(before.to_pylist())


def test_r14_the_newest_row_of_a_key_wins(world_store: plumb.Store) -> None:
    older, newer = NOON - dt.timedelta(hours=1), NOON
    feature = ["every:a_int64"]
    assert world_store.push("every", every(21, at=newer, a_int64=pa.array([2]))).written == 1
    assert world_store.push("every", every(21, at=older, a_int64=pa.array([1]))).older == 1
    assert look_up(world_store, 21, features=feature)["a_int64"].to_pylist() == [2]
    both = pa.concat_tables([every(22, at=newer, a_int64=pa.array([2])), every(22, at=older, a_int64=pa.array([1]))])
    pushed = world_store.push("every", both)
    assert (pushed.written, pushed.older) == (1, 1)
    assert repr(pushed) == "every: 1 rows written, 1 older than what is there"


def test_rows_that_cannot_be_stored_come_back_one_by_one(world_store: plumb.Store) -> None:
    rows = every(31, None, 33, 34, 35, 36, a_int32=pa.array([1, 1, 2**31, 1, 1, 1]),
                 some_int32=pa.array([[], [], [], [1, 2**40], [], []]))  # fmt: skip
    times = pa.array([NOON, NOON, NOON, NOON, None, FUTURE], INSTANT)
    pushed = world_store.push("every", rows.set_column(1, "event_timestamp", times))
    assert pushed.written == 1
    assert [(each.row, each.column) for each in pushed.refused] == [
        (1, "key"), (2, "a_int32"), (3, "some_int32"), (4, "event_timestamp"), (5, "event_timestamp"),
    ]  # fmt: skip
    reasons = [each.reason for each in pushed.refused]
    assert reasons[0] == "is null; a row with a null key is never served"
    assert reasons[1] == "2147483648 does not fit INT32 exactly"
    assert reasons[2] == "1099511627776 is an element that does not fit INT32 exactly"
    assert reasons[3] == "is null; a row without an event time is never visible"
    assert reasons[4].startswith("2999-01-01T00:00:00.000000Z is in the future, by more than the allowed clock skew")
    assert look_up(world_store, *range(31, 37))["a_int32__status"].to_pylist() == ["PRESENT", *["NOT_FOUND"] * 5]
    assert "every: 1 rows written, 5 refused\n  row 1: key: is null" in repr(pushed)
    assert "<td>2147483648 does not fit INT32 exactly</td>" in pushed._repr_html_()


def test_an_atomic_push_stores_all_or_nothing(world_store: plumb.Store) -> None:
    rows = every(41, 42, 43, a_int32=pa.array([1, 2**31, 1])).set_column(1, "at", pa.array([NOON, NOON, None], INSTANT))
    pushed = world_store.push("every", rows, atomic=True)
    assert (pushed.written, [each.row for each in pushed.refused]) == (0, [1, 2])
    assert look_up(world_store, 41)["a_int32__status"].to_pylist() == ["NOT_FOUND"]
    reader = pa.Table.from_batches([*every(41).to_batches(), *every(42).to_batches()]).to_reader(max_chunksize=1)
    assert world_store.push("every", reader, atomic=True).written == 2


def test_more_rows_than_one_call_takes_are_pushed_all_the_same(world_store: plumb.Store) -> None:
    count = 2 * CALL_ROWS + 5
    keys = [*range(100_000, 100_000 + count - 1), None]
    large = pa.array(["x" * 1000] * count)
    pushed = world_store.push("every", every(*keys, a_string=large))
    assert (pushed.written, [each.row for each in pushed.refused]) == (count - 1, [count - 1])
    found = look_up(world_store, 100_000, 100_000 + count - 2, features=["every:a_string"])
    assert [len(text) for text in found["a_string"].to_pylist()] == [1000, 1000]


def test_more_than_a_thousand_refused_rows_are_all_listed(world_store: plumb.Store) -> None:
    pushed = world_store.push("every", every(*[None] * 1500))
    assert [each.row for each in pushed.refused] == list(range(1500))
    assert repr(pushed).endswith("  and 1490 more")


def test_rows_that_are_none_change_nothing(world_store: plumb.Store) -> None:
    assert world_store.push("every", every()) == plumb.Pushed("every", 0, 0, (), 1)


def test_features_may_have_the_names_of_the_sources_columns(store: plumb.Store) -> None:
    observed = {"airport": ["XYZ"], "observed_at": [NOON], "temp": [1.5], "wind_speed": [None], "wind_gust": [21.5],
                "precip": [0], "visib": [float("nan")]}  # fmt: skip
    assert store.push("weather", pa.table(observed)).written == 1
    found = store.online(features=["weather:*"], keys={"airport": ["XYZ"]}, at=NOON).to_arrow().to_pylist()
    assert repr(found) == (
        "[{'airport': 'XYZ', 'temp': 1.5, 'wind_speed': None, 'gust': 21.5, 'precip': 0.0, 'visib': nan}]"
    )


def test_nan_of_pandas_own_floats_is_null_and_of_its_nullable_ones_a_value(world_store: plumb.Store) -> None:
    nullable = pd.Series(pd.arrays.FloatingArray(pd.array([float("nan")] * 2, dtype="float64").to_numpy(),
                                                 pd.array([False, True], dtype="bool").to_numpy()))  # fmt: skip
    frame = every(51, 52).to_pandas().assign(a_float64=nullable, a_float32=[float("nan"), 1.5])
    world_store.push("every", frame)
    found = look_up(world_store, 51, 52)
    assert repr(found["a_float64"].to_pylist()) == "[nan, None]"
    assert found["a_float32"].to_pylist() == [None, 1.5]


def without(column: str) -> dict[str, list[Any]]:
    return {name: values for name, values in planes("a").items() if name != column}


MISTAKES: dict[str, tuple[str, Any, type[plumb.Error], str]] = {
    "an unknown view": ("plnae", planes("a"), plumb.NotFoundError, 'view is named "plnae"; did you mean "plane"'),
    "no key": ("plane", without("tailnum"), plumb.InputError, "tailnum: is missing"),
    "no times": (
        "plane",
        without("event_timestamp"),
        plumb.InputError,
        "registered_at: is missing, the event time; give a column of the name registered_at or event_timestamp",
    ),
    "no feature": ("plane", without("seats"), plumb.InputError, "seats: is missing"),
    "a column too many": ("plane", {**planes("a"), "yaer": [1]}, plumb.InputError, "yaer: .* of view plane"),
    "a type that cannot fit": ("plane", planes("a", year=["1999"]), plumb.InputError, "string cannot become INT32"),
    "two of those": (
        "plane",
        planes(1.5, year=[True]),
        plumb.InputError,
        "tailnum: double cannot become STRING; year: bool cannot become INT32",
    ),
    "times that are none": ("plane", planes("a", event_timestamp=[5]), plumb.InputError, "cannot become TIMESTAMP"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_rows_that_are_wrong_as_a_whole_are_refused_in_one_sentence(store: plumb.Store, mistake: str) -> None:
    view, rows, kind, words = MISTAKES[mistake]
    with pytest.raises(kind, match=words) as raised:
        store.push(view, pa.table(rows))
    assert raised.value.pushed is None
    assert "/tmp" not in str(raised.value)
    assert "rows.parquet" not in str(raised.value)


def test_what_holds_no_rows_is_refused(store: plumb.Store, tmp_path: Path) -> None:
    with pytest.raises(plumb.InputError, match="^the rows are a path; read the file first, or push it with plumb push"):
        store.push("plane", tmp_path / "planes.parquet")
    with pytest.raises(plumb.InputError, match="^rows are a int; give a pandas or polars .*, or a list of dicts$"):
        store.push("plane", 5)
    with pytest.raises(plumb.InputError, match='the row table has the columns "year" and "Year"'):
        store.push("plane", pa.table({**planes("a"), "Year": [1]}))


def test_a_view_that_is_not_online_takes_no_rows(project: Path) -> None:
    views = project / "features" / "views.yaml"
    views.write_text(views.read_text().replace("  - name: plane\n", "  - name: plane\n    online: false\n"))
    local = plumb.local(project, binary=BINARY)
    local.apply(yes=True)
    served = Served(project)
    with plumb.connect(served.url) as remote:
        for store in (local, remote):
            with pytest.raises(plumb.PreconditionError, match="view plane has online: false, so nothing can be pushed"):
                store.push("plane", pa.table(planes("a")))
    served.stop()


def test_a_view_that_was_altered_is_pushed_to_as_it_is_now(project: Path) -> None:
    views = project / "features" / "views.yaml"
    served = Served(project)
    with plumb.connect(served.url) as store:
        assert store.push("plane", pa.table(planes("N1ALT", year=[1999]))).revision == 1
        altered = views.read_text().replace("name: year, type: INT32", "name: year, type: FLOAT64")
        views.write_text(altered)
        assert store.apply(project / "features", yes=True).revision == 2
        assert store.push("plane", pa.table(planes("N1ALT", year=[1.5]))) == plumb.Pushed("plane", 1, 0, (), 2)
        assert store.online(features=["plane:year"], keys={"tailnum": ["N1ALT"]}).to_pandas()["year"].tolist() == [1.5]
    served.stop()


def test_an_atomic_push_that_no_call_takes_is_refused_at_once(world: Path) -> None:
    served = Served(world)
    with plumb.connect(served.url) as store:
        with pytest.raises(plumb.InputError, match="the push has 10001 rows .* accepts 10000 rows .* without atomic"):
            store.push("every", every(*range(500_000, 510_001)), atomic=True)
        with pytest.raises(plumb.InputError, match="the push has 1 rows and .* bytes"):
            store.push("every", every(500_000, a_string=pa.array(["x" * (4 << 20)])), atomic=True)
    served.stop()


def test_a_fault_has_the_result_for_the_rows_already_pushed(world_copy: Path) -> None:
    served = Served(world_copy)
    with plumb.connect(served.url) as store:

        def batches() -> Iterator[pa.RecordBatch]:
            yield every(61, None).to_batches()[0]
            served.stop()
            yield every(63).to_batches()[0]

        with pytest.raises(plumb.UnavailableError) as raised:
            store.push("every", pa.RecordBatchReader.from_batches(every(61).schema, batches()))
    assert raised.value.pushed is not None
    assert raised.value.pushed.written == 1
    assert [each.row for each in raised.value.pushed.refused] == [1]


@pytest.fixture
def world_copy(world: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "world"
    shutil.copytree(world, copied)
    return copied


NAN, HUGE = float("nan"), 2**63
EXACT: list[tuple[pa.Array, str, bool, list[Any], list[int]]] = [
    (pa.array([1.0, None, 1.5, NAN]), "INT64", False, [1, None, None, None], [2, 3]),
    (pa.array([2.0**63, -(2.0**63)]), "INT64", False, [None, -HUGE], [0]),
    (pa.array([2**31, -(2**31)]), "INT32", False, [None, -(2**31)], [0]),
    (pa.array([HUGE, 5], pa.uint64()), "INT64", False, [None, 5], [0]),
    (pa.array([2**53 + 1, 2**60, HUGE - 1]), "FLOAT64", False, [None, 2.0**60, None], [0, 2]),
    (pa.array([0.1, 0.5, NAN, -0.0, 1e300]), "FLOAT32", False, [None, 0.5, NAN, -0.0, None], [0, 4]),
    (pa.array([Decimal("1.50"), Decimal("2.00")]), "INT64", False, [None, 2], [0]),
    (pa.array([Decimal("0.10"), None]), "FLOAT64", False, [0.1, None], []),
    (pa.array([Decimal("123456789012345678901234567890.12")]), "FLOAT64", False, [None], [0]),
    (pa.array([Decimal(10) ** 37 * 9], pa.decimal128(38, 0)), "FLOAT32", False, [None], [0]),
    (pa.array(["1", "+2", "0x10", " 1", "1.5", "9" * 30]), "INT64", True, [1, *[None] * 5], [1, 2, 3, 4, 5]),
    (pa.array(["true", "TRUE"]), "BOOL", True, [True, None], [1]),
    (pa.array([5, None]), "STRING", True, ["5", None], []),
    (pa.array(["a", None]).dictionary_encode(), "STRING", False, ["a", None], []),
    (pa.array([1.5], pa.float16()), "FLOAT64", False, [1.5], []),
    (pa.array([b"12"], pa.binary(2)), "BYTES", False, [b"12"], []),
    (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), "INT32_ARRAY", False, [[1, 2], None], []),
    (pa.array([[1], [2**40], None], pa.large_list(pa.int64())).slice(1), "INT32_ARRAY", False, [None, None], [0]),
    (pa.array([[], None, [None]], pa.list_(pa.null())), "STRING_ARRAY", False, [[], None, [None]], []),
    (pa.array([dt.date(1970, 1, 2)]), "TIMESTAMP", False, [86_400_000_000], []),
    (pa.array([-1, 1999], pa.timestamp("ns", "Europe/Berlin")), "TIMESTAMP", False, [-1, 1], []),
    (pa.array([-1, 1999], pa.timestamp("ns")), "TIMESTAMP", False, [-1, 1], []),
    (pa.array([2**62, 1], pa.timestamp("s")), "TIMESTAMP", False, [None, 1_000_000], [0]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "declared", "key", "expected", "misfits"), EXACT)
def test_r9_values_are_brought_to_their_types_exactly(
    given: pa.Array, declared: str, key: bool, expected: list[Any], misfits: list[int]
) -> None:
    values, wrong = exactly(given, declared, key=key)
    if declared == "TIMESTAMP":
        values = values.cast(pa.int64())
    assert repr(values.to_pylist()) == repr(expected)
    assert list(wrong) == misfits


@pytest.mark.parametrize("declared", [*TYPES, *(f"{name}_ARRAY" for name in TYPES)])
def test_r9_what_cannot_become_a_type_is_refused_whatever_its_values(declared: str) -> None:
    for given in (pa.array([], pa.duration("s")), pa.array([{"a": 1}]), pa.array([], pa.map_(pa.string(), pa.int64()))):
        with pytest.raises(plumb.InputError, match=f"cannot become {declared}$"):
            exactly(given, declared, key=True)
    assert exactly(pa.nulls(2), declared, key=False)[0].null_count == 2


def test_r9_every_declared_type_is_taken_as_it_is() -> None:
    for name, (kind, values) in VALUES.items():
        column = pa.array(values, kind)
        assert exactly(column, name, key=False)[0].equals(column) or "FLOAT" in name
        assert repr(exactly(column, name, key=False)[0].to_pylist()) == repr(column.to_pylist())
