"""Converts the packed columns of plumb.v1.Values to and from Arrow arrays."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from plumbstore.carriers import INSTANT, storage
from plumbstore.errors import InputError
from plumbstore.v1 import values_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARRAY = "_ARRAY"

TYPES = {
    "BOOL": pa.bool_(),
    "INT32": pa.int32(),
    "INT64": pa.int64(),
    "FLOAT32": pa.float32(),
    "FLOAT64": pa.float64(),
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "TIMESTAMP": INSTANT,
}
"""The Arrow type of each declared type that is not an array."""

FIELDS = {
    "BOOL": "bools",
    "INT32": "int32s",
    "INT64": "int64s",
    "FLOAT32": "float32s",
    "FLOAT64": "float64s",
    "STRING": "strings",
    "BYTES": "bytes",
}


def arrow_type(declared: str) -> pa.DataType:
    """Returns the Arrow type of a declared type such as INT64 or STRING_ARRAY."""
    if declared.endswith(ARRAY):
        return pa.list_(TYPES[declared.removesuffix(ARRAY)])
    return TYPES[declared]


def array_of(values: pb.Values, declared: str, present: pa.Array) -> pa.Array:
    """Returns a packed column as an Arrow array. A row is null if its element of present, a bool, is false."""
    if values.WhichOneof("kind") == "arrays":
        lists = _lists(values.arrays, declared.removesuffix(ARRAY))
        return pc.if_else(present, lists, pa.scalar(None, lists.type))
    return pc.if_else(present, _flat(values), pa.scalar(None, TYPES[declared]))


def _lists(arrays: pb.ArrayValues, element: str) -> pa.Array:
    elements = _flat(arrays.elements) if arrays.elements.WhichOneof("kind") else pa.array([], TYPES[element])
    if arrays.nulls:
        elements = pc.if_else(_flags(arrays.nulls), pa.scalar(None, elements.type), elements)
    ends = pc.cumulative_sum(pa.array(arrays.lengths, pa.int32()))
    return pa.ListArray.from_arrays(pa.concat_arrays([pa.array([0], pa.int32()), ends]), elements)


def _flat(values: pb.Values) -> pa.Array:
    kind = values.WhichOneof("kind")
    if kind == "timestamps":
        return pa.array(values.timestamps.micros, pa.int64()).cast(INSTANT)
    for declared, field in FIELDS.items():
        if field == kind:
            return pa.array(getattr(values, field).values, TYPES[declared])
    raise InputError(f"the server sent values of kind {kind}, which this client does not know; upgrade it")


def _flags(flags: bytes) -> pa.Array:
    return pa.array(memoryview(flags), pa.uint8()).cast(pa.bool_())


def pack(column: pa.Array, declared: str) -> tuple[pb.Values, bytes]:
    """Packs a column of its declared type, and returns the packed column and its null flags (empty if none is null)."""
    values = pb.Values()
    if declared.endswith(ARRAY):
        elements, nulls = pack(column.flatten(), declared.removesuffix(ARRAY))
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_pylist()
        values.arrays.CopyFrom(pb.ArrayValues(lengths=lengths, elements=elements, nulls=nulls))
    elif declared == "TIMESTAMP":
        values.timestamps.CopyFrom(pb.TimestampValues(micros=micros(column)))
    else:
        zero: Any = "" if declared == "STRING" else b"" if declared == "BYTES" else 0
        field = getattr(values, FIELDS[declared])
        field.SetInParent()
        field.values.extend(pc.fill_null(column, pa.scalar(zero).cast(column.type)).to_pylist())
    return values, null_flags(column)


def plain_columns(given: object, declared: Mapping[str, str]) -> dict[str, list[Any]] | None:
    """Returns a copy of columns that contain only plain Python values of their declared types, and None. Returns None
    if the columns have another form or a type that _PLAIN does not have, or contain a mistake.
    """
    if not isinstance(given, dict) or not given.keys() <= declared.keys():
        return None
    plain: dict[str, list[Any]] = {}
    for name, values in given.items():
        kind = _PLAIN.get(declared[name])
        if kind is None:
            return None
        column = list(values) if isinstance(values, (list, tuple)) else [values]
        if not set(map(type, column)) <= {kind, type(None)} or not _fits_plainly(column, declared[name]):
            return None
        plain[name] = column
    return plain if len(set(map(len, plain.values()))) <= 1 else None


_PLAIN = {"STRING": str, "BYTES": bytes, "BOOL": bool, "INT32": int, "INT64": int, "FLOAT64": float}
"""The declared types whose values are a Python type, of keys and of most request inputs."""


def _fits_plainly(column: list[Any], declared: str) -> bool:
    given = [value for value in column if value is not None]
    if declared == "STRING":
        try:
            "".join(given).encode()
        except UnicodeEncodeError:
            return False
    if declared in ("INT32", "INT64"):
        bound = 1 << (31 if declared == "INT32" else 63)
        return not given or (-bound <= min(given) and max(given) < bound)
    return True


def pack_list(column: list[Any], declared: str) -> tuple[pb.Values, bytes]:
    """Packs a column of plain_columns, and returns the packed column and its null flags."""
    values, nulls = pb.Values(), b""
    if None in column:
        nulls = bytes(value is None for value in column)
        zero = _PLAIN[declared]()
        column = [zero if value is None else value for value in column]
    field = getattr(values, FIELDS[declared])
    field.SetInParent()
    field.values.extend(column)
    return values, nulls


def list_of(values: pb.Values, present: Sequence[bool] | None) -> list[Any]:
    """Returns the rows of a packed column as plain Python values. A row is None if its element of present is false. If
    present is None, all rows are present.
    """
    kind = values.WhichOneof("kind")
    if kind == "arrays":
        arrays = values.arrays
        elements = list_of(arrays.elements, [not null for null in arrays.nulls] if arrays.nulls else None)
        ends = list(accumulate(arrays.lengths, initial=0))
        items: list[Any] = [elements[begin:end] for begin, end in pairwise(ends)]
    elif kind == "timestamps":
        items = [instant_of(each) for each in values.timestamps.micros]
    elif kind is None:
        items = []
    else:
        items = list(getattr(values, kind).values)
    return items if present is None else [item if shown else None for item, shown in zip(items, present, strict=True)]


def instant_of(micros: int) -> datetime:
    """Returns the instant in UTC that is micros after the epoch."""
    return _EPOCH + timedelta(microseconds=micros)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(instants: pa.Array) -> list[int]:
    """Returns instants in microseconds since the epoch, 0 for null."""
    return list(pc.fill_null(instants.cast(pa.int64()), 0).to_pylist())


def null_flags(column: pa.Array) -> bytes:
    """Returns one byte for each row, 1 if it is null. Returns no bytes if no row is."""
    return bytes(pc.is_null(column).cast(pa.uint8()).to_pylist()) if column.null_count else b""


_INTO = {
    "STRING": (pt.is_string, pt.is_large_string, pt.is_string_view, pt.is_integer),
    "BYTES": (pt.is_binary, pt.is_large_binary, pt.is_fixed_size_binary, pt.is_binary_view),
    "BOOL": (pt.is_boolean, pt.is_string, pt.is_large_string, pt.is_string_view),
    "INT32": (pt.is_integer, pt.is_floating, pt.is_decimal, pt.is_string, pt.is_large_string, pt.is_string_view),
    "INT64": (pt.is_integer, pt.is_floating, pt.is_decimal, pt.is_string, pt.is_large_string, pt.is_string_view),
}


def as_keys(name: str, given: pa.Array, declared: str) -> pa.Array:
    """Converts keys to their declared type (R9). Raises InputError if a value does not fit exactly, with the column,
    the row from 1 and the value.
    """
    given = storage(given)
    if pt.is_dictionary(given.type):
        given = given.dictionary_decode()
    wanted = TYPES[declared]
    if pt.is_null(given.type):
        return pa.nulls(len(given), wanted)
    if not any(matches(given.type) for matches in _INTO[declared]):
        raise InputError(f"key {name}: {given.type} cannot become {declared}")
    try:
        given.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InputError(f"key {name}: {error}; give valid UTF-8") from error
    try:
        return _exactly(given, declared)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _misfit(name, given, declared) from None


def _exactly(given: pa.Array, declared: str) -> pa.Array:
    """Raises pa.ArrowInvalid if a value does not fit."""
    if declared == "BOOL" and not pt.is_boolean(given.type):
        text = given.cast(pa.string())
        if text.drop_null().to_pylist() and not pc.all(pc.is_in(text.drop_null(), pa.array(["true", "false"]))).as_py():
            raise pa.ArrowInvalid("text that is not a truth value")
        return pc.equal(text, "true")
    return given.cast(TYPES[declared])


def _misfit(name: str, given: pa.Array, declared: str) -> InputError:
    """Returns the error for the first key that does not fit."""
    row = next((row for row in range(len(given)) if not _fits(given.slice(row, 1), declared)), 0)
    return InputError(f"key {name}, row {row + 1}: {given[row].as_py()!r} does not fit {declared} exactly")


def _fits(given: pa.Array, declared: str) -> bool:
    try:
        _exactly(given, declared)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True
