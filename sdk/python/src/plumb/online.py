"""Look-ups: keys in whatever form callers have them, answers in the shape of a join's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from plumb.carriers import check_names
from plumb.errors import Fault, InputError
from plumb.foreign import is_foreign, words
from plumb.labels import Labels, labels_of
from plumb.result import Result, Rows
from plumb.values import as_keys

if TYPE_CHECKING:
    from plumb.labels import Frame
    from plumb.provenance import ViewProvenance
    from plumb.selection import Selection

    Keys: TypeAlias = Mapping[str, Any] | Frame
    """Columns of keys: a dict of lists (a single value stands for a list of one), or a frame or table."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST = (datetime.min.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Answer:
    """One output of a look-up: its name (R10) and, for each row, value, status and event time, null where NOT_FOUND."""

    name: str
    values: pa.Array
    statuses: pa.Array
    times: pa.Array


@dataclass(frozen=True)
class KeyRows:
    """Keys as they were given, which come back, and as they are looked up: in their declared types (R9)."""

    given: Labels
    table: pa.Table
    typed: dict[str, pa.Array]


@dataclass(frozen=True)
class Found:
    """What a look-up gave: for each output of the selection, in order, an answer, and the provenance of each use of a
    view by its alias; None where it was not asked for.
    """

    selection: Selection
    keys: KeyRows
    answers: Sequence[Answer]
    provenance: Mapping[str, ViewProvenance] | None


def key_rows(keys: Keys, declared: Mapping[str, str]) -> KeyRows:
    """Reads keys. Raises InputError for a value that does not fit its declared type, and for columns of uneven length;
    which columns there have to be is the engine's to say.
    """
    labels = _from_mapping(keys) if isinstance(keys, Mapping) else labels_of(keys, "keys")
    table = pa.Table.from_batches(labels.batches, schema=labels.schema)
    typed = {}
    for name in table.column_names:
        column = table.column(name)
        array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
        # Of a column that is not a key only the name matters, by which it is refused.
        typed[name] = as_keys(name, array, declared[name]) if name in declared else pa.nulls(len(array), pa.string())
    return KeyRows(labels, table, typed)


def _from_mapping(keys: Mapping[str, Any]) -> Labels:
    check_names(list(keys), "key")
    arrays = {name: _array(name, values) for name, values in keys.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(array)}" for name, array in arrays.items())
        raise InputError(f"keys: the columns differ in length: {lengths}")
    return labels_of(pa.table(arrays), "keys")


def _array(name: str, values: Any) -> pa.Array:  # noqa: ANN401 - whatever a column of keys may be.
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        values = [values]
    if isinstance(values, pa.ChunkedArray):
        return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if hasattr(values, "columns") or getattr(values, "ndim", 1) > 1:
        raise InputError(f"key {name} is a {type(values).__name__} of columns; give the values of one")
    try:
        return pa.array(values if hasattr(values, "__len__") else list(values))
    except BaseException as error:
        if not is_foreign(error):
            raise
        raise InputError(f"key {name}: {words(error)}; give values of one type, such as texts or integers") from error


def instant(at: datetime | str) -> int:
    """Microseconds since the epoch of a datetime, naive ones being UTC (R1), or of its ISO 8601 text."""
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at.replace("Z", "+00:00"))
        except ValueError as error:
            raise InputError(f"at: {at!r} is not an instant; write it like 2013-07-03T20:00:00Z") from error
    if not isinstance(at, datetime) or at != at:  # pandas' NaT calls itself a datetime, and differs from itself.
        raise InputError(f"at is a {type(at).__name__}; give a datetime, or text like 2013-07-03T20:00:00Z")
    aware = at if at.tzinfo is not None else at.replace(tzinfo=timezone.utc)
    micros = int((aware - _EPOCH) // timedelta(microseconds=1))
    if not _FIRST <= micros <= _LAST:
        raise InputError(f"at: {at.isoformat()} lies outside the years 1 to 9999 in UTC")
    return micros


def rfc3339(micros: int) -> str:
    """The instant as text, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def result(found: Found, *, statuses: bool, event_timestamps: bool) -> Result:
    """Key columns, then features, named and ordered as historical does."""
    keys, selection, answers = found.keys, found.selection, found.answers
    if len(answers) != len(selection.outputs):
        raise Fault(f"the answer has {len(answers)} features, and {len(selection.outputs)} were asked for")
    columns = dict(zip(keys.table.column_names, keys.table.columns, strict=True))
    times: dict[str, pa.Array] = {}
    for output, answer in zip(selection.outputs, answers, strict=True):
        _add(columns, answer.name, answer.values)
        if statuses:
            _add(columns, f"{answer.name}__status", answer.statuses)
        times.setdefault(f"{output.alias}__event_timestamp", answer.times)
    for name, values in times.items() if event_timestamps else ():
        _add(columns, name, values)
    return _result(found, columns)


def _result(found: Found, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> Result:
    keys = found.keys
    labels = keys.table.schema
    features = [pa.field(name, columns[name].type) for name in list(columns)[len(labels) :]]
    table = pa.table(list(columns.values()), schema=pa.schema([*labels, *features], metadata=labels.metadata))
    rows = Rows(table.schema, iter(table.to_batches()), len(labels), keys.given.pandas, keys.given.index)
    rows.provenance = found.provenance
    made = Result(rows)
    made.to_arrow()
    return made


def _add(columns: dict[str, Any], name: str, values: pa.Array) -> None:
    if name in columns:
        raise InputError(
            f"output columns collide: {name!r} is a key column and an output; ask for full names (view__feature)"
        )
    columns[name] = values
