"""Converts columns to their declared types exactly, by the engine's rules (R9), and lists the rows that do not fit."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from plumbstore.carriers import carrier, storage, to_instants
from plumbstore.errors import InputError
from plumbstore.values import ARRAY, TYPES, arrow_type

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = 100
"""The number of characters shown of a value that does not fit."""

WIDE = Context(prec=400)
"""Enough precision for every decimal, and for every digit of a float."""


def exactly(given: pa.Array, declared: str, *, key: bool) -> tuple[pa.Array, dict[int, str]]:
    """Returns the column in its declared type, with null for each value that does not fit, and the reason for each such
    row.

    Two more conversions are allowed for join keys: text to integers and booleans, and integers to text. Raises
    InputError for a type that cannot become the declared one, whatever its values are.
    """
    plain = _plain(given)
    if pt.is_null(given.type):
        return pa.nulls(len(given), arrow_type(declared)), {}
    if plain is not None and declared.endswith(ARRAY) and pt.is_list(plain.type):
        return _lists(plain, declared.removesuffix(ARRAY), given.type)
    convert = None if plain is None else _conversion(plain.type, declared, key)
    if plain is None or convert is None:
        raise InputError(f"{given.type} cannot become {declared}")
    return _by_row(plain, convert, declared)


def _plain(given: pa.Array) -> pa.Array | None:
    """Returns the values in the plain one of Arrow's equivalent types: no large offsets, dictionaries or extensions.
    Returns None if no plain type holds them exactly.
    """
    if pt.is_duration(given.type) or (pt.is_timestamp(given.type) and given.type.tz is not None):
        return given  # A duration is not a number, and a time with a zone is floored rather than cast (R1).
    if pt.is_list(given.type) or pt.is_null(given.type):
        return given  # The elements are made plain separately.
    values = storage(given)
    if pt.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pt.is_timestamp(values.type):
        return values
    if pt.is_nested(values.type):
        element = values.type.value_type if hasattr(values.type, "value_type") else None
        return None if element is None else values.cast(pa.list_(element))
    carried = carrier(values.type)
    return None if carried is None else values.cast(carried)


def _lists(given: pa.Array, element: str, kind: pa.DataType) -> tuple[pa.Array, dict[int, str]]:
    """Converts arrays. An array is null if one of its elements does not fit."""
    try:
        elements, wrong = exactly(given.flatten(), element, key=False)
    except InputError:
        raise InputError(f"{kind} cannot become {element}{ARRAY}") from None
    lengths = pc.fill_null(pc.list_value_length(given), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    lists = pa.ListArray.from_arrays(offsets, elements, mask=pc.is_null(given))
    parents = pc.list_parent_indices(given).to_pylist() if wrong else []
    misfits: dict[int, str] = {}
    for at, reason in wrong.items():
        misfits.setdefault(parents[at], reason.replace("does not fit", "is an element that does not fit"))
    return _without(lists, misfits), misfits


def _without(column: pa.Array, rows: dict[int, str]) -> pa.Array:
    if not rows:
        return column
    removed = pa.array([row in rows for row in range(len(column))])
    return pc.if_else(removed, pa.scalar(None, column.type), column)


def _by_row(given: pa.Array, convert: Callable[[pa.Array], pa.Array], declared: str) -> tuple[pa.Array, dict[int, str]]:
    """Converts values with convert, which raises pa.ArrowInvalid if one does not fit. Halves the values until each that
    does not fit is found.
    """
    misfits: dict[int, str] = {}

    def part(begin: int, end: int) -> list[pa.Array]:
        try:
            return [convert(given.slice(begin, end - begin))]
        except pa.ArrowInvalid:
            if end - begin == 1:
                misfits[begin] = f"{_text(given[begin])} does not fit {declared} exactly"
                return [pa.nulls(1, TYPES[declared])]
        middle = (begin + end) // 2
        return [*part(begin, middle), *part(middle, end)]

    return pa.concat_arrays(part(0, len(given))), misfits


def _text(value: pa.Scalar) -> str:
    try:
        return str(value.as_py())[:SHOWN]
    except (OverflowError, ValueError):  # A time out of the range of datetime.
        return str(value.value)


def _conversion(given: pa.DataType, declared: str, key: bool) -> Callable[[pa.Array], pa.Array] | None:
    """Returns the conversion of a plain type to the declared one. It raises pa.ArrowInvalid if a value does not fit."""
    if declared.endswith(ARRAY):
        return None
    wanted = TYPES[declared]
    if declared == "TIMESTAMP":
        return _instants if pt.is_timestamp(given) or pt.is_date32(given) else None
    if given == wanted:
        return lambda values: values
    if pt.is_integer(wanted):
        return _to_integers(given, wanted, key)
    if pt.is_floating(wanted):
        return (lambda values: _floats(values, wanted)) if _is_number(given) else None
    if not key:
        return None
    if declared == "STRING" and pt.is_integer(given):
        return lambda values: values.cast(wanted)
    return _truths if declared == "BOOL" and pt.is_string(given) else None


def _is_number(given: pa.DataType) -> bool:
    return any(matches(given) for matches in (pt.is_integer, pt.is_floating, pt.is_decimal))


def _to_integers(given: pa.DataType, wanted: pa.DataType, key: bool) -> Callable[[pa.Array], pa.Array] | None:
    if pt.is_floating(given):
        return lambda values: _whole(values, wanted)
    if _is_number(given):
        return lambda values: values.cast(wanted)
    return (lambda values: _spelled(values, wanted)) if key and pt.is_string(given) else None


def _require(fits: pa.Array, values: pa.Array) -> None:
    """Raises pa.ArrowInvalid unless fits is true for every value that is not null."""
    if (pc.sum(fits).as_py() or 0) != len(values) - values.null_count:
        raise pa.ArrowInvalid("a value does not fit")


def _instants(values: pa.Array) -> pa.Array:
    return to_instants(values.cast(pa.timestamp("us")) if pt.is_date32(values.type) else values)


def _whole(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Converts floats that have no fraction and are in the range of the integers."""
    limit = 2.0 ** (wanted.bit_width - 1)
    values = values.cast(pa.float64())
    within = pc.and_(pc.greater_equal(values, -limit), pc.less(values, limit))
    _require(pc.and_(within, pc.equal(pc.trunc(values), values)), values)
    return values.cast(wanted, safe=False)


def _spelled(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Converts text that spells an integer in its one form (R9): no plus sign, no leading zeros, no -0."""
    _require(pc.match_substring_regex(values, r"\A(0|-?[1-9][0-9]*)\z"), values)
    return values.cast(wanted)


def _truths(values: pa.Array) -> pa.Array:
    _require(pc.is_in(values, pa.array(["true", "false"])), values)
    return pc.equal(values, "true")


def _floats(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Converts numbers that a float represents exactly. NaN is a value, and stays NaN."""
    if pt.is_floating(values.type):
        floats = values.cast(wanted, safe=False)
        back = floats.cast(values.type, safe=False)
        _require(pc.or_(pc.equal(back, values), pc.and_(pc.is_nan(back), pc.is_nan(values))), values)
        return floats
    numbers = values.to_pylist()
    floats = pa.array([None if each is None else float(each) for each in numbers], pa.float64())
    floats = floats.cast(wanted, safe=False)
    back = floats.to_pylist()
    fits = [n is not None and _returns(n, b) for n, b in zip(numbers, back, strict=True)]
    _require(pa.array(fits, pa.bool_()), values)
    return floats


def _returns(number: int | Decimal, back: float) -> bool:
    """Reports whether a float equals the number. It is rounded to the digits of a decimal first."""
    try:
        if isinstance(number, Decimal):
            return Decimal(back).quantize(number, context=WIDE) == number
        return int(back) == number
    except ArithmeticError:  # Infinite: the number is out of the range of the float.
        return False
