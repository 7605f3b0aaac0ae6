"""A store behind a server: joins use Arrow Flight, all other calls use gRPC."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import pyarrow as pa
import pyarrow.flight as fl

from plumbstore import arguments, catalog, plans, transport
from plumbstore import definitions as defs
from plumbstore.carriers import Carriers, check_describable
from plumbstore.errors import Error, InputError
from plumbstore.flight import Exchange
from plumbstore.foreign import guarded_methods
from plumbstore.labels import labels_of
from plumbstore.lookups import Serving, choose
from plumbstore.progress import Reporter
from plumbstore.result import Result, Rows
from plumbstore.statuses import flight_code, flight_message
from plumbstore.steps import Call, Deadline
from plumbstore.store import JoinOptions, LookUpOptions, Request, Store
from plumbstore.v1.historical_pb2 import HistoricalRequest

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from plumbstore.given import Inputs, Keys
    from plumbstore.labels import Frame, Labels
    from plumbstore.online import Found
    from plumbstore.pushed import Pushed
    from plumbstore.security import Endpoint
    from plumbstore.steps import Steps

T = TypeVar("T")


@guarded_methods
class RemoteStore(Store):
    """The store of the project that a server serves."""

    def __init__(self, endpoint: Endpoint, timeout: float, retries: int) -> None:
        self._endpoint, self._timeout, self._retries = endpoint, timeout, retries
        self._channel = endpoint.channel(transport.OPTIONS)
        self._flight: fl.FlightClient | None = None
        self._calls: dict[str, Any] = {}
        self._closed = False
        self._serving = Serving(endpoint.address)
        try:
            self._check()
        except BaseException:
            self._channel.close()
            raise

    def __repr__(self) -> str:
        return f"plumb.connect('{self._endpoint.url}')"

    def __reduce__(self) -> tuple[Callable[..., Store], tuple[Any, ...]]:
        """Pickles the store as its address. Unpickling it connects again; see plumb.connect."""
        return _connected, (self._endpoint.portable(), self._timeout, self._retries)

    def close(self) -> None:
        """Closes the connections."""
        self._closed = True
        self._channel.close()
        if self._flight is not None:
            self._flight.close()

    def _check(self) -> None:
        """Calls the standard health service, so that a wrong address is reported at once."""
        call: Any = self._channel.unary_unary(transport.HEALTH)
        try:
            call(b"", timeout=self._timeout)
        except grpc.RpcError as error:
            raise transport.of_grpc(self._endpoint, error, self._timeout) from error

    def _check_open(self) -> None:
        if self._closed:
            raise InputError(f"this store is closed; open {self._endpoint.url} again with plumb.connect")

    def _run(self, steps: Steps[T], timeout: float | None = None) -> T:
        """Makes the calls of a method. timeout is for all of them, the store's own for each."""
        deadline = Deadline(timeout, self._timeout)
        try:
            call = next(steps)
            while True:
                try:
                    reply = self._call(call, deadline)
                except Error as error:  # noqa: PERF203 - the steps decide what follows.
                    call = steps.throw(error)
                else:
                    call = steps.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result

    def _call(self, call: Call, deadline: Deadline) -> Any:  # noqa: ANN401 - the message that the call says.
        self._check_open()
        made = self._calls.get(call.method)
        if made is None:
            made = self._channel.unary_unary(call.method, type(call.request).SerializeToString, call.answer.FromString)
            self._calls[call.method] = made
        deadline.begin()
        repetition = 0
        while True:
            try:
                return made(call.request, timeout=deadline.left(), metadata=self._endpoint.metadata)
            except grpc.RpcError as failed:
                error = transport.of_grpc(self._endpoint, failed, deadline.seconds)
                wait = deadline.wait(call, repetition, self._retries, error)
                if wait is None:
                    raise error from failed
            time.sleep(wait)
            repetition += 1

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
        choose(message, request)
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
            raise transport.of_code(self._endpoint, flight_code(error), flight_message(error), self._timeout) from error

    def _look_up(self, keys: Keys, inputs: Inputs, request: Request, options: LookUpOptions) -> Found:
        return self._run(self._serving.look_up(keys, inputs, request, options), options.timeout)

    def _push(self, view: str, rows: Labels, atomic: bool, timeout: float | None) -> Pushed:
        return self._run(self._serving.push(view, rows, atomic), timeout)

    def entities(self) -> defs.Listing[defs.Entity]:
        """All registered entities, by name."""
        return self._run(catalog.entities())

    def sources(self) -> defs.Listing[defs.Source]:
        """All registered sources, by name."""
        return self._run(catalog.sources())

    def feature_views(self) -> defs.Listing[defs.FeatureView]:
        """All registered feature views, by name."""
        return self._run(catalog.feature_views())

    def on_demand_views(self) -> defs.Listing[defs.OnDemandView]:
        """All registered on-demand views, by name."""
        return self._run(catalog.on_demand_views())

    def feature_services(self) -> defs.Listing[defs.FeatureService]:
        """All registered feature services, by name."""
        return self._run(catalog.feature_services())

    def entity(self, name: str) -> defs.Entity:
        """One entity. Raises NotFoundError."""
        return self._run(catalog.entity(name))

    def source(self, name: str) -> defs.Source:
        """One source. Raises NotFoundError."""
        return self._run(catalog.source(name))

    def feature_view(self, name: str) -> defs.FeatureView:
        """One feature view. Raises NotFoundError."""
        return self._run(catalog.feature_view(name))

    def on_demand_view(self, name: str) -> defs.OnDemandView:
        """One on-demand view. Raises NotFoundError."""
        return self._run(catalog.on_demand_view(name))

    def feature_service(self, name: str) -> defs.FeatureService:
        """One feature service. Raises NotFoundError."""
        return self._run(catalog.feature_service(name))

    def history(self) -> plans.History:
        """The project's revisions, newest first."""
        return self._run(catalog.history())

    def plan(self, definitions: str | os.PathLike[str] | None = None) -> plans.Plan:
        """Returns what apply would change; see Store.plan. A server has no definitions of its own, so they are
        required.
        """
        return self._run(catalog.plan(definitions))

    def apply(self, definitions: str | os.PathLike[str] | None = None, *, yes: bool = False) -> plans.Applied:
        """Applies the definitions as the project's next revision; see Store.apply."""
        return self._run(catalog.apply(definitions, arguments.flag("yes", yes)))


def _connected(endpoint: Endpoint, timeout: float, retries: int) -> Store:
    return RemoteStore(endpoint.restored(), timeout, retries)
