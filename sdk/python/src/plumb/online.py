"""Look-ups: keys in whatever form callers have them, answers in the shape of a join's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pyarrow as pa

from plumb.carriers import check_names
from plumb.errors import Fault, InputError
from plumb.foreign import guarded_methods, is_foreign, words
from plumb.labels import Labels, labels_of
from plumb.result import Result, Rows
from plumb.values import as_keys, pack_list, packed, plain_keys

if TYPE_CHECKING:
    from plumb.labels import Frame
    from plumb.provenance import ViewProvenance
    from plumb.selection import Selection
    from plumb.v1 import values_pb2 as pb

    Keys: TypeAlias = Mapping[str, Any] | Frame
    """Columns of keys: a dict of lists (a single value stands for a list of one), or a frame or table."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST = (datetime.min.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)


class Answer(Protocol):
    """One output of a look-up: for each row value, status and event time, null where NOT_FOUND. As arrays and as lists,
    since those who want a list need no Arrow.
    """

    @property
    def name(self) -> str:
        """The output's (R10)."""

    def values(self) -> pa.Array:
        """Null but where PRESENT."""

    def statuses(self) -> pa.Array:
        """Their names."""

    def times(self) -> pa.Array:
        """Null where NOT_FOUND."""

    def value_list(self) -> list[Any]:
        """As values."""

    def status_list(self) -> list[str]:
        """As statuses."""

    def time_list(self) -> list[datetime | None]:
        """As times."""


class KeyRows:
    """Keys as they were given, which come back, and as they are looked up: in their declared types (R9).

    Lists of Python's own values of the declared types are looked up as they are; Arrow arrays are made of them when
    somebody wants some. Whatever else keys may be goes through Arrow, which also finds the words for mistakes.
    """

    def __init__(self, keys: Keys, declared: Mapping[str, str]) -> None:
        """Raises InputError for a value that does not fit its declared type, and for columns of uneven length; which
        columns there have to be is the engine's to say.
        """
        self._declared = declared
        self._plain = plain_keys(keys, declared)
        self._keys: Keys = keys if self._plain is None else self._plain
        if self._plain is None:
            _ = self.typed

    @cached_property
    def given(self) -> Labels:
        """Keys as they were given, but for their batches, which table has."""
        return _from_mapping(self._keys) if isinstance(self._keys, Mapping) else labels_of(self._keys, "keys")

    @cached_property
    def table(self) -> pa.Table:
        """Keys as they were given."""
        return pa.Table.from_batches(self.given.batches, schema=self.given.schema)

    @cached_property
    def typed(self) -> dict[str, pa.Array]:
        """Keys in their declared types."""
        typed = {}
        for name in self.table.column_names:
            column = self.table.column(name)
            array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
            # Of a column that is not a key only the name matters, by which it is refused.
            known = self._declared.get(name)
            typed[name] = as_keys(name, array, known) if known else pa.nulls(len(array), pa.string())
        return typed

    @property
    def names(self) -> list[str]:
        """The key columns."""
        return list(self.table.column_names if self._plain is None else self._plain)

    def __len__(self) -> int:
        return len(self.table) if self._plain is None else len(next(iter(self._plain.values())))

    def lists(self) -> dict[str, list[Any]]:
        """Keys as they were given, as lists."""
        return dict(self.table.to_pydict() if self._plain is None else self._plain)

    def packed(self) -> Iterator[tuple[str, pb.Values, bytes]]:
        """Of each column its name, its packed values, and its null flags."""
        if self._plain is None:
            for name, column in self.typed.items():
                yield name, *packed(column)
            return
        for name, column in self._plain.items():
            yield name, *pack_list(column, self._declared[name])

    def again(self, declared: Mapping[str, str]) -> KeyRows:
        """The same keys, of other declared types."""
        return KeyRows(self.table if self._plain is None else self._plain, declared)


@dataclass(frozen=True)
class Found:
    """What a look-up gave: for each output of the selection, in order, an answer, and the provenance of each use of a
    view by its alias; None where it was not asked for.
    """

    selection: Selection
    keys: KeyRows
    answers: Sequence[Answer]
    provenance: Mapping[str, ViewProvenance] | None


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


@guarded_methods
class LookUp(Result):
    """The rows of a look-up. They are kept, and become Arrow when somebody wants them so."""

    def __init__(self, found: Found, *, statuses: bool, event_timestamps: bool) -> None:
        super().__init__()
        self._found, self._statuses, self._event_timestamps = found, statuses, event_timestamps
        selection, answers = found.selection, found.answers
        if len(answers) != len(selection.outputs):
            raise Fault(f"the answer has {len(answers)} features, and {len(selection.outputs)} were asked for")
        seen: set[str] = set()
        for name in (*found.keys.names, *(name for name, _, _ in self._outputs())):
            if name in seen:
                raise InputError(
                    f"output columns collide: {name!r} is a key column and an output; ask for full names, view__feature"
                )
            seen.add(name)

    def _outputs(self) -> Iterator[tuple[str, Answer, str]]:
        """The columns after the keys, named and ordered as historical does: name, answer, and which part of it."""
        times: dict[str, Answer] = {}
        for output, answer in zip(self._found.selection.outputs, self._found.answers, strict=True):
            yield answer.name, answer, "values"
            if self._statuses:
                yield f"{answer.name}__status", answer, "statuses"
            times.setdefault(f"{output.alias}__event_timestamp", answer)
        for name, answer in times.items() if self._event_timestamps else ():
            yield name, answer, "times"

    @cached_property
    def _rows(self) -> Rows:
        keys = self._found.keys
        labels = keys.table.schema
        arrays = {name: getattr(answer, part)() for name, answer, part in self._outputs()}
        features = [pa.field(name, array.type) for name, array in arrays.items()]
        schema = pa.schema([*labels, *features], metadata=labels.metadata)
        self._keep(pa.table([*keys.table.columns, *arrays.values()], schema=schema))
        rows = Rows(schema, iter(()), len(labels), keys.given.pandas, keys.given.index)
        rows.provenance = self._found.provenance
        return rows

    @property
    def provenance(self) -> Mapping[str, ViewProvenance] | None:
        """Where the values come from; see Result.provenance."""
        return self._found.provenance

    def to_dict(self) -> dict[str, list[Any]]:
        """The rows as a dict of columns, each a list of Python's own values; see Result.to_dict."""
        lists = {"values": "value_list", "statuses": "status_list", "times": "time_list"}
        outputs = {name: getattr(answer, lists[part])() for name, answer, part in self._outputs()}
        return {**self._found.keys.lists(), **outputs}

    def close(self) -> None:
        """Nothing is open: the rows are kept."""

    def _count(self) -> int:
        return len(self._found.keys)
