"""Converts frames of pandas and polars, and other exporters of Arrow, to Arrow. Errors name the column."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from plumbstore.carriers import check_names
from plumbstore.errors import InputError
from plumbstore.foreign import is_foreign, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd
    import polars as pl


def from_pandas(frame: pd.DataFrame, what: str) -> pa.Table:
    """Converts a pandas frame without its index. what is the name of the rows in messages, such as labels."""
    table = what.removesuffix("s")
    check_names(list(frame.columns), table)
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except Exception as error:
        at = first_failing(
            range(frame.shape[1]), lambda i: pa.Table.from_pandas(frame.iloc[:, [i]], preserve_index=False)
        )
        if at is None:
            raise InputError(f"the {what} do not fit Arrow: {message_of(error)}") from error
        place, cause = at
        column = frame.iloc[:, place]
        raise InputError(
            f"{table} column {frame.columns[place]!r} is {column.dtype}{_row(column)} and does not fit Arrow: "
            f"{message_of(cause)}; {_advice(column.dtype, cause)}"
        ) from error


def _row(column: pd.Series[Any]) -> str:
    """Returns the row of the first value that cannot be converted, as text. Returns "" if each value can be converted,
    but not all in one column.
    """
    begin, end = 0, len(column)
    if column.dtype != object or not _fails(column):
        return ""
    while end - begin > 1:
        middle = (begin + end) // 2
        if _fails(column.iloc[begin:middle]):
            end = middle
        elif _fails(column.iloc[middle:end]):
            begin = middle
        else:
            return ""
    return f", row {begin + 1}," if _fails(column.iloc[begin:end]) else ""


def _fails(column: pd.Series[Any]) -> bool:
    return first_failing([column], lambda part: pa.Array.from_pandas(part)) is not None


def _advice(dtype: object, error: BaseException) -> str:
    if str(dtype).startswith("Sparse"):
        return "make it dense, with .sparse.to_dense()"
    if isinstance(error, UnicodeEncodeError):
        return "or leave the column out"
    if isinstance(error, OverflowError):
        return "give values of at most 64 bits, floats or decimals"
    return "give each column values of one type that Arrow has, or leave the column out"


def from_polars(frame: pl.DataFrame, what: str) -> pa.Table:
    """Converts a polars frame."""
    import polars as pl

    table = what.removesuffix("s")
    check_names(frame.columns, table)
    for name, kind in frame.schema.items():
        if "\0" in name:
            raise InputError(f"{table} column {name!r} has a name with a NUL; rename it")
        if kind == pl.Object:
            raise InputError(f"{table} column {name!r} holds Python objects; cast it, or leave it out")
    try:
        return frame.to_arrow()
    except BaseException as error:
        if not is_foreign(error):
            raise
        at = first_failing(frame.columns, lambda name: frame.select(name).to_arrow())
        if at is None:
            raise InputError(f"the {what} do not fit Arrow: {message_of(error)}") from error
        name, cause = at
        raise InputError(
            f"{table} column {name!r} is {frame.schema[name]} in polars, which does not fit Arrow: "
            f"{message_of(cause)}; cast it, such as to Int64 or String, or leave it out"
        ) from error


def from_stream(given: Any, what: str) -> pa.RecordBatchReader:  # noqa: ANN401 - any exporter of Arrow.
    """Returns a reader of the batches of an object that exports an Arrow stream."""
    try:
        return pa.RecordBatchReader.from_stream(given)
    except BaseException as error:
        if not is_foreign(error):
            raise
        raise InputError(
            f"the {what} are a {type(given).__name__}, which is not a table: {message_of(error)}; give a DataFrame or "
            "a pyarrow Table, for a Series Series.to_frame()"
        ) from error


def first_failing(items: Iterable[Any], convert: Callable[[Any], object]) -> tuple[Any, BaseException] | None:
    """Returns the first item that cannot be converted and the exception, or None."""
    for item in items:
        try:
            convert(item)
        except BaseException as error:  # noqa: PERF203 - a panic of polars is not an Exception.
            if not is_foreign(error):
                raise
            return item, error
    return None


@contextmanager
def advising_on_index(frame: object) -> Iterator[None]:
    """Adds to an error about a missing column how to turn the index of a pandas frame into columns."""
    try:
        yield
    except InputError as error:
        advice = _index_advice(frame, str(error))
        if advice:
            error.args = (f"{error}; {advice}", *error.args[1:])
        raise


def _index_advice(frame: object, message: str) -> str:
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(frame, pandas.DataFrame):
        return ""
    names = [name for name in frame.index.names if isinstance(name, str)]
    missing = re.findall(r'has no column "([^"]*)"|(?:^|; |: )(?:key |request input )?(\S+):? is missing', message)
    if names and (missing or "has no columns" in message):
        return f"the frame's index holds {', '.join(names)}: use frame.reset_index() to turn it into columns"
    if missing and not isinstance(frame.index, pandas.RangeIndex):
        return "the frame's index is not a column; if it holds what is missing, use frame.reset_index(names=…)"
    return ""
