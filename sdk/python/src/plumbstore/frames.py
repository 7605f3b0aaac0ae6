"""Converts Arrow tables to pandas and polars frames, without loss.

In pandas, features have nullable types: Int64, Float64, boolean and string distinguish null from every value, including
NaN, and libraries for training support them. Instants are datetime64[us, UTC]. Types that pandas does not have itself
(arrays, bytes) remain Arrow types, whose items are lists and bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.types as pt

from plumbstore.conversion import first_failing
from plumbstore.errors import InputError
from plumbstore.foreign import is_foreign, message_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


def to_pandas(table: pa.Table, label_columns: int, index: pd.Index[Any] | None, *, own_types: bool) -> pd.DataFrame:
    """Converts a table to a pandas frame. With own_types, its first label_columns get back the types that they had in
    pandas. If index is given, it becomes the index of the frame.
    """
    import pandas as pd

    restored = label_columns if own_types else 0
    labels = _of_every_column(table, restored)
    zoned = [pt.is_timestamp(kind) and kind.tz is not None for kind in table.schema.types]
    columns = [_named(table, i) if zoned[i] else labels.iloc[:, i] for i in range(restored)]
    columns += [_named(table, i) for i in range(restored, table.num_columns)]
    frame: pd.DataFrame = pd.DataFrame(dict(enumerate(columns)), index=pd.RangeIndex(len(table)), copy=False)
    frame.columns = pd.Index(table.column_names)
    if index is not None:
        frame.index = index
    return frame


def _of_every_column(table: pa.Table, count: int) -> pd.DataFrame:
    """Converts the first columns as pandas does. Raises InputError that names the column that pandas cannot hold."""
    try:
        frame: pd.DataFrame = table.select(range(count)).to_pandas()
    except Exception as error:
        at = first_failing(range(count), lambda i: table.select([i]).to_pandas())
        raise _unfit(table, 0 if at is None else at[0], "pandas", error) from error
    return frame


def _named(table: pa.Table, column: int) -> Any:  # noqa: ANN401 - pandas' arrays have no common type.
    try:
        return _column(table.column(column))
    except Exception as error:
        raise _unfit(table, column, "pandas", error) from error


def _unfit(table: pa.Table, column: int, package: str, error: BaseException) -> InputError:
    field = table.schema.field(column)
    return InputError(
        f"column {field.name!r} is {field.type}, which does not fit {package}: {message_of(error)}; leave it out, or "
        "get the result with to_arrow"
    )


def _column(column: pa.ChunkedArray) -> Any:  # noqa: ANN401 - as above.
    """Converts one column to a nullable type, as an array or a series. It makes the masked arrays itself, because
    pandas' own conversion turns NaN into null.
    """
    import pandas as pd

    kind, array = column.type, column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], kind)
    if _is_masked(kind):
        return _masked(array)
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind):
        return pd.array(array, dtype=pd.StringDtype("pyarrow"))
    if pt.is_timestamp(kind) or pt.is_dictionary(kind):
        return array.to_pandas()
    return pd.arrays.ArrowExtensionArray(pa.chunked_array([array]))


def _is_masked(kind: pa.DataType) -> bool:
    return any(matches(kind) for matches in (pt.is_integer, pt.is_float32, pt.is_float64, pt.is_boolean))


def _masked(array: pa.Array) -> Any:  # noqa: ANN401 - pandas' arrays have no common type.
    import numpy as np
    import pandas as pd

    missing = np.zeros(len(array), bool)
    if array.null_count:
        missing = np.asarray(array.is_null())
        array = array.fill_null(False if pt.is_boolean(array.type) else 0)
    values = np.asarray(array).copy()
    if pt.is_boolean(array.type):
        return pd.arrays.BooleanArray(values, missing)
    return (pd.arrays.IntegerArray if pt.is_integer(array.type) else pd.arrays.FloatingArray)(values, missing)


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Converts a table to a polars frame. Categories and enums of polars labels are restored from the columns'
    metadata.
    """
    import polars as pl

    try:
        frame = pl.from_arrow(table)
    except BaseException as error:
        if not is_foreign(error):
            raise
        at = first_failing(range(table.num_columns), lambda i: pl.from_arrow(table.select([i])))
        raise _unfit(table, 0 if at is None else at[0], "polars", error) from error
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"polars made a {type(frame).__name__} of a table")
    return frame


def check_installed(package: str) -> None:
    """Raises InputError that names what to install if package is not installed."""
    try:
        __import__(package)
    except ImportError as error:
        raise InputError(f"{package} is not installed; pip install 'plumbstore[{package}]'") from error
