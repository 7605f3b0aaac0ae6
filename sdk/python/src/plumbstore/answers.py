"""The columns of a look-up, packed as a server sends them or as Arrow arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from plumbstore.carriers import INSTANT
from plumbstore.v1 import serving_pb2 as sv
from plumbstore.values import array_of, instant_of, list_of

if TYPE_CHECKING:
    from datetime import datetime

STATUSES = sv.Status.keys()
"""The names of the statuses. The index is the number of the status; the numbers have no gaps."""

PRESENT, NOT_FOUND = sv.Status.Value("PRESENT"), sv.Status.Value("NOT_FOUND")


@dataclass(frozen=True)
class Packed:
    """A column of a server's answer; see plumb.online.Answer. It is unpacked only when it is read."""

    column: sv.FeatureColumn
    declared: str

    @property
    def name(self) -> str:
        """The name of the output (R10)."""
        return self.column.name

    def values(self) -> pa.Array:
        """The values, null unless PRESENT."""
        present = pa.array([status == PRESENT for status in self.column.statuses], pa.bool_())
        return array_of(self.column.values, self.declared, present)

    def statuses(self) -> pa.Array:
        """The names of the statuses."""
        return pa.array(self.status_list(), pa.string())

    def times(self) -> pa.Array:
        """The event times, null if NOT_FOUND."""
        found = pa.array([status != NOT_FOUND for status in self.column.statuses], pa.bool_())
        times = pa.array(self.column.event_timestamps, pa.int64()).cast(INSTANT)
        return pc.if_else(found, times, pa.scalar(None, INSTANT))

    def value_list(self) -> list[Any]:
        """The values as a list."""
        statuses = self.column.statuses
        everywhere = statuses.count(PRESENT) == len(statuses)
        return list_of(self.column.values, None if everywhere else [status == PRESENT for status in statuses])

    def status_list(self) -> list[str]:
        """The statuses as a list."""
        return [STATUSES[status] for status in self.column.statuses]

    def time_list(self) -> list[datetime | None]:
        """The event times as a list."""
        return [
            None if status == NOT_FOUND else instant_of(micros)
            for status, micros in zip(self.column.statuses, self.column.event_timestamps, strict=True)
        ]


@dataclass(frozen=True)
class Arrays:
    """A column of Arrow arrays; see plumb.online.Answer."""

    name: str
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
