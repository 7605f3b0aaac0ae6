"""The provenance of a look-up: where its values come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from plumbstore.carriers import INSTANT
from plumbstore.errors import Fault
from plumbstore.v1 import serving_pb2 as sv

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
"""The columns of ViewProvenance.rows."""

COUNTED = pa.schema([("events", pa.int64()), ("earliest_event_timestamp", INSTANT), ("earliest_event_after", INSTANT)])
"""The columns of ViewProvenance.rows that follow for a view with aggregations."""


@dataclass(frozen=True)
class ViewProvenance:
    """Where the values of one use of a view come from.

    definition_hash: the SHA-256, in hexadecimal, of everything in the definitions that determines the view's values.
    definition_revision: the revision since which the hash has been the same; None if it is not known.
    rows: a table with one row for each row of keys, in their order. All columns but origin are null if there is no row.
        origin: RUN, PUSH, NO_ROW, or UNKNOWN for rows stored by a version that did not record the origin. An expired
        row has its own origin, not NO_ROW (R13). BEFORE_FLOOR is for a view with windows whose stored state of the
        entity is complete only at later instants than the one that was asked for; the other columns are null then.
        run: the id of the materialization run that wrote the row. Of rows with equal times, the one that was written
        last is returned (R14).
        pushed_timestamp: when the push was accepted, by the clock of the process that accepted it.
        event_timestamp, created_timestamp: the row's times. created_timestamp is null if the source has none.
        age_micros: microseconds from the row's event time to the instant of the look-up.
        schema_id: the revision that introduced the layout of the stored row.
        The other columns are there for a view with aggregations, and are about its longest window, of several such the
        one with the least offset.
        events: the number of events that it counts; null if what is stored does not tell it.
        earliest_event_timestamp: the event time of the first of them, if what is stored tells it.
        earliest_event_after: otherwise an instant after which the first of them is, by the hop of the window at most.
    """

    alias: str
    view: str
    definition_revision: int | None
    definition_hash: str
    rows: pa.Table


@dataclass(frozen=True)
class ComputedProvenance:
    """What the values of one use of an on-demand view are computed by and of.

    definition_hash: the SHA-256, in hexadecimal, of everything in the definitions that determines the view's values.
    inputs: the request inputs that the selected features read, by the names under which they are given.
    views: the uses of feature views that they read, by the aliases that the provenance has.
    request_time: whether they read the time of the request.
    """

    alias: str
    view: str
    definition_hash: str
    inputs: tuple[str, ...]
    views: tuple[str, ...]
    request_time: bool


def computed_of(uses: Iterable[sv.ComputedProvenance]) -> dict[str, ComputedProvenance]:
    """Returns what a server's answer says of on-demand views, by the alias of each use."""
    return {
        use.alias: ComputedProvenance(
            use.alias, use.view, use.definition_hash.hex(), tuple(use.inputs), tuple(use.views), use.request_time
        )
        for use in uses
    }


def provenance_of(uses: Iterable[sv.ViewProvenance], rows: int) -> dict[str, ViewProvenance]:
    """Returns the provenance in a server's answer, by the alias of each use. rows is the number of rows of keys."""
    provenance = {}
    for use in uses:
        try:
            table = _rows(use)
        except ValueError as error:
            raise Fault(f"the provenance of {use.alias} cannot be read: {error}") from error
        if len(table) != rows:
            raise Fault(f"the provenance of {use.alias} has {len(table)} rows, but {rows} were requested")
        revision, digest = use.definition_revision or None, use.definition_hash.hex()
        provenance[use.alias] = ViewProvenance(use.alias, use.view, revision, digest, table)
    return provenance


def joined(parts: Sequence[dict[str, ViewProvenance]]) -> dict[str, ViewProvenance]:
    """Returns the provenance of all rows of keys, from that of their parts in order."""
    if len(parts) == 1:
        return parts[0]
    return {
        alias: replace(first, rows=pa.concat_tables([part[alias].rows for part in parts]).combine_chunks())
        for alias, first in parts[0].items()
    }


def _rows(use: sv.ViewProvenance) -> pa.Table:
    """Raises ValueError if the lists differ in length, or for a value of an enum that this client does not know."""
    origins = [sv.ViewProvenance.Origin.Name(origin) for origin in use.origins]
    found = [origin not in ("NO_ROW", "BEFORE_FLOOR") for origin in origins]
    nulls = use.created_nulls or bytes(len(origins))
    created = [exists and not null for exists, null in zip(found, nulls, strict=True)]
    table = pa.table(
        [
            pa.array(origins, pa.string()),
            _only([origin == "RUN" for origin in origins], use.runs),
            _only([origin == "PUSH" for origin in origins], use.pushed_timestamps).cast(INSTANT),
            _only(found, use.event_timestamps).cast(INSTANT),
            _only(created, use.created_timestamps).cast(INSTANT),
            _only(found, use.age_micros),
            _only(found, use.schema_ids),
        ],
        schema=ROW,
    )
    return _with_counted(table, use, found) if use.earliest else table


def _with_counted(table: pa.Table, use: sv.ViewProvenance, found: Sequence[bool]) -> pa.Table:
    """Returns the rows with what the longest window counts."""
    earliest = [sv.ViewProvenance.Earliest.Name(each) for each in use.earliest]
    told = [exists and events >= 0 for exists, events in zip(found, use.events, strict=True)]
    columns = [
        _only(told, use.events),
        _only([each == "EARLIEST_EVENT" for each in earliest], use.earliest_timestamps).cast(INSTANT),
        _only([each == "EARLIEST_TILE" for each in earliest], use.earliest_timestamps).cast(INSTANT),
    ]
    return pa.table([*table.columns, *columns], schema=pa.schema([*ROW, *COUNTED]))


def _only(wanted: Sequence[bool], values: Iterable[int]) -> pa.Array:
    """Returns the values whose flag in wanted is true, and null for the others."""
    return pa.array([value if flag else None for flag, value in zip(wanted, values, strict=True)], pa.int64())
