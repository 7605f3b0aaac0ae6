"""Where the values of a look-up come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from plumb.carriers import INSTANT
from plumb.errors import Fault
from plumb.v1 import serving_pb2 as sv

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROW = pa.schema(
    [
        ("origin", pa.string()),
        ("run", pa.int64()),
        ("pushed_timestamp", INSTANT),
        ("event_timestamp", INSTANT),
        ("created_timestamp", INSTANT),
        ("age_micros", pa.int64()),
        ("schema_id", pa.int64()),
    ]
)
"""What is told of each row."""


@dataclass(frozen=True)
class ViewProvenance:
    """Where the values of one use of a view come from.

    definition_hash: the SHA-256, in hexadecimal, of all in the definitions that decides the view's values.
    definition_revision: the revision since which they have been so; None where that is not known.
    rows: a table with one row for each row of keys, in their order. All but origin is null where there is no row.
        origin: RUN, PUSH, UNKNOWN for rows that were stored before rows said who wrote them, or NO_ROW. An expired row
        is there, and is told of (R13).
        run: the id of the materialization run that wrote the row. Of rows with equal times the one that was written
        last counts (R14).
        pushed_timestamp: when the push was accepted, by the clock of the process that took it.
        event_timestamp, created_timestamp: the row's times; created_timestamp is null where the source has none.
        age_micros: microseconds from the row's event time to the instant of the look-up.
        schema_id: the revision that introduced the layout that the row is stored in.
    """

    alias: str
    view: str
    definition_revision: int | None
    definition_hash: str
    rows: pa.Table


def provenance_of(uses: Iterable[sv.ViewProvenance], rows: int) -> dict[str, ViewProvenance]:
    """What a server told of so many rows, by the aliases of the uses."""
    told = {}
    for use in uses:
        try:
            table = _rows(use)
        except ValueError as error:
            raise Fault(f"the provenance of {use.alias} cannot be read: {error}") from error
        if len(table) != rows:
            raise Fault(f"the provenance of {use.alias} has {len(table)} rows, and {rows} were asked for")
        revision, digest = use.definition_revision or None, use.definition_hash.hex()
        told[use.alias] = ViewProvenance(use.alias, use.view, revision, digest, table)
    return told


def _rows(use: sv.ViewProvenance) -> pa.Table:
    """Raises ValueError where the lists are not of one length, and for an origin that this client does not know."""
    origins = [sv.ViewProvenance.Origin.Name(origin) for origin in use.origins]
    there = [origin != "NO_ROW" for origin in origins]
    nulls = use.created_nulls or bytes(len(origins))
    created = [found and not null for found, null in zip(there, nulls, strict=True)]
    return pa.table(
        [
            pa.array(origins, pa.string()),
            _where([origin == "RUN" for origin in origins], use.runs),
            _where([origin == "PUSH" for origin in origins], use.pushed_timestamps).cast(INSTANT),
            _where(there, use.event_timestamps).cast(INSTANT),
            _where(created, use.created_timestamps).cast(INSTANT),
            _where(there, use.age_micros),
            _where(there, use.schema_ids),
        ],
        schema=ROW,
    )


def _where(told: Sequence[bool], values: Iterable[int]) -> pa.Array:
    """The values that were told, and null in the place of others."""
    return pa.array([value if there else None for there, value in zip(told, values, strict=True)], pa.int64())
