"""Look-ups: converts the keys that callers pass, and presents the answers like the rows of a join."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pyarrow as pa

from plumb.carriers import check_names
from plumb.errors import Fault, InputError
from plumb.foreign import guarded_methods, is_foreign, message_of
from plumb.labels import Labels, labels_of
from plumb.result import Result, Rows
from plumb.values import as_keys, pack_list, packed, plain_keys

if TYPE_CHECKING:
    from plumb.labels import Frame
    from plumb.provenance import ViewProvenance
    from plumb.selection import Selection
    from plumb.v1 import values_pb2 as pb

    Keys: TypeAlias = Mapping[str, Any] | Frame
    """Columns of keys: a frame, a table, or a dict of lists, in which a single value means a list of one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST = (datetime.min.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)


class Answer(Protocol):
    """One output of a look-up: for each row the value, the status and the event time, which is null if NOT_FOUND. Each
    is available as an Arrow array and as a list, because lists can be made without Arrow.
    """

    @property
    def name(self) -> str:
        """The name of the output (R10)."""

    def values(self) -> pa.Array:
        """The values, null unless PRESENT."""

    def statuses(self) -> pa.Array:
        """The names of the statuses."""

    def times(self) -> pa.Array:
        """The event times, null if NOT_FOUND."""

    def value_list(self) -> list[Any]:
        """The values as a list."""

    def status_list(self) -> list[str]:
        """The statuses as a list."""

    def time_list(self) -> list[datetime | None]:
        """The event times as a list."""


class KeyRows:
    """The keys of a look-up, both as they were given, for the result, and in their declared types, for the call (R9).

    A dict of lists of plain Python values of the declared types is used as it is, and converted to Arrow only if a
    caller asks for Arrow. All other forms of keys, and all keys with mistakes, are converted to Arrow first.
    """

    def __init__(self, keys: Keys, declared: Mapping[str, str]) -> None:
        """Raises InputError for a value that does not fit its declared type, and for columns of different lengths. The
        engine checks which columns are required.
        """
        self._declared = declared
        self._plain = plain_keys(keys, declared)
        self._keys: Keys = keys if self._plain is None else self._plain
        if self._plain is None:
            _ = self.typed

    @cached_property
    def given(self) -> Labels:
        """Keys as they were given. Their batches can be read only once, and table reads them."""
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
            # A column that is not a key is refused by its name, so its values are not sent.
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
        """Returns the name, the packed values and the null flags of each column."""
        if self._plain is None:
            for name, column in self.typed.items():
                yield name, *packed(column)
            return
        for name, column in self._plain.items():
            yield name, *pack_list(column, self._declared[name])

    def again(self, declared: Mapping[str, str]) -> KeyRows:
        """Returns the same keys with other declared types."""
        return KeyRows(self.table if self._plain is None else self._plain, declared)


@dataclass(frozen=True)
class Found:
    """The result of a look-up: an answer for each output of the selection, in order, and the provenance of each use of
    a view by its alias. provenance is None if it was not asked for.
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


def _array(name: str, values: Any) -> pa.Array:  # noqa: ANN401 - any form of a column of keys.
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
        raise InputError(
            f"key {name}: {message_of(error)}; give values of one type, such as texts or integers"
        ) from error


def instant(at: datetime | str) -> int:
    """Returns the microseconds since the epoch of a datetime or of ISO 8601 text. Without a zone, it is UTC (R1)."""
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at.replace("Z", "+00:00"))
        except ValueError as error:
            raise InputError(f"at: {at!r} is not an instant; write it like 2013-07-03T20:00:00Z") from error
    if not isinstance(at, datetime) or at != at:  # pandas' NaT is a datetime, and not equal to itself.
        raise InputError(f"at is a {type(at).__name__}; give a datetime, or text like 2013-07-03T20:00:00Z")
    aware = at if at.tzinfo is not None else at.replace(tzinfo=timezone.utc)
    micros = int((aware - _EPOCH) // timedelta(microseconds=1))
    if not _FIRST <= micros <= _LAST:
        raise InputError(f"at: {at.isoformat()} is outside the years 1 to 9999 in UTC")
    return micros


def rfc3339(micros: int) -> str:
    """Returns an instant as RFC 3339 text, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="microseconds").replace("+00:00", "Z")


@guarded_methods
class LookUp(Result):
    """The rows of a look-up. They are always kept, and are converted to Arrow only if a caller asks for Arrow."""

    def __init__(self, found: Found, *, statuses: bool, event_timestamps: bool) -> None:
        super().__init__()
        self._found, self._statuses, self._event_timestamps = found, statuses, event_timestamps
        selection, answers = found.selection, found.answers
        if len(answers) != len(selection.outputs):
            raise Fault(f"the answer has {len(answers)} features, but {len(selection.outputs)} were requested")
        seen: set[str] = set()
        for name in (*found.keys.names, *(name for name, _, _ in self._outputs())):
            if name in seen:
                raise InputError(
                    f"output columns collide: {name!r} is a key column and an output; ask for full names, view__feature"
                )
            seen.add(name)

    def _outputs(self) -> Iterator[tuple[str, Answer, str]]:
        """Returns the columns after the keys, in the names and the order of historical: the name, the answer, and the
        part of the answer.
        """
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
        """Does nothing: the rows are kept."""

    def _count(self) -> int:
        return len(self._found.keys)
