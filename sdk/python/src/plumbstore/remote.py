"""A store behind a server: joins use Arrow Flight, all other calls use gRPC."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timezone
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import pyarrow as pa
import pyarrow.flight as fl
from google.protobuf.timestamp_pb2 import Timestamp

from plumbstore import arguments, plans, pushwire
from plumbstore import definitions as defs
from plumbstore.answers import Packed
from plumbstore.carriers import Carriers, check_describable
from plumbstore.definitionfiles import files_of
from plumbstore.errors import (
    ConflictError,
    Error,
    Fault,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
    UnavailableError,
)
from plumbstore.flight import Exchange
from plumbstore.foreign import guarded_methods
from plumbstore.given import Given
from plumbstore.labels import labels_of
from plumbstore.online import Found
from plumbstore.progress import Reporter
from plumbstore.provenance import computed_of, provenance_of
from plumbstore.pushed import Pushed
from plumbstore.pushing import Columns, Target, TypedRows, batches_of, check_columns
from plumbstore.result import Result, Rows
from plumbstore.selection import Selection, select
from plumbstore.statuses import flight_code, flight_message, never_reached, status_of, was_lost
from plumbstore.store import JoinOptions, LookUpOptions, Request, Store, author
from plumbstore.v1 import registry_service_pb2 as rs
from plumbstore.v1 import serving_pb2 as sv
from plumbstore.v1.historical_pb2 import HistoricalRequest

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from plumbstore.given import Inputs, Keys
    from plumbstore.labels import Frame, Labels
    from plumbstore.provenance import ViewProvenance
    from plumbstore.security import Endpoint

    A = TypeVar("A", bound=Message)

SERVING = "/plumb.v1.ServingService/"
REGISTRY = "/plumb.v1.RegistryService/"
HEALTH = "/grpc.health.v1.Health/Check"

_CODES: dict[grpc.StatusCode, type[InputError] | type[Fault]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InputError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: InputError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.FAILED_PRECONDITION: PreconditionError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.ABORTED: ConflictError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
}


@guarded_methods
class RemoteStore(Store):
    """The store of the project that a server serves."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint, self._address, self._timeout = endpoint, endpoint.address, timeout
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._channel = endpoint.channel(unlimited)
        self._flight: fl.FlightClient | None = None
        self._calls: dict[str, Any] = {}
        self._closed = False
        self._selections: dict[Request, tuple[int, Selection]] = {}
        self._targets: dict[str, tuple[int, Target]] = {}
        try:
            self._check()
        except BaseException:
            self._channel.close()
            raise

    def __repr__(self) -> str:
        return f"plumb.connect('{self._endpoint.url}')"

    def close(self) -> None:
        """Closes the connections."""
        self._closed = True
        self._channel.close()
        if self._flight is not None:
            self._flight.close()

    def _check(self) -> None:
        """Calls the standard health service, so that a wrong address is reported at once."""
        call: Any = self._channel.unary_unary(HEALTH)
        with self._translating():
            call(b"", timeout=self._timeout)

    def _check_open(self) -> None:
        if self._closed:
            raise InputError(f"this store is closed; open {self._endpoint.url} again with plumb.connect")

    def _call(self, method: str, request: Message, answer: type[A]) -> A:
        self._check_open()
        if method not in self._calls:
            self._calls[method] = self._channel.unary_unary(method, type(request).SerializeToString, answer.FromString)
        call = self._calls[method]
        with self._translating():
            reply: A = call(request, timeout=self._timeout, metadata=self._endpoint.metadata)
        return reply

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Translates errors of gRPC into those of the client."""
        try:
            yield
        except grpc.RpcError as error:
            if not isinstance(error, grpc.Call):
                raise Fault(f"{self._address}: {error}") from error
            code, message = status_of(error)
            raise self._error(code, message) from error

    def _error(self, code: grpc.StatusCode, message: str) -> Error:
        if code == grpc.StatusCode.UNAVAILABLE and never_reached(message):
            return UnavailableError(f"no server answers at {self._address}; start one with plumb serve ({message})")
        if code == grpc.StatusCode.UNAVAILABLE and was_lost(message):
            return UnavailableError(
                f"the connection to {self._address} was lost before the answer was complete; try again ({message})"
            )
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return UnavailableError(
                f"{self._address} did not answer within {self._timeout:g} s; give connect a longer timeout ({message})"
            )
        if code == grpc.StatusCode.UNIMPLEMENTED:
            return Fault(f"{self._address} does not serve this: {message}; is it a plumb server of this version?")
        return _CODES.get(code, Fault)(message)

    def _join(self, labels: Frame | str | os.PathLike[str], request: Request, options: JoinOptions) -> Result:
        rows = labels_of(labels)
        carriers = Carriers(rows.schema, options.timestamp_column)
        if options.manifest:
            check_describable(carriers.given)
        message = HistoricalRequest(
            full_names=request.full_names,
            timestamp_column=options.timestamp_column,
            statuses=options.statuses,
            event_timestamps=options.event_timestamps,
            as_known=options.as_known,
            provenance=options.provenance,
            manifest=options.manifest,
            progress=True,
        )
        _select(message, request)
        reporter = Reporter(options.progress)
        with self._translating_flight():
            exchange = Exchange(self._flight_client(), self._endpoint.flight_options(), message, carriers, rows)
            try:
                schema = exchange.start(reporter.update)
            except BaseException:
                exchange.close()
                raise
            finally:
                reporter.done()
        return Result(
            Rows(
                carriers.result(schema),
                self._batches(exchange),
                len(carriers.kept),
                rows.pandas,
                rows.index,
                rows.file,
                lambda: exchange.report,
                manifest=(lambda: exchange.manifest) if options.manifest else None,
                carriers=carriers,
                count=rows.count,
                close=exchange.close,
            )
        )

    def _batches(self, exchange: Exchange) -> Iterator[pa.RecordBatch]:
        with self._translating_flight():
            yield from exchange.batches()

    def _flight_client(self) -> fl.FlightClient:
        self._check_open()
        if self._flight is None:
            self._flight = self._endpoint.flight()
        return self._flight

    @contextmanager
    def _translating_flight(self) -> Iterator[None]:
        """Translates errors of Arrow Flight into those of the client."""
        try:
            yield
        except (fl.FlightError, pa.ArrowException, OSError) as error:
            raise self._error(flight_code(error), flight_message(error)) from error

    def _look_up(self, keys: Keys, inputs: Inputs, request: Request, options: LookUpOptions) -> Found:
        """Resolves a selection once, and again if the server is at another revision."""
        revision, selection = self._selections.get(request) or self._resolve(request)
        rows = Given.of(keys, inputs, selection)
        try:
            reply = self._ask(rows, request, options)
        except InputError:
            newest = self._resolve(request)
            if newest[1] == selection:
                raise
            rows = rows.again(newest[1])
            reply = self._ask(rows, request, options)
            revision, selection = newest
        if reply.revision != revision:
            revision, selection = self._resolve(request)
        if len(selection.outputs) != len(reply.columns):
            raise ConflictError("the definitions changed while the look-up was made; make it again")
        answers = [
            Packed(column.name, output.type, column.values, column.statuses, column.event_timestamps)
            for column, output in zip(reply.columns, selection.outputs, strict=True)
        ]
        if not options.provenance:
            return Found(selection, rows, answers, None, None)
        return Found(selection, rows, answers, self._provenance(reply, len(rows)), computed_of(reply.computed))

    def _provenance(self, reply: sv.GetOnlineFeaturesResponse, rows: int) -> dict[str, ViewProvenance]:
        if not reply.provenance and not reply.computed:
            raise Fault(f"{self._address} sent no provenance; is it a plumb server of this version?")
        return provenance_of(reply.provenance, rows)

    def _resolve(self, request: Request) -> tuple[int, Selection]:
        resolved = (self._revision(), select(self._registered(), request.service, request.features))
        self._selections[request] = resolved
        return resolved

    def _revision(self) -> int:
        newest = self._call(f"{REGISTRY}History", rs.HistoryRequest(limit=1), rs.HistoryResponse).revisions
        return newest[0].revision if newest else 0

    def _ask(self, rows: Given, request: Request, options: LookUpOptions) -> sv.GetOnlineFeaturesResponse:
        message = sv.GetOnlineFeaturesRequest(
            full_names=request.full_names, event_timestamps=options.event_timestamps, provenance=options.provenance
        )
        _select(message, request)
        if options.at is not None:
            seconds, micros = divmod(options.at, 1_000_000)
            message.at.CopyFrom(Timestamp(seconds=seconds, nanos=micros * 1_000))
        for name, values, nulls in rows.keys.packed():
            message.keys.add(name=name, values=values, nulls=nulls)
        for name, values, nulls in rows.inputs.packed():
            message.inputs.add(name=name, values=values, nulls=nulls)
        return self._call(f"{SERVING}GetOnlineFeatures", message, sv.GetOnlineFeaturesResponse)

    def _push(self, view: str, rows: Labels, atomic: bool) -> Pushed:
        check_columns(rows.schema)
        revision = self._revision()
        known, target = self._targets.get(view, (None, None))
        if target is None or known != revision:
            target = self._target(view)
            self._targets[view] = (revision, target)
        columns = Columns.find(target, rows.schema.names)
        if columns.event is None:
            raise InputError(target.missing_event())
        return self._send(Pushed(view, 0, 0, (), revision), columns, rows, atomic)

    def _send(self, so_far: Pushed, columns: Columns, rows: Labels, atomic: bool) -> Pushed:
        """Pushes the rows in as many calls as necessary, or in one call if atomic."""
        batches = rows.batches
        if atomic:
            batches = iter(pa.Table.from_batches(batches, rows.schema).combine_chunks().to_batches())
        try:
            for first, part in batches_of(columns, batches):
                for begin, request in _requests(so_far.view, columns, part, atomic):
                    reply = self._call(f"{SERVING}Push", request, sv.PushResponse)
                    so_far = pushwire.pushed(so_far, reply, first + begin, columns, part)
        except Error as error:
            if so_far.written + so_far.older + len(so_far.refused):
                error.pushed = so_far
            raise
        return so_far

    def entities(self) -> defs.Listing[defs.Entity]:
        """All registered entities, by name."""
        return defs.entities(
            self._call(f"{REGISTRY}ListEntities", rs.ListEntitiesRequest(), rs.ListEntitiesResponse).entities
        )

    def sources(self) -> defs.Listing[defs.Source]:
        """All registered sources, by name."""
        return defs.sources(
            self._call(f"{REGISTRY}ListSources", rs.ListSourcesRequest(), rs.ListSourcesResponse).sources
        )

    def feature_views(self) -> defs.Listing[defs.FeatureView]:
        """All registered feature views, by name."""
        return defs.feature_views(
            self._call(
                f"{REGISTRY}ListFeatureViews", rs.ListFeatureViewsRequest(), rs.ListFeatureViewsResponse
            ).feature_views
        )

    def on_demand_views(self) -> defs.Listing[defs.OnDemandView]:
        """All registered on-demand views, by name."""
        return defs.on_demand_views(
            self._call(
                f"{REGISTRY}ListOnDemandViews", rs.ListOnDemandViewsRequest(), rs.ListOnDemandViewsResponse
            ).on_demand_views
        )

    def feature_services(self) -> defs.Listing[defs.FeatureService]:
        """All registered feature services, by name."""
        return defs.feature_services(
            self._call(
                f"{REGISTRY}ListFeatureServices",
                rs.ListFeatureServicesRequest(),
                rs.ListFeatureServicesResponse,
            ).feature_services
        )

    def entity(self, name: str) -> defs.Entity:
        """One entity. Raises NotFoundError."""
        return defs.entity(
            self._call(
                f"{REGISTRY}GetEntity", rs.GetEntityRequest(name=arguments.text("name", name)), rs.GetEntityResponse
            ).entity
        )

    def source(self, name: str) -> defs.Source:
        """One source. Raises NotFoundError."""
        return defs.source(
            self._call(
                f"{REGISTRY}GetSource", rs.GetSourceRequest(name=arguments.text("name", name)), rs.GetSourceResponse
            ).source
        )

    def feature_view(self, name: str) -> defs.FeatureView:
        """One feature view. Raises NotFoundError."""
        return defs.feature_view(
            self._call(
                f"{REGISTRY}GetFeatureView",
                rs.GetFeatureViewRequest(name=arguments.text("name", name)),
                rs.GetFeatureViewResponse,
            ).feature_view
        )

    def on_demand_view(self, name: str) -> defs.OnDemandView:
        """One on-demand view. Raises NotFoundError."""
        return defs.on_demand_view(
            self._call(
                f"{REGISTRY}GetOnDemandView",
                rs.GetOnDemandViewRequest(name=arguments.text("name", name)),
                rs.GetOnDemandViewResponse,
            ).on_demand_view
        )

    def feature_service(self, name: str) -> defs.FeatureService:
        """One feature service. Raises NotFoundError."""
        return defs.feature_service(
            self._call(
                f"{REGISTRY}GetFeatureService",
                rs.GetFeatureServiceRequest(name=arguments.text("name", name)),
                rs.GetFeatureServiceResponse,
            ).feature_service
        )

    def history(self) -> plans.History:
        """The project's revisions, newest first."""
        reply = self._call(f"{REGISTRY}History", rs.HistoryRequest(), rs.HistoryResponse)
        return plans.History(
            plans.Revision(r.revision, r.by, r.at.ToDatetime(timezone.utc), tuple(r.changes)) for r in reply.revisions
        )

    def plan(self, definitions: str | os.PathLike[str] | None = None) -> plans.Plan:
        """Returns what apply would change; see Store.plan. A server has no definitions of its own, so they are
        required.
        """
        reply = self._call(f"{REGISTRY}Plan", rs.PlanRequest(files=files_of(definitions)), rs.PlanResponse)
        return plans.Plan(reply.project, reply.base, plans.changes_from(reply.changes))

    def apply(self, definitions: str | os.PathLike[str] | None = None, *, yes: bool = False) -> plans.Applied:
        """Applies the definitions as the project's next revision; see Store.apply."""
        files = files_of(definitions)
        request = rs.ApplyRequest(files=files, allow_hazards=arguments.flag("yes", yes), author=author())
        try:
            reply = self._call(f"{REGISTRY}Apply", request, rs.ApplyResponse)
        except PermissionDeniedError:
            raise
        except PreconditionError:
            plan = self.plan(definitions)
            if yes or not plan.hazards:
                raise
            raise plans.HazardError(plan) from None
        hazards = tuple(plans.Hazard(h.code, h.message) for change in reply.changes for h in change.hazards)
        harmless = [replace(change, hazards=()) for change in plans.changes_from(reply.changes)]
        return plans.Applied(reply.project, reply.revision, tuple(harmless), hazards)


def _requests(view: str, columns: Columns, rows: TypedRows, atomic: bool) -> Iterator[tuple[int, sv.PushRequest]]:
    if atomic:
        return iter([(0, pushwire.whole(view, columns, rows))])
    return pushwire.messages(view, columns, rows)


def _select(message: HistoricalRequest | sv.GetOnlineFeaturesRequest, request: Request) -> None:
    if request.service is not None:
        message.feature_service = request.service
    else:
        message.features.references.extend(request.features)
