"""How label columns travel: each in a type that the engine keeps exactly, and back in the type that it had.

The engine knows fewer types than Arrow. Text is text, whatever the width of its offsets; a category travels as its
values. A zoned time comes back as a UTC instant in microseconds, nanoseconds floored (R1); every other column comes
back as it was, or is refused before anything is sent.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from plumb.errors import InputError

INSTANT = pa.timestamp("us", "UTC")
"""The type of every instant (R1)."""

DECIMAL_DIGITS = 38
"""How many digits the engine's decimals have."""

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
    """The type that a column travels in; None where there is none that keeps its values."""
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
    """Lists of what travels as it is. A fixed size is kept; structs and maps hold what needs no change."""
    if pt.is_list(given) or pt.is_large_list(given) or pt.is_list_view(given) or pt.is_large_list_view(given):
        element = carrier(given.value_type)
        return None if element is None or pt.is_null(given.value_type) else pa.list_(element)
    fields = [given.field(i) for i in range(given.num_fields)]
    plain = (pt.is_struct(given) and fields) or pt.is_map(given) or pt.is_fixed_size_list(given)
    return given if plain and all(carrier(field.type) == field.type for field in fields) else None


def kept(given: pa.DataType) -> pa.DataType:
    """The type that a column comes back in: its own, except that zoned times are UTC microseconds (R1)."""
    if pt.is_timestamp(given) and given.tz is not None:
        return INSTANT
    if pt.is_list(given) or pt.is_large_list(given):
        element = kept(given.value_type)
        if element != given.value_type:
            return pa.large_list(element) if pt.is_large_list(given) else pa.list_(element)
    return given


class Carriers:
    """Packs label batches for the engine, and unpacks the label columns of its answer.

    All labels are packed before the first row is unpacked: the categories are known by then.
    """

    def __init__(self, given: pa.Schema, time_column: str) -> None:
        """Raises InputError for two columns of one name, and for a type that does not survive the journey."""
        check_names(given.names)
        self.given = given
        sent, back = [], []
        for field in given:
            travels = INSTANT if field.name == time_column and pt.is_null(field.type) else carrier(field.type)
            if travels is None or not _returns(travels, kept(field.type)):
                raise InputError(
                    f"label column {field.name!r} is {field.type}, which a join cannot carry without loss; "
                    "leave the column out, or cast it"
                )
            sent.append(pa.field(field.name, travels))
            back.append(pa.field(field.name, kept(field.type), metadata=field.metadata))
        self.wire: pa.Schema = pa.schema(sent)
        """What is sent."""
        self.kept: pa.Schema = pa.schema(back, metadata=given.metadata)
        """What the label columns of the result are."""
        self._categories: dict[int, pa.Array] = {}

    def pack(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch of label rows as it travels. Raises InputError for a value that has no place in its carrier."""
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
        """Remembers the categories in their order, those that no row has too."""
        known = self._categories.get(column)
        if known is None:
            known = values.dictionary
        elif not known.equals(values.dictionary):
            new = values.dictionary.filter(pc.invert(pc.is_in(values.dictionary, value_set=known)))
            known = pa.concat_arrays([known, new])
        self._categories[column] = known
        pa.array([max(len(known) - 1, 0)]).cast(self.given.field(column).type.index_type)

    def unpack(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch of the answer with its label columns, which come first, in their own types again."""
        columns = batch.columns
        for i, field in enumerate(self.kept):
            columns[i] = self._unpack(i, columns[i], field.type)
        return pa.RecordBatch.from_arrays(columns, schema=self.result(batch.schema))

    def result(self, answer: pa.Schema) -> pa.Schema:
        """The schema of the result, from that of the engine's answer."""
        features = [answer.field(i) for i in range(len(self.kept), len(answer))]
        return pa.schema([*self.kept, *features], metadata=self.given.metadata)

    def described(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows with each label column in a type that the manifest describes: its own where the values are the
        same in both, and else that in which it travelled.
        """
        columns, schema = rows.columns, self.described_schema(rows.schema)
        for i in range(len(self.wire)):
            if columns[i].type != schema.field(i).type:
                columns[i] = self._carry(i, storage(columns[i]), schema.field(i).type)
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def described_schema(self, rows: pa.Schema) -> pa.Schema:
        """The schema of rows as described gives them."""
        for i, travelled in enumerate(self.wire):
            if not _alike(rows.field(i).type, travelled.type):
                rows = rows.set(i, travelled)
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
    """Raises InputError for a column that would be another one in a Parquet file that a manifest describes. Those that
    were carried may have travelled in a type that Parquet has.
    """
    for field in labels:
        seconds = pt.is_timestamp(field.type) and field.type.unit == "s" and not carried
        if pt.is_duration(field.type) or pt.is_interval(field.type) or seconds:
            raise InputError(
                f"label column {field.name!r} is {field.type}, which a training set with a manifest cannot hold; "
                "cast it, or leave it out"
            )


def check_names(names: list[Any], table: str = "label") -> None:
    """Raises InputError for a column whose name is not text, and for two that the engine could not keep apart: their
    names are the same but for case (R10).
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
    """What an extension type is stored as; other arrays as they are."""
    return values.storage if isinstance(values.type, pa.BaseExtensionType) else values


def without_null_categories(values: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same values, the null ones among the codes rather than the categories, where pandas and Arrow want them."""
    categories = values.dictionary.drop_null()
    if len(categories) == len(values.dictionary):
        return values
    codes = pc.index_in(values.dictionary_decode(), value_set=categories, skip_nulls=True)
    return pa.DictionaryArray.from_arrays(codes.cast(values.type.index_type), categories, ordered=values.type.ordered)


def to_instants(values: pa.Array) -> pa.Array:
    """Times as UTC instants in microseconds; nanoseconds are floored, a time without a zone is UTC (R1)."""
    if values.type.unit == "ns":
        values = pc.floor_temporal(values.cast(pa.timestamp("ns")), unit="microsecond")
    return values.cast(pa.timestamp("us", values.type.tz)).cast(INSTANT)


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether a manifest describes values of both types in the same way."""
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


def _returns(travels: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether there is a way back. Categories have one of their own."""
    if pt.is_null(wanted):
        return True
    try:
        if pt.is_dictionary(wanted):
            categories = pa.array([], wanted.value_type)
            pc.index_in(pa.array([], travels).cast(categories.type), value_set=categories)
            return True
        _cast(pa.array([], travels), wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return False
    return True
