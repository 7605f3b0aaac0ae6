"""Columns of look-ups, as a server packs them and as Arrow arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from plumb.carriers import INSTANT
from plumb.v1 import serving_pb2 as sv
from plumb.values import array_of, instant_of, list_of

if TYPE_CHECKING:
    from datetime import datetime

STATUSES = sv.Status.keys()
"""The names of statuses by their numbers, which have no gaps."""

PRESENT, NOT_FOUND = sv.Status.Value("PRESENT"), sv.Status.Value("NOT_FOUND")


@dataclass(frozen=True)
class Packed:
    """A column of a server's answer: see plumb.online.Answer. Nothing is unpacked before somebody asks."""

    column: sv.FeatureColumn
    declared: str

    @property
    def name(self) -> str:
        """The output's (R10)."""
        return self.column.name

    def values(self) -> pa.Array:
        """Null but where PRESENT."""
        present = pa.array([status == PRESENT for status in self.column.statuses], pa.bool_())
        return array_of(self.column.values, self.declared, present)

    def statuses(self) -> pa.Array:
        """Their names."""
        return pa.array(self.status_list(), pa.string())

    def times(self) -> pa.Array:
        """Null where NOT_FOUND."""
        there = pa.array([status != NOT_FOUND for status in self.column.statuses], pa.bool_())
        times = pa.array(self.column.event_timestamps, pa.int64()).cast(INSTANT)
        return pc.if_else(there, times, pa.scalar(None, INSTANT))

    def value_list(self) -> list[Any]:
        """As values."""
        statuses = self.column.statuses
        everywhere = statuses.count(PRESENT) == len(statuses)
        return list_of(self.column.values, None if everywhere else [status == PRESENT for status in statuses])

    def status_list(self) -> list[str]:
        """As statuses."""
        return [STATUSES[status] for status in self.column.statuses]

    def time_list(self) -> list[datetime | None]:
        """As times."""
        return [
            None if status == NOT_FOUND else instant_of(micros)
            for status, micros in zip(self.column.statuses, self.column.event_timestamps, strict=True)
        ]


@dataclass(frozen=True)
class Arrays:
    """A column that is Arrow already: see plumb.online.Answer."""

    name: str
    value_array: pa.Array
    status_array: pa.Array
    time_array: pa.Array

    def values(self) -> pa.Array:
        """Null but where PRESENT."""
        return self.value_array

    def statuses(self) -> pa.Array:
        """Their names."""
        return self.status_array

    def times(self) -> pa.Array:
        """Null where NOT_FOUND."""
        return self.time_array

    def value_list(self) -> list[Any]:
        """As values."""
        return list(self.value_array.to_pylist())

    def status_list(self) -> list[str]:
        """As statuses."""
        return list(self.status_array.to_pylist())

    def time_list(self) -> list[datetime | None]:
        """As times."""
        return list(self.time_array.to_pylist())
