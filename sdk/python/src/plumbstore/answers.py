"""The columns of a look-up, packed as a server sends them or as Arrow arrays."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from plumbstore.carriers import INSTANT
from plumbstore.v1 import serving_pb2 as sv
from plumbstore.values import FIELDS, array_of, arrow_type, instant_of, list_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from plumbstore.v1 import values_pb2 as pb

STATUSES = sv.Status.keys()
"""The names of the statuses. The index is the number of the status; the numbers have no gaps."""

PRESENT, NOT_FOUND = sv.Status.Value("PRESENT"), sv.Status.Value("NOT_FOUND")

_FLAT: dict[str, Callable[[Any], Sequence[Any]]] = {
    declared: attrgetter(f"{field}.values") for declared, field in FIELDS.items()
}
"""For each declared type whose elements are those of Python lists: reads them from Values."""


@dataclass(slots=True)
class Packed:
    """A column of a server's answer; see plumb.online.Answer. It is unpacked only when it is read, straight into the
    form that is asked for.
    """

    name: str
    declared: str
    packed: pb.Values
    status_bytes: bytes
    event_timestamps: Sequence[int]

    def values(self) -> pa.Array:
        """The values, null unless PRESENT."""
        items = self._flat_list()
        if items is not None:
            return pa.array(items, arrow_type(self.declared))
        present = pa.array([status == PRESENT for status in self.status_bytes], pa.bool_())
        return array_of(self.packed, self.declared, present)

    def statuses(self) -> pa.Array:
        """The names of the statuses."""
        return pa.array(self.status_list(), pa.string())

    def times(self) -> pa.Array:
        """The event times, null if NOT_FOUND."""
        micros = [
            None if status == NOT_FOUND else each
            for status, each in zip(self.status_bytes, self.event_timestamps, strict=True)
        ]
        return pa.array(micros, pa.int64()).cast(INSTANT)

    def value_list(self) -> list[Any]:
        """The values as a list."""
        items = self._flat_list()
        if items is not None:
            return items
        flags = (
            None
            if self.status_bytes.count(PRESENT) == len(self.status_bytes)
            else [status == PRESENT for status in self.status_bytes]
        )
        return list_of(self.packed, flags)

    def status_list(self) -> list[str]:
        """The statuses as a list."""
        return [STATUSES[status] for status in self.status_bytes]

    def time_list(self) -> list[datetime | None]:
        """The event times as a list."""
        return [
            None if status == NOT_FOUND else instant_of(micros)
            for status, micros in zip(self.status_bytes, self.event_timestamps, strict=True)
        ]

    def _flat_list(self) -> list[Any] | None:
        """Returns the values of a flat type, None unless PRESENT. Returns None for a column of another type, and for
        elements that are not of the declared type.
        """
        read, statuses = _FLAT.get(self.declared), self.status_bytes
        if read is None:
            return None
        items: list[Any] = read(self.packed)[:]  # type: ignore[assignment]
        if len(items) != len(statuses):
            return None
        if statuses.count(PRESENT) == len(statuses):
            return items
        return [item if status == PRESENT else None for item, status in zip(items, statuses, strict=True)]


@dataclass(frozen=True)
class Joined:
    """A column in parts, for a look-up of more rows than one call may have; see plumb.online.Answer."""

    parts: Sequence[Packed]

    @property
    def name(self) -> str:
        """The name of the output (R10)."""
        return self.parts[0].name

    @property
    def declared(self) -> str:
        """The declared type."""
        return self.parts[0].declared

    def values(self) -> pa.Array:
        """The values, null unless PRESENT."""
        return pa.concat_arrays([part.values() for part in self.parts])

    def statuses(self) -> pa.Array:
        """The names of the statuses."""
        return pa.array(self.status_list(), pa.string())

    def times(self) -> pa.Array:
        """The event times, null if NOT_FOUND."""
        return pa.concat_arrays([part.times() for part in self.parts])

    def value_list(self) -> list[Any]:
        """The values as a list."""
        return [value for part in self.parts for value in part.value_list()]

    def status_list(self) -> list[str]:
        """The statuses as a list."""
        return [status for part in self.parts for status in part.status_list()]

    def time_list(self) -> list[datetime | None]:
        """The event times as a list."""
        return [time for part in self.parts for time in part.time_list()]


@dataclass(frozen=True)
class Arrays:
    """A column of Arrow arrays; see plumb.online.Answer."""

    name: str
    declared: str
    value_array: pa.Array
    status_array: pa.Array
    time_array: pa.Array

    def values(self) -> pa.Array:
        """The values, null unless PRESENT."""
        return self.value_array

    def statuses(self) -> pa.Array:
        """The names of the statuses."""
        return self.status_array

    def times(self) -> pa.Array:
        """The event times, null if NOT_FOUND."""
        return self.time_array

    def value_list(self) -> list[Any]:
        """The values as a list."""
        return list(self.value_array.to_pylist())

    def status_list(self) -> list[str]:
        """The statuses as a list."""
        return list(self.status_array.to_pylist())

    def time_list(self) -> list[datetime | None]:
        """The event times as a list."""
        return list(self.time_array.to_pylist())
