"""Pushed rows as messages of plumb.v1, each within what a server takes in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plumb.errors import InputError
from plumb.pushed import Pushed, RefusedRow
from plumb.v1 import serving_pb2 as sv
from plumb.values import micros, null_flags, pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from plumb.pushing import Columns, TypedRows

CALL_ROWS = 10_000
CALL_BYTES = 4 << 20
"""What a server takes in one call."""

EVENT_FIELD, CREATED_FIELD = "event_timestamps", "created_timestamps"
"""What the server calls the columns of times."""


def message(view: str, columns: Columns, rows: TypedRows, *, atomic: bool) -> sv.PushRequest:
    """The request that pushes rows. Surplus columns come along by name, for the server to refuse."""
    if columns.event is None:
        raise ValueError("rows without a column of event times cannot be sent")
    request = sv.PushRequest(view=view, atomic=atomic, event_timestamps=_times(rows.columns[columns.event]))
    if columns.created is not None:
        request.created_timestamps.CopyFrom(_times(rows.columns[columns.created]))
    for name, declared in columns.keys.items():
        values, nulls = pack(rows.columns[name], declared)
        request.keys.add(name=name, values=values, nulls=nulls)
    for name, (feature, declared) in columns.features.items():
        values, nulls = pack(rows.columns[name], declared)
        request.features.add(name=feature, values=values, nulls=nulls)
    for name in columns.surplus:
        request.features.add(name=name)
    return request


def _times(column: pa.Array) -> sv.TimeColumn:
    return sv.TimeColumn(micros=micros(column), nulls=null_flags(column))


def messages(view: str, columns: Columns, rows: TypedRows) -> Iterator[tuple[int, sv.PushRequest]]:
    """The requests that push rows, a call's worth each, with the place of each one's first row among them."""
    waiting = [(begin, min(CALL_ROWS, rows.rows - begin)) for begin in range(0, rows.rows, CALL_ROWS)]
    while waiting:
        begin, count = waiting.pop(0)
        request = message(view, columns, rows.slice(begin, count), atomic=False)
        if request.ByteSize() > CALL_BYTES and count > 1:
            waiting[:0] = [(begin, count // 2), (begin + count // 2, count - count // 2)]
        else:
            yield begin, request


def whole(view: str, columns: Columns, rows: TypedRows) -> sv.PushRequest:
    """The one request that pushes rows all or none. Raises InputError where they are too many for that."""
    request = message(view, columns, rows, atomic=True)
    if rows.rows > CALL_ROWS or request.ByteSize() > CALL_BYTES:
        raise InputError(
            f"the rows are {rows.rows} with {request.ByteSize()} bytes, and a server takes {CALL_ROWS} rows with "
            f"{CALL_BYTES} bytes in one call; push fewer at once, or without atomic=True"
        )
    return request


def pushed(so_far: Pushed, reply: sv.PushResponse, first: int, columns: Columns, rows: TypedRows) -> Pushed:
    """What was pushed by now, after the answer to a request whose rows count from first."""
    names = {EVENT_FIELD: columns.event, CREATED_FIELD: columns.created}
    names.update({feature: column for column, (feature, _) in columns.features.items()})
    listed = (RefusedRow(first + each.row, names.get(each.field) or each.field, each.reason) for each in reply.refused)
    return Pushed(
        so_far.view,
        so_far.written + reply.written,
        so_far.older + reply.older,
        so_far.refused + tuple(rows.misfits.get(each.row, each) for each in listed),
        reply.revision,
    )
