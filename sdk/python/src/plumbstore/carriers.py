"""Converts label columns to types that the engine supports, and back to their own types in the result.

The engine supports fewer types than Arrow. Each label column is sent in its carrier, a type that holds its values
exactly: for example, large_string is sent as string, and a dictionary as its values. A time with a zone comes back as a
UTC instant in microseconds, with nanoseconds floored (R1). Every other column comes back as it was, or is refused
before anything is sent.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from plumbstore.errors import InputError

INSTANT = pa.timestamp("us", "UTC")
"""The type of every instant (R1)."""

DECIMAL_DIGITS = 38
"""The number of digits of the engine's decimals."""

_ALIKE = (
    (pt.is_float16, pa.float32()),
    (pt.is_null, pa.string()),
    (pt.is_large_string, pa.string()),
    (pt.is_string_view, pa.string()),
    (pt.is_large_binary, pa.binary()),
    (pt.is_binary_view, pa.binary()),
    (pt.is_fixed_size_binary, pa.binary()),
    (pt.is_date64, pa.date32()),
    (pt.is_time32, pa.time64("us")),
    (pt.is_duration, pa.int64()),
)
_EXACT = (
    pt.is_integer,
    pt.is_float32,
    pt.is_float64,
    pt.is_boolean,
    pt.is_string,
    pt.is_binary,
    pt.is_date32,
    pt.is_time64,
    pt.is_timestamp,
)


def carrier(given: pa.DataType) -> pa.DataType | None:
    """Returns the type that a column is sent in, or None if no type holds its values exactly."""
    if isinstance(given, pa.BaseExtensionType):
        return carrier(given.storage_type)
    if pt.is_dictionary(given):
        return None if pt.is_nested(given.value_type) else carrier(given.value_type)
    if pt.is_timestamp(given) and given.tz is not None:
        return INSTANT
    if pt.is_timestamp(given) and given.unit == "s":
        return pa.timestamp("ms")
    if pt.is_decimal(given):
        return pa.decimal128(given.precision, given.scale) if given.precision <= DECIMAL_DIGITS else None
    if pt.is_nested(given):
        return _nested(given)
    for matches, carried in _ALIKE:
        if matches(given):
            return carried
    return given if any(matches(given) for matches in _EXACT) else None


def _nested(given: pa.DataType) -> pa.DataType | None:
    """Lists are sent if their elements have a carrier. Structs, maps and lists of a fixed size are sent only if their
    fields are their own carriers.
    """
    if pt.is_list(given) or pt.is_large_list(given) or pt.is_list_view(given) or pt.is_large_list_view(given):
        element = carrier(given.value_type)
        return None if element is None or pt.is_null(given.value_type) else pa.list_(element)
    fields = [given.field(i) for i in range(given.num_fields)]
    plain = (pt.is_struct(given) and fields) or pt.is_map(given) or pt.is_fixed_size_list(given)
    return given if plain and all(carrier(field.type) == field.type for field in fields) else None


def kept(given: pa.DataType) -> pa.DataType:
    """Returns the type that a column has in the result: its own, or UTC microseconds for times with a zone (R1)."""
    if pt.is_timestamp(given) and given.tz is not None:
        return INSTANT
    if pt.is_list(given) or pt.is_large_list(given):
        element = kept(given.value_type)
        if element != given.value_type:
            return pa.large_list(element) if pt.is_large_list(given) else pa.list_(element)
    return given


class Carriers:
    """Packs label batches for the engine, and unpacks the label columns of its answer.

    All labels have to be packed before the first row is unpacked, because the categories are collected while packing.
    """

    def __init__(self, given: pa.Schema, time_column: str) -> None:
        """Raises InputError for two columns with the same name, and for a type that has no carrier."""
        check_names(given.names)
        self.given = given
        sent, back = [], []
        for field in given:
            wire_type = INSTANT if field.name == time_column and pt.is_null(field.type) else carrier(field.type)
            if wire_type is None or not _returns(wire_type, kept(field.type)):
                raise InputError(
                    f"label column {field.name!r} is {field.type}, which a join cannot carry without loss; "
                    "leave the column out, or cast it"
                )
            sent.append(pa.field(field.name, wire_type))
            back.append(pa.field(field.name, kept(field.type), metadata=field.metadata))
        self.wire: pa.Schema = pa.schema(sent)
        """The schema of the label rows as they are sent."""
        self.kept: pa.Schema = pa.schema(back, metadata=given.metadata)
        """The schema of the label columns in the result."""
        self._categories: dict[int, pa.Array] = {}

    def pack(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Returns a batch of label rows as it is sent. Raises InputError for a value that does not fit its carrier."""
        columns = [self._pack(i, batch.column(i)) for i in range(len(self.wire))]
        return pa.RecordBatch.from_arrays(columns, schema=self.wire)

    def _pack(self, column: int, values: pa.Array) -> pa.Array:
        field = self.wire.field(column)
        try:
            values.validate(full=True)
            return self._carry(column, storage(values), field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(f"label column {field.name!r}: {error}") from error

    def _carry(self, column: int, values: pa.Array, wire: pa.DataType) -> pa.Array:
        if pt.is_dictionary(values.type):
            values = without_null_categories(values)
            self._learn(column, values)
            values = values.dictionary_decode()
        if pt.is_null(values.type):
            return pa.nulls(len(values), wire)
        return to_instants(values) if wire == INSTANT and pt.is_timestamp(values.type) else values.cast(wire)

    def _learn(self, column: int, values: pa.DictionaryArray) -> None:
        """Collects the categories in their order, including those without rows."""
        known = self._categories.get(column)
        if known is None:
            known = values.dictionary
        elif not known.equals(values.dictionary):
            new = values.dictionary.filter(pc.invert(pc.is_in(values.dictionary, value_set=known)))
            known = pa.concat_arrays([known, new])
        self._categories[column] = known
        pa.array([max(len(known) - 1, 0)]).cast(self.given.field(column).type.index_type)

    def unpack(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Returns a batch of the answer with its label columns, which come first, converted back to their own types."""
        columns = batch.columns
        for i, field in enumerate(self.kept):
            columns[i] = self._unpack(i, columns[i], field.type)
        return pa.RecordBatch.from_arrays(columns, schema=self.result(batch.schema))

    def result(self, answer: pa.Schema) -> pa.Schema:
        """Returns the schema of the result, given the schema of the engine's answer."""
        features = [answer.field(i) for i in range(len(self.kept), len(answer))]
        return pa.schema([*self.kept, *features], metadata=self.given.metadata)

    def described(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Returns the same rows with each label column in a type that a manifest describes: its own type if a manifest
        describes its values in the same way as those of its carrier, otherwise the carrier.
        """
        columns, schema = rows.columns, self.described_schema(rows.schema)
        for i in range(len(self.wire)):
            if columns[i].type != schema.field(i).type:
                columns[i] = self._carry(i, storage(columns[i]), schema.field(i).type)
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def described_schema(self, rows: pa.Schema) -> pa.Schema:
        """Returns the schema of the rows that described returns."""
        for i, sent in enumerate(self.wire):
            if not _alike(rows.field(i).type, sent.type):
                rows = rows.set(i, sent)
        return rows

    def _unpack(self, column: int, values: pa.Array, wanted: pa.DataType) -> pa.Array:
        if pt.is_null(wanted):
            return pa.nulls(len(values))
        if pt.is_dictionary(wanted):
            categories = self._categories.get(column, pa.array([], wanted.value_type))
            codes = pc.index_in(values.cast(categories.type), value_set=categories, skip_nulls=True)
            return pa.DictionaryArray.from_arrays(codes.cast(wanted.index_type), categories, ordered=wanted.ordered)
        return _cast(values, wanted)


def check_describable(labels: pa.Schema, *, carried: bool = True) -> None:
    """Raises InputError for a column that would change in a Parquet file with a manifest. carried says that the columns
    were sent in their carriers, which Parquet supports.
    """
    for field in labels:
        seconds = pt.is_timestamp(field.type) and field.type.unit == "s" and not carried
        if pt.is_duration(field.type) or pt.is_interval(field.type) or seconds:
            raise InputError(
                f"label column {field.name!r} is {field.type}, which a training set with a manifest cannot hold; "
                "cast it, or leave it out"
            )


def check_names(names: list[Any], table: str = "label") -> None:
    """Raises InputError for a column whose name is not text, and for two columns that the engine could not distinguish,
    because their names differ only in case (R10).
    """
    seen: dict[str, str] = {}
    for position, name in enumerate(names, start=1):
        if not isinstance(name, str):
            raise InputError(f"{table} column {name!r} has a name that is not text; rename it")
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise InputError(f"{table} column {name!r} has half a surrogate pair in its name; rename it")
        other = seen.setdefault(name.lower(), name)
        if len(seen) < position:
            raise InputError(
                f'the {table} table has the columns "{other}" and "{name}"; names have to differ, and not by case alone'
            )


def storage(values: pa.Array) -> pa.Array:
    """Returns the storage array of an extension array, and any other array unchanged."""
    return values.storage if isinstance(values.type, pa.BaseExtensionType) else values


def without_null_categories(values: pa.DictionaryArray) -> pa.DictionaryArray:
    """Returns the same values with nulls as null codes instead of null categories, which pandas and Arrow require."""
    categories = values.dictionary.drop_null()
    if len(categories) == len(values.dictionary):
        return values
    codes = pc.index_in(values.dictionary_decode(), value_set=categories, skip_nulls=True)
    return pa.DictionaryArray.from_arrays(codes.cast(values.type.index_type), categories, ordered=values.type.ordered)


def to_instants(values: pa.Array) -> pa.Array:
    """Returns times as UTC instants in microseconds. Nanoseconds are floored; a time without a zone is UTC (R1)."""
    if values.type.unit == "ns":
        values = pc.floor_temporal(values.cast(pa.timestamp("ns")), unit="microsecond")
    return values.cast(pa.timestamp("us", values.type.tz)).cast(INSTANT)


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    """Reports whether a manifest describes values of both types in the same way."""
    if pt.is_dictionary(one):
        return _is_text(one.value_type) and _is_text(other)
    return one == other or (_is_text(one) and _is_text(other)) or (_is_bytes(one) and _is_bytes(other))


def _is_text(given: pa.DataType) -> bool:
    return bool(pt.is_string(given) or pt.is_large_string(given) or pt.is_string_view(given))


def _is_bytes(given: pa.DataType) -> bool:
    return bool(pt.is_binary(given) or pt.is_large_binary(given) or pt.is_binary_view(given))


def _cast(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    if isinstance(wanted, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(wanted, values.cast(wanted.storage_type))
    return values.cast(wanted)


def _returns(wire_type: pa.DataType, wanted: pa.DataType) -> bool:
    """Reports whether a carrier can be converted back. Dictionaries are rebuilt from their categories."""
    if pt.is_null(wanted):
        return True
    try:
        if pt.is_dictionary(wanted):
            categories = pa.array([], wanted.value_type)
            pc.index_in(pa.array([], wire_type).cast(categories.type), value_set=categories)
            return True
        _cast(pa.array([], wire_type), wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return False
    return True
