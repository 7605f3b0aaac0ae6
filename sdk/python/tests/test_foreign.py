"""Errors of pandas, polars, pyarrow and Python become a plumb.Error that names the column or argument."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import plumbstore as plumb
from plumbstore.foreign import guarded, guarded_methods

TIME = dt.datetime(2013, 1, 1)
HALF = "\ud800"
FEATURES = ["every:a_int64"]


def of_pandas(values: Any) -> pd.DataFrame:
    frame: pd.DataFrame = pd.DataFrame({"key": [1, 2], "event_timestamp": [pd.Timestamp(TIME)] * 2, "odd": values})
    return frame


def of_polars(values: pl.Series, name: str = "odd") -> pl.DataFrame:
    return pl.DataFrame({"key": [1, 2], "event_timestamp": [TIME] * 2, name: values})


ODD_COLUMNS: dict[str, tuple[Callable[[], Any], str]] = {
    "Int128": (lambda: of_polars(pl.Series([1, 2], dtype=pl.Int128)), "column 'odd' is Int128 in polars.*cast it"),
    "Int128 in a list": (lambda: of_polars(pl.Series([[1], []], dtype=pl.List(pl.Int128))), "column 'odd' is List"),
    "objects of polars": (lambda: of_polars(pl.Series([{1}, {2}], dtype=pl.Object)), "column 'odd' holds Python obj"),
    "a NUL in a name": (lambda: of_polars(pl.Series([1, 2]), "o\0dd"), r"column 'o\\x00dd' has a name with a NUL"),
    "sparse": (lambda: of_pandas(pd.arrays.SparseArray([1, 0])), r"column 'odd' is Sparse.*sparse.to_dense\(\)"),
    "large integers": (lambda: of_pandas([1, 2**70]), "column 'odd' is object, row 2, .*at most 64 bits"),
    "no decimal": (lambda: of_pandas([Decimal(1), Decimal("Infinity")]), "column 'odd' is object"),
    "half a pair": (lambda: of_pandas(pd.Series(["a", HALF], dtype=object)), "column 'odd'.* row 2.*half a surrogate"),
    "complex": (lambda: of_pandas([1j, 2j]), "column 'odd' is complex128"),
    "a series": (lambda: pd.Series([1, 2]), r"are a Series, which is not a table.*to_frame\(\)"),
    "a series of polars": (lambda: pl.Series([1, 2]), "are a Series, which is not a table"),
    "a chunked array": (lambda: pa.chunked_array([[1]]), "are a ChunkedArray, which is not a table"),
}


@pytest.mark.parametrize("odd", ODD_COLUMNS)
def test_a_column_that_arrow_cannot_hold_is_named_by_every_method(world_store: plumb.Store, odd: str) -> None:
    make, words = ODD_COLUMNS[odd]
    for ask in (
        lambda: world_store.historical(make(), features=FEATURES),
        lambda: world_store.online(keys=make(), features=FEATURES),
        lambda: world_store.push("every", make()),
    ):
        with pytest.raises(plumb.InputError, match=words) as raised:
            ask()
        assert "\n" not in str(raised.value)


ODD_KEYS: dict[str, Any] = {
    "void": np.zeros(1, dtype=[("a", "i4")]),
    "no time": [pd.NaT],
    "years": np.array(["2013"], dtype="datetime64[Y]"),
    "a frame": pd.DataFrame({"a": [1]}),
    "half a pair": [HALF],
    "large": [2**64],
    "objects": [object()],
    "not UTF-8": pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")),
    "no decimal": [Decimal("NaN")],
}


@pytest.mark.parametrize("odd", ODD_KEYS)
def test_an_odd_key_is_named(world_store: plumb.Store, odd: str) -> None:
    with pytest.raises(plumb.InputError, match="^key key"):
        world_store.online(keys={"key": ODD_KEYS[odd]}, features=FEATURES)


ODD_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"features": [1]}, r"features\[0\] is a int"),
    ({"features": 5}, "features is a int"),
    ({"features": [[FEATURES[0]]]}, r"features\[0\] is a list"),
    ({"features": [HALF]}, r"features\[0\]: .*half a surrogate pair"),
    ({"features": None, "service": 5}, "service is a int"),
    ({"features": None, "service": HALF}, "service: .*half a surrogate pair"),
    ({"full_names": 3}, "full_names is a int"),
    ({"statuses": "yes"}, "statuses is a str"),
    ({"provenance": "no"}, "provenance is a str"),
]


@pytest.mark.parametrize(("odd", "words"), ODD_ARGUMENTS)
def test_an_odd_argument_is_named(world_store: plumb.Store, odd: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"features": FEATURES, **odd}
    with pytest.raises(plumb.InputError, match=words):
        world_store.historical(of_pandas([1, 2]), **given)
    with pytest.raises(plumb.InputError, match=words):
        world_store.online(keys={"key": [1]}, **given)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda store: store.historical("a\0b.parquet", features=FEATURES), "labels: .* contains a NUL"),
        (lambda store: store.historical("s3://a/b.parquet", features=FEATURES), "labels: s3://.* is an object"),
        (lambda store: store.historical(f"{HALF}.parquet", features=FEATURES), "labels: .*half a surrogate pair"),
        (lambda store: store.historical(of_pandas([1, 2]), features=FEATURES, timestamp_column=5), "timestamp_column"),
        (lambda store: store.historical(of_pandas([1, 2]), features=FEATURES, progress=5), "progress is a int"),
        (lambda store: store.push(5, of_pandas([1, 2])), "view is a int"),
        (lambda store: store.entity(5), "name is a int"),
        (lambda store: store.source(HALF), "name: .*half a surrogate pair"),
        (lambda store: store.plan(5), "definitions is a int"),
        (lambda store: store.plan(f"a:\n{HALF}"), "definitions: .*half a surrogate pair"),
        (lambda store: store.online(keys={"key": [1]}, features=FEATURES, at=pd.NaT), "at is a NaTType"),
        (
            lambda store: store.online(
                keys={"key": [1]},
                features=FEATURES,
                at=dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14))),
            ),
            "at: .* outside the years 1 to 9999",
        ),
    ],
)
def test_an_argument_of_one_method_is_named(world_store: plumb.Store, ask: Any, words: str) -> None:
    with pytest.raises(plumb.InputError, match=words) as raised:
        ask(world_store)
    str(raised.value).encode()  # It can be printed.


@pytest.mark.parametrize("index", ["key", ["key", "event_timestamp"]])
def test_the_error_for_a_key_in_the_index_of_a_frame_says_what_to_do(world_store: plumb.Store, index: Any) -> None:
    frame = of_pandas([1, 2]).set_index(index)
    for ask in (
        lambda: world_store.historical(frame, features=FEATURES),
        lambda: world_store.push("every", frame),
    ):
        with pytest.raises(plumb.InputError, match=r"index holds key.*reset_index\(\)"):
            ask()


def test_null_categories_and_odd_categories(world_store: plumb.Store) -> None:
    odd = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array([None, "a"]))
    labels = pa.Table.from_pandas(of_pandas([1, 2])).set_column(2, "odd", odd)
    joined = world_store.historical(labels, features=FEATURES)
    assert joined.to_arrow()["odd"].to_pylist() == [None, "a"]
    assert joined.to_pandas()["odd"].isna().tolist() == [True, False]
    with pytest.raises(plumb.InputError, match="label column 'odd' is dictionary.*cannot carry without loss"):
        world_store.historical(of_pandas(pd.cut([1, 2], 2)), features=FEATURES)


def test_a_closed_store_says_so(world_server: Any) -> None:
    store = plumb.connect(world_server.url)
    store.close()
    with pytest.raises(plumb.InputError, match="this store is closed"):
        store.history()
    with pytest.raises(plumb.InputError, match="this store is closed"):
        store.historical(of_pandas([1, 2]), features=FEATURES)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("grpc://h:1", {"timeout": "x"}), "timeout is 'x'"),
        ((5, {}), "url is a int"),
        ((f"grpc://{HALF}:1", {}), "url"),
    ],
)
def test_an_odd_argument_of_connect_is_named(given: Any, words: str) -> None:
    with pytest.raises(plumb.InputError, match=words):
        plumb.connect(given[0], **given[1])


def test_an_unexpected_exception_is_kept_as_the_cause() -> None:
    @guarded_methods
    class Odd:
        def ask(self, what: Exception) -> None:
            raise what

    for what, kind in ((OverflowError("x"), plumb.InputError), (OSError("x"), plumb.Fault), (KeyError(1), plumb.Fault)):
        with pytest.raises(kind, match=r"plumb\..*Odd.ask") as raised:
            Odd().ask(what)
        assert raised.value.__cause__ is what
    with pytest.raises(KeyboardInterrupt):
        guarded(lambda: (_ for _ in ()).throw(KeyboardInterrupt()))()
    with pytest.raises(TypeError, match="missing 1 required"):
        Odd().ask()  # type: ignore[call-arg]
