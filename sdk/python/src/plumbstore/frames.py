"""Converts Arrow tables to pandas and polars frames, without loss.

In pandas, features have nullable types: Int64, Float64, boolean and string distinguish null from every value, including
NaN, and libraries for training support them. Instants are datetime64[us, UTC]. Types that pandas does not have itself
(arrays, bytes) remain Arrow types, whose items are lists and bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.types as pt

from plumbstore.conversion import first_failing
from plumbstore.errors import InputError
from plumbstore.foreign import is_foreign, message_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import polars as pl


def to_pandas(table: pa.Table, label_columns: int, index: pd.Index[Any] | None, *, own_types: bool) -> pd.DataFrame:
    """Converts a table to a pandas frame. With own_types, its first label_columns get back the types that they had in
    pandas. If index is given, it becomes the index of the frame.
    """
    columns = given_columns(table.select(range(label_columns)), own_types=own_types)
    columns += [_named(table, i) for i in range(label_columns, table.num_columns)]
    return framed(columns, tuple(table.column_names), len(table), index)


def given_columns(table: pa.Table, *, own_types: bool) -> list[Any]:
    """Returns the columns of a caller's rows. With own_types they get back the types that they had in pandas."""
    if not own_types:
        return [_named(table, i) for i in range(table.num_columns)]
    labels = _of_every_column(table, table.num_columns)
    zoned = [pt.is_timestamp(kind) and kind.tz is not None for kind in table.schema.types]
    return [_named(table, i) if zoned[i] else labels.iloc[:, i] for i in range(table.num_columns)]


def framed(columns: Iterable[Any], names: tuple[str, ...], rows: int, index: pd.Index[Any] | None) -> pd.DataFrame:
    """Returns a frame of arrays and series. If index is given, it becomes the index of the frame."""
    import pandas as pd

    arrays = [each.array if isinstance(each, pd.Series) else each for each in columns]
    # What pandas itself makes frames of checked arrays with takes a third of the time of its constructor. The names are
    # a view, because callers may set the name of a frame's columns.
    make: Any = pd.DataFrame
    frame: pd.DataFrame = make._from_arrays(  # noqa: SLF001
        arrays, _index(names).view(), pd.RangeIndex(rows) if index is None else index, verify_integrity=False
    )
    return frame


@lru_cache(maxsize=128)
def _index(names: tuple[str, ...]) -> pd.Index[Any]:
    import pandas as pd

    index: pd.Index[Any] = pd.Index(names)
    return index


def is_quick(declared: str) -> bool:
    """Reports whether quick converts values of a declared type."""
    return declared == "STRING" or declared in _NUMPY


def quick(columns: Sequence[tuple[list[Any], str]], rows: int) -> list[Any]:
    """Converts columns of values and their declared types as column does. It makes one array for all columns of a type,
    of which they are slices, because for a few rows most of the time goes into making arrays.
    """
    places: dict[str, list[int]] = {}
    for place, (_, declared) in enumerate(columns):
        places.setdefault(declared, []).append(place)
    arrays: list[Any] = [None] * len(columns)
    for declared, those in places.items():
        array = _quick([value for place in those for value in columns[place][0]], declared)
        for number, place in enumerate(those):
            arrays[place] = array[number * rows : (number + 1) * rows]
    return arrays


def _quick(values: list[Any], declared: str) -> Any:  # noqa: ANN401 - pandas' arrays have no common type.
    import numpy as np
    import pandas as pd

    if declared == "STRING":
        return pd.array(values, dtype=pd.StringDtype("pyarrow"))
    missing = np.zeros(len(values), bool)
    if None in values:
        missing = np.array([value is None for value in values])
        values = [0 if value is None else value for value in values]
    return _nullable(np.array(values, _NUMPY[declared]), missing)


_NUMPY = {"BOOL": "bool", "INT32": "int32", "INT64": "int64", "FLOAT32": "float32", "FLOAT64": "float64"}
"""The types of numpy for the declared types that have masked arrays in pandas."""


def _of_every_column(table: pa.Table, count: int) -> pd.DataFrame:
    """Converts the first columns as pandas does. Raises InputError that names the column that pandas cannot hold."""
    try:
        frame: pd.DataFrame = table.select(range(count)).to_pandas()
    except Exception as error:
        at = first_failing(range(count), lambda i: table.select([i]).to_pandas())
        raise _unfit(table, 0 if at is None else at[0], "pandas", error) from error
    return frame


def _named(table: pa.Table, place: int) -> Any:  # noqa: ANN401 - pandas' arrays have no common type.
    try:
        return column(table.column(place))
    except Exception as error:
        raise _unfit(table, place, "pandas", error) from error


def _unfit(table: pa.Table, column: int, package: str, error: BaseException) -> InputError:
    field = table.schema.field(column)
    return InputError(
        f"column {field.name!r} is {field.type}, which does not fit {package}: {message_of(error)}; leave it out, or "
        "get the result with to_arrow"
    )


def column(given: pa.ChunkedArray) -> Any:  # noqa: ANN401 - as above.
    """Converts one column to a nullable type, as an array or a series. It makes the masked arrays itself, because
    pandas' own conversion turns NaN into null.
    """
    import pandas as pd

    kind, array = given.type, given.combine_chunks()
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

    missing = np.zeros(len(array), bool)
    if array.null_count:
        missing = np.asarray(array.is_null())
        array = array.fill_null(False if pt.is_boolean(array.type) else 0)
    return _nullable(np.asarray(array).copy(), missing)


def _nullable(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> Any:  # noqa: ANN401 - as above.
    import pandas as pd

    if values.dtype.kind == "b":
        return pd.arrays.BooleanArray(values, missing)
    return (pd.arrays.FloatingArray if values.dtype.kind == "f" else pd.arrays.IntegerArray)(values, missing)


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
