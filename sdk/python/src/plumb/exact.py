"""Columns brought to their declared types exactly, by the engine's rules (R9); what does not fit is told by row."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from plumb.carriers import carrier, storage, to_instants
from plumb.errors import InputError
from plumb.values import ARRAY, TYPES, arrow_type

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = 100
"""How many letters of a value that does not fit are shown."""

WIDE = Context(prec=400)
"""Holds every decimal, and every digit of a float."""


def exactly(given: pa.Array, declared: str, *, key: bool) -> tuple[pa.Array, dict[int, str]]:
    """The column in its declared type, null where a value does not fit, and for each such row what is wrong.

    Join keys may also be text that spells them, and integers for text. Raises InputError for a type that cannot become
    the declared one, whatever its values are.
    """
    plain = _plain(given)
    if pt.is_null(given.type):
        return pa.nulls(len(given), arrow_type(declared)), {}
    if plain is not None and declared.endswith(ARRAY) and pt.is_list(plain.type):
        return _lists(plain, declared.removesuffix(ARRAY), given.type)
    bring = None if plain is None else _conversion(plain.type, declared, key)
    if plain is None or bring is None:
        raise InputError(f"{given.type} cannot become {declared}")
    return _by_row(plain, bring, declared)


def _plain(given: pa.Array) -> pa.Array | None:
    """The values without what Arrow has several of: widths of offsets, categories, extensions; None where there is
    nothing plain that keeps them.
    """
    if pt.is_duration(given.type) or (pt.is_timestamp(given.type) and given.type.tz is not None):
        return given  # The one is not a number, and the other is floored rather than cast (R1).
    if pt.is_list(given.type) or pt.is_null(given.type):
        return given  # Elements are made plain on their own.
    values = storage(given)
    if pt.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pt.is_timestamp(values.type):
        return values
    if pt.is_nested(values.type):
        element = values.type.value_type if hasattr(values.type, "value_type") else None
        return None if element is None else values.cast(pa.list_(element))
    travels = carrier(values.type)
    return None if travels is None else values.cast(travels)


def _lists(given: pa.Array, element: str, kind: pa.DataType) -> tuple[pa.Array, dict[int, str]]:
    """Arrays, each null where one of its elements does not fit."""
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
    gone = pa.array([row in rows for row in range(len(column))])
    return pc.if_else(gone, pa.scalar(None, column.type), column)


def _by_row(given: pa.Array, bring: Callable[[pa.Array], pa.Array], declared: str) -> tuple[pa.Array, dict[int, str]]:
    """What bring makes of the values, halved around those for which it raises pa.ArrowInvalid."""
    misfits: dict[int, str] = {}

    def part(begin: int, end: int) -> list[pa.Array]:
        try:
            return [bring(given.slice(begin, end - begin))]
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
    except (OverflowError, ValueError):  # A time that Python has no datetime for.
        return str(value.value)


def _conversion(given: pa.DataType, declared: str, key: bool) -> Callable[[pa.Array], pa.Array] | None:
    """How values of a plain type become the declared one; it raises pa.ArrowInvalid where one does not fit exactly."""
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
    """Floats without a fraction, within what the integers span."""
    limit = 2.0 ** (wanted.bit_width - 1)
    values = values.cast(pa.float64())
    within = pc.and_(pc.greater_equal(values, -limit), pc.less(values, limit))
    _require(pc.and_(within, pc.equal(pc.trunc(values), values)), values)
    return values.cast(wanted, safe=False)


def _spelled(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Text that is what the integer is written as (R9): no plus sign, no leading zeros, no -0."""
    _require(pc.match_substring_regex(values, r"\A(0|-?[1-9][0-9]*)\z"), values)
    return values.cast(wanted)


def _truths(values: pa.Array) -> pa.Array:
    _require(pc.is_in(values, pa.array(["true", "false"])), values)
    return pc.equal(values, "true")


def _floats(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Numbers that come back from the float as they were. NaN is a value, and stays."""
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
    """Whether a float is the number; a decimal is rounded to the digits that it has."""
    try:
        if isinstance(number, Decimal):
            return Decimal(back).quantize(number, context=WIDE) == number
        return int(back) == number
    except ArithmeticError:  # Infinite: the number is beyond the float.
        return False
