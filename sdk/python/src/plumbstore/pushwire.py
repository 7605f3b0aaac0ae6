"""Converts pushed rows to messages of plumb.v1, each within the limits of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plumbstore.errors import InputError
from plumbstore.pushed import Pushed, RefusedRow
from plumbstore.v1 import serving_pb2 as sv
from plumbstore.values import micros, null_flags, pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from plumbstore.pushing import Columns, TypedRows

CALL_ROWS = 10_000
CALL_BYTES = 4 << 20
"""The limits of one call to a server."""

EVENT_FIELD, CREATED_FIELD = "event_timestamps", "created_timestamps"
"""The server's names of the columns of times."""


def message(view: str, columns: Columns, rows: TypedRows, *, atomic: bool) -> sv.PushRequest:
    """Returns the request that pushes rows. It contains the names of surplus columns, which the server refuses."""
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
    """Returns the requests that push rows, each within the limits of one call, with the position of its first row."""
    waiting = [(begin, min(CALL_ROWS, rows.rows - begin)) for begin in range(0, rows.rows, CALL_ROWS)]
    while waiting:
        begin, count = waiting.pop(0)
        request = message(view, columns, rows.slice(begin, count), atomic=False)
        if request.ByteSize() > CALL_BYTES and count > 1:
            waiting[:0] = [(begin, count // 2), (begin + count // 2, count - count // 2)]
        else:
            yield begin, request


def whole(view: str, columns: Columns, rows: TypedRows) -> sv.PushRequest:
    """Returns the request that pushes all rows or none. Raises InputError if they exceed the limits of one call."""
    request = message(view, columns, rows, atomic=True)
    if rows.rows > CALL_ROWS or request.ByteSize() > CALL_BYTES:
        raise InputError(
            f"the push has {rows.rows} rows and {request.ByteSize()} bytes, and a server accepts {CALL_ROWS} rows and "
            f"{CALL_BYTES} bytes in one call; push fewer rows at once, or push without atomic=True"
        )
    return request


def pushed(so_far: Pushed, reply: sv.PushResponse, first: int, columns: Columns, rows: TypedRows) -> Pushed:
    """Returns so_far with the answer to a further request, whose first row has the number first."""
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
