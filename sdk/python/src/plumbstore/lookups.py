"""Look-ups and pushes as steps, and what is known of the registry for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
from google.protobuf.timestamp_pb2 import Timestamp

from plumbstore import catalog, pushwire
from plumbstore.answers import Joined, Packed
from plumbstore.errors import ConflictError, Error, Fault, InputError, NotFoundError
from plumbstore.given import Given
from plumbstore.online import Found
from plumbstore.provenance import computed_of, joined, provenance_of
from plumbstore.pushed import Pushed
from plumbstore.pushing import Columns, Target, TypedRows, batches_of, check_columns
from plumbstore.selection import Registered, Selection, select
from plumbstore.steps import Call
from plumbstore.v1 import serving_pb2 as sv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plumbstore.given import Inputs, Keys
    from plumbstore.labels import Labels
    from plumbstore.provenance import ViewProvenance
    from plumbstore.steps import Steps
    from plumbstore.store import LookUpOptions, Request
    from plumbstore.v1.historical_pb2 import HistoricalRequest

    T = TypeVar("T")

SERVING = "/plumb.v1.ServingService/"
CALL_ROWS = 10_000
"""How many rows a server looks up in one call."""


class Serving:
    """The look-ups and pushes of one store. It remembers the definitions that they need, by revision."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._selections: dict[Request, tuple[int, Selection]] = {}
        self._targets: dict[str, tuple[int, Target]] = {}

    def look_up(self, keys: Keys, inputs: Inputs, request: Request, options: LookUpOptions) -> Steps[Found]:
        """Resolves a selection once, and again if the server is at another revision."""
        revision, selection = self._selections.get(request) or (yield from self._resolve(request))
        rows = Given.of(keys, inputs, selection)
        try:
            reply = yield _call(rows, slice(0, CALL_ROWS), request, options)
        except InputError:
            newest = yield from self._resolve(request)
            if newest[1] == selection:
                raise
            rows = rows.again(newest[1])
            reply = yield _call(rows, slice(0, CALL_ROWS), request, options)
            revision, selection = newest
        if reply.revision != revision:
            revision, selection = yield from self._resolve(request)
        replies = [reply]
        for begin in range(CALL_ROWS, len(rows), CALL_ROWS):
            further = yield _call(rows, slice(begin, begin + CALL_ROWS), request, options)
            replies.append(further)
        if any(len(each.columns) != len(selection.outputs) or each.revision != reply.revision for each in replies):
            raise ConflictError("the definitions changed while the look-up was made; make it again")
        parts = [_answers(each, selection, options.event_timestamps) for each in replies]
        answers = parts[0] if len(parts) == 1 else [Joined(column) for column in zip(*parts, strict=True)]
        if not options.provenance:
            return Found(selection, rows, answers, None, None)
        origins = [
            self._provenance(each, min(CALL_ROWS, len(rows) - place * CALL_ROWS)) for place, each in enumerate(replies)
        ]
        return Found(selection, rows, answers, joined(origins), computed_of(reply.computed))

    def _provenance(self, reply: sv.GetOnlineFeaturesResponse, rows: int) -> dict[str, ViewProvenance]:
        if not reply.provenance and not reply.computed:
            raise Fault(f"{self._address} sent no provenance; is it a plumb server of this version?")
        return provenance_of(reply.provenance, rows)

    def _resolve(self, request: Request) -> Steps[tuple[int, Selection]]:
        newest = yield from catalog.revision()
        selection = yield from _with_registry(lambda of: select(of, request.service, request.features))
        self._selections[request] = newest, selection
        return newest, selection

    def push(self, view: str, rows: Labels, atomic: bool) -> Steps[Pushed]:
        """Pushes the rows in as many calls as necessary, or in one call if atomic."""
        check_columns(rows.schema)
        revision = yield from catalog.revision()
        known, target = self._targets.get(view, (None, None))
        if target is None or known != revision:
            target = yield from self._target(view)
            self._targets[view] = (revision, target)
        columns = Columns.find(target, rows.schema.names)
        if columns.event is None:
            raise InputError(target.missing_event())
        batches = rows.batches
        if atomic:
            batches = iter(pa.Table.from_batches(batches, rows.schema).combine_chunks().to_batches())
        so_far = Pushed(view, 0, 0, (), revision)
        try:
            for first, part in batches_of(columns, batches):
                for begin, message in _messages(view, columns, part, atomic):
                    # A repeated push does no harm, but it counts the rows that the first one wrote as older.
                    reply = yield Call(f"{SERVING}Push", message, sv.PushResponse, repeatable=False)
                    so_far = pushwire.pushed(so_far, reply, first + begin, columns, part)
        except Error as error:
            if so_far.written + so_far.older + len(so_far.refused):
                error.pushed = so_far
            raise
        return so_far

    def _target(self, view: str) -> Steps[Target]:
        return _with_registry(lambda of: Target.of(of.view(view), of.source, of.entity))


class _UnknownError(Exception):
    """A definition is not known yet."""

    def __init__(self, key: tuple[Callable[[str], Steps[Any]], str]) -> None:
        super().__init__()
        self.key = key


def _with_registry(work: Callable[[Registered], T]) -> Steps[T]:
    """Does work that looks definitions up. It is done again with each definition that it turns out to need."""
    known: dict[tuple[Callable[[str], Steps[Any]], str], Any] = {}

    def reads(get: Callable[[str], Steps[Any]]) -> Callable[[str], Any]:
        def read(name: str) -> Any:  # noqa: ANN401 - a definition of any kind.
            if (get, name) not in known:
                raise _UnknownError((get, name))
            found = known[get, name]
            if isinstance(found, NotFoundError):
                raise found
            return found

        return read

    registered = Registered(
        reads(catalog.feature_service),
        reads(catalog.feature_view),
        reads(catalog.on_demand_view),
        reads(catalog.entity),
        reads(catalog.source),
    )
    while True:
        try:
            return work(registered)
        except _UnknownError as unknown:
            get, name = unknown.key
        try:
            known[get, name] = yield from get(name)
        except NotFoundError as error:
            known[get, name] = error


def _call(rows: Given, part: slice, request: Request, options: LookUpOptions) -> Call:
    message = sv.GetOnlineFeaturesRequest(
        full_names=request.full_names, event_timestamps=options.event_timestamps, provenance=options.provenance
    )
    choose(message, request)
    if options.at is not None:
        seconds, micros = divmod(options.at, 1_000_000)
        message.at.CopyFrom(Timestamp(seconds=seconds, nanos=micros * 1_000))
    for name, values, nulls in rows.keys.packed(part):
        message.keys.add(name=name, values=values, nulls=nulls)
    for name, values, nulls in rows.inputs.packed(part):
        message.inputs.add(name=name, values=values, nulls=nulls)
    return Call(f"{SERVING}GetOnlineFeatures", message, sv.GetOnlineFeaturesResponse)


def _answers(reply: sv.GetOnlineFeaturesResponse, selection: Selection, event_timestamps: bool) -> list[Packed]:
    return [
        Packed(
            column.name,
            output.type,
            column.values,
            column.statuses,
            column.event_timestamps if event_timestamps else (),
        )
        for column, output in zip(reply.columns, selection.outputs, strict=True)
    ]


def _messages(view: str, columns: Columns, rows: TypedRows, atomic: bool) -> Iterator[tuple[int, sv.PushRequest]]:
    if atomic:
        return iter([(0, pushwire.whole(view, columns, rows))])
    return pushwire.messages(view, columns, rows)


def choose(message: HistoricalRequest | sv.GetOnlineFeaturesRequest, request: Request) -> None:
    """Sets what a message selects."""
    if request.service is not None:
        message.feature_service = request.service
    else:
        message.features.references.extend(request.features)
