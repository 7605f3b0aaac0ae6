"""Rows that callers give as a list of dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from plumbstore.errors import InputError
from plumbstore.foreign import is_foreign, message_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def are_rows(given: object) -> bool:
    """Reports whether rows were given one by one."""
    return isinstance(given, (list, tuple)) and all(isinstance(row, Mapping) for row in given)


def columns_of(rows: Sequence[Mapping[str, Any]], what: str) -> dict[str, list[Any]]:
    """Returns the columns of rows, which all have the same names. what is the name of the rows in messages.

    Raises InputError for a row with other names, because a name that was forgotten must not become null, and for no
    rows, whose columns are not known.
    """
    if not rows:
        raise InputError(f"the {what} are an empty list, which has no columns; give at least one row")
    names = rows[0].keys()
    for number, row in enumerate(rows, start=1):
        if row.keys() != names:
            differ = ", ".join(sorted(map(str, row.keys() ^ names)))
            raise InputError(f"row {number} of the {what} and the first one differ in {differ}; give None for null")
    return {name: [row[name] for row in rows] for name in names}


def table_of(rows: Sequence[Mapping[str, Any]], what: str) -> pa.Table:
    """Returns rows as a table, with the types that Arrow gives their values."""
    arrays = {}
    for name, values in columns_of(rows, what).items():
        try:
            arrays[name] = pa.array(values)
        except BaseException as error:  # noqa: PERF203 - the error names the column.
            if not is_foreign(error):
                raise
            raise InputError(f"column {name!r} of the {what}: {message_of(error)}; give values of one type") from error
    return pa.table(arrays)
