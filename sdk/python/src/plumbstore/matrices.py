"""Features as matrices of floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.types as pt

from plumbstore import arguments
from plumbstore.errors import InputError, NotFoundError
from plumbstore.foreign import message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import numpy.typing as npt

_NUMBERS = {"BOOL", "INT32", "INT64", "FLOAT32", "FLOAT64"}
_EXACT = 1 << 53
"""Up to this magnitude each integer is a float64."""


def check_installed() -> None:
    """Raises InputError if numpy is not installed, which the client itself does not need."""
    try:
        __import__("numpy")
    except ImportError as error:
        raise InputError("numpy is not installed; pip install numpy") from error


def names(columns: Sequence[str] | None, known: Collection[str]) -> Sequence[str]:
    """Returns the columns of a matrix, by default all of known. Raises NotFoundError for any that is not known."""
    if columns is None:
        return list(known)
    wanted = arguments.references(columns, "columns")
    for name in wanted:
        if name not in known:
            raise NotFoundError(f"no feature of the result is named {name!r}; it has {', '.join(known)}")
    return wanted


def of_lists(columns: Mapping[str, tuple[str, Callable[[], list[Any]]]], rows: int, dtype: str) -> npt.NDArray[Any]:
    """Returns a matrix of columns, each given by its declared type and a function that returns its values."""
    check_installed()
    import numpy as np

    matrix = np.empty((rows, len(columns)), _float(dtype))
    for place, (name, (declared, values)) in enumerate(columns.items()):
        if declared not in _NUMBERS:
            raise _not_a_number(name, declared)
        items = values()
        if declared == "INT64" and dtype == "float64":
            _check_exact(name, items)
        matrix[:, place] = items  # numpy makes NaN of None.
    return matrix


def of_table(table: pa.Table, dtype: str) -> npt.NDArray[Any]:
    """Returns a matrix of the columns of a table."""
    check_installed()
    import numpy as np

    matrix = np.empty((len(table), table.num_columns), _float(dtype))
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pt.is_boolean(field.type):
            column = column.cast(pa.uint8())
        elif not (pt.is_integer(field.type) or pt.is_floating(field.type)):
            raise _not_a_number(field.name, field.type)
        try:
            floats = column.cast(pa.float64(), safe=dtype == "float64")
        except pa.ArrowInvalid as error:
            raise InputError(f"column {field.name!r}: {message_of(error)}; {_LEAVE}") from error
        matrix[:, place] = floats.to_numpy()  # pyarrow makes NaN of null.
    return matrix


_LEAVE = "give the columns of the matrix without it, or dtype='float32', which rounds"


def _float(dtype: str) -> str:
    if dtype not in ("float64", "float32"):
        raise InputError(f"dtype is {dtype!r}; give 'float64' or 'float32'")
    return dtype


def _not_a_number(name: str, kind: object) -> InputError:
    return InputError(f"column {name!r} is {kind}, which is not a number; give the columns of the matrix without it")


def _check_exact(name: str, items: Sequence[int | None]) -> None:
    for item in items:
        if item is not None and not -_EXACT <= item <= _EXACT and int(float(item)) != item:
            raise InputError(f"column {name!r}: float64 does not hold {item} exactly; {_LEAVE}")
