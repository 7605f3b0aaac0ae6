"""The asyncio client: the methods of plumb.connect's stores as coroutines.

import plumbstore.aio

async with plumbstore.aio.connect("grpc://127.0.0.1:6570") as store:
    found = await store.online(service="delay_model", keys={"origin": ["EWR"], ...})
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from plumbstore import arguments, catalog, plans, transport
from plumbstore import definitions as defs
from plumbstore.conversion import advising_on_index
from plumbstore.errors import Error, InputError
from plumbstore.foreign import guarded, guarded_methods
from plumbstore.lookups import Serving
from plumbstore.online import LookUp
from plumbstore.remote import RemoteStore
from plumbstore.security import endpoint
from plumbstore.steps import Call, Deadline
from plumbstore.store import LookUpOptions, Request, rows_to_push

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType

    from plumbstore.given import Inputs, Keys
    from plumbstore.labels import Frame
    from plumbstore.pushed import Pushed
    from plumbstore.result import Result
    from plumbstore.security import Endpoint, File
    from plumbstore.steps import Steps

__all__ = ["AsyncStore", "connect"]

T = TypeVar("T")


@guarded
def connect(
    url: str,
    *,
    timeout: float = 10.0,
    retries: int = 3,
    token: str | None = None,
    ca: File = None,
    cert: File = None,
    key: File = None,
) -> AsyncStore:
    """Returns the store served at url. The arguments are those of plumb.connect.

    The connection is made by the first call, in the event loop that runs then. All calls have to be made in that loop.
    A wrong address is reported by the first call too, with UnavailableError.
    """
    return AsyncStore(
        endpoint(url, token, ca, cert, key), arguments.seconds("timeout", timeout), arguments.count("retries", retries)
    )


@guarded_methods
class AsyncStore:
    """The store of the project that a server serves. Close it, or use it in an async with statement.

    The methods take the arguments of plumb.Store's, raise its errors and return the same. A look-up or a push that is
    cancelled cancels its call.
    """

    def __init__(self, endpoint: Endpoint, timeout: float, retries: int) -> None:
        self._endpoint, self._timeout, self._retries = endpoint, timeout, retries
        self._channel: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: dict[str, Any] = {}
        self._closed = False
        self._serving = Serving(endpoint.address)

    def __repr__(self) -> str:
        return f"plumbstore.aio.connect('{self._endpoint.url}')"

    def __reduce__(self) -> tuple[Callable[..., AsyncStore], tuple[Any, ...]]:
        """Pickles the store as its address; see plumb.connect."""
        return _connected, (self._endpoint.portable(), self._timeout, self._retries)

    async def __aenter__(self) -> AsyncStore:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    async def online(
        self,
        *,
        keys: Keys | None = None,
        inputs: Inputs | None = None,
        service: str | None = None,
        features: Sequence[str] | None = None,
        full_names: bool = False,
        statuses: bool = False,
        event_timestamps: bool = False,
        provenance: bool = False,
        at: datetime | str | None = None,
        timeout: float | None = None,
    ) -> Result:
        """Looks up the newest materialized values for each row of keys; see Store.online."""
        request = Request.of(service, features, full_names)
        statuses = arguments.flag("statuses", statuses)
        options = LookUpOptions.of(at, event_timestamps, provenance, timeout)
        keys, inputs = {} if keys is None else keys, {} if inputs is None else inputs
        with advising_on_index(keys), advising_on_index(inputs):
            found = await self._run(self._serving.look_up(keys, inputs, request, options), options.timeout)
        return LookUp(found, statuses=statuses, event_timestamps=options.event_timestamps)

    async def push(self, view: str, rows: Frame, *, atomic: bool = False, timeout: float | None = None) -> Pushed:
        """Writes rows of a view into the online store; see Store.push."""
        limit = None if timeout is None else arguments.seconds("timeout", timeout)
        with advising_on_index(rows):
            labels = rows_to_push(rows)
            steps = self._serving.push(arguments.text("view", view), labels, arguments.flag("atomic", atomic))
            return await self._run(steps, limit)

    async def historical(self, labels: Frame | str | os.PathLike[str], **options: Any) -> Result:  # noqa: ANN401
        """Joins features to label rows; see Store.historical. Arrow Flight has no asyncio, so the join is made in a
        thread, and all its rows are kept in memory.
        """

        def join() -> Result:
            with RemoteStore(self._endpoint, self._timeout, self._retries) as store:
                result = store.historical(labels, **options)
                result.to_arrow()
                return result

        return await asyncio.to_thread(join)

    async def entities(self) -> defs.Listing[defs.Entity]:
        """All registered entities, by name."""
        return await self._run(catalog.entities())

    async def sources(self) -> defs.Listing[defs.Source]:
        """All registered sources, by name."""
        return await self._run(catalog.sources())

    async def feature_views(self) -> defs.Listing[defs.FeatureView]:
        """All registered feature views, by name."""
        return await self._run(catalog.feature_views())

    async def on_demand_views(self) -> defs.Listing[defs.OnDemandView]:
        """All registered on-demand views, by name."""
        return await self._run(catalog.on_demand_views())

    async def feature_services(self) -> defs.Listing[defs.FeatureService]:
        """All registered feature services, by name."""
        return await self._run(catalog.feature_services())

    async def entity(self, name: str) -> defs.Entity:
        """One entity. Raises NotFoundError."""
        return await self._run(catalog.entity(name))

    async def source(self, name: str) -> defs.Source:
        """One source. Raises NotFoundError."""
        return await self._run(catalog.source(name))

    async def feature_view(self, name: str) -> defs.FeatureView:
        """One feature view. Raises NotFoundError."""
        return await self._run(catalog.feature_view(name))

    async def on_demand_view(self, name: str) -> defs.OnDemandView:
        """One on-demand view. Raises NotFoundError."""
        return await self._run(catalog.on_demand_view(name))

    async def feature_service(self, name: str) -> defs.FeatureService:
        """One feature service. Raises NotFoundError."""
        return await self._run(catalog.feature_service(name))

    async def history(self) -> plans.History:
        """The project's revisions, newest first."""
        return await self._run(catalog.history())

    async def plan(self, definitions: str | os.PathLike[str] | None = None) -> plans.Plan:
        """Returns what apply would change; see Store.plan. A server has no definitions of its own, so they are
        required.
        """
        return await self._run(catalog.plan(definitions))

    async def apply(self, definitions: str | os.PathLike[str] | None = None, *, yes: bool = False) -> plans.Applied:
        """Applies the definitions as the project's next revision; see Store.apply."""
        return await self._run(catalog.apply(definitions, arguments.flag("yes", yes)))

    async def _run(self, steps: Steps[T], timeout: float | None = None) -> T:
        """Makes the calls of a method, as RemoteStore does."""
        deadline = Deadline(timeout, self._timeout)
        try:
            call = next(steps)
            while True:
                try:
                    reply = await self._call(call, deadline)
                except Error as error:  # noqa: PERF203 - the steps decide what follows.
                    call = steps.throw(error)
                else:
                    call = steps.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _call(self, call: Call, deadline: Deadline) -> Any:  # noqa: ANN401 - the message that the call says.
        made = self._calls.get(call.method)
        if made is None or self._closed or self._loop is not asyncio.get_running_loop():
            made = self._open().unary_unary(call.method, type(call.request).SerializeToString, call.answer.FromString)
            self._calls[call.method] = made
        deadline.begin()
        repetition = 0
        while True:
            try:
                return await made(call.request, timeout=deadline.left(), metadata=self._endpoint.metadata)
            except grpc.RpcError as failed:
                error = transport.of_grpc(self._endpoint, failed, deadline.seconds)
                wait = deadline.wait(call, repetition, self._retries, error)
                if wait is None:
                    raise error from failed
            await asyncio.sleep(wait)
            repetition += 1

    def _open(self) -> Any:  # noqa: ANN401 - grpc.aio has no types.
        """Returns the channel, which belongs to one event loop."""
        if self._closed:
            raise InputError(f"this store is closed; open {self._endpoint.url} again with plumbstore.aio.connect")
        loop = asyncio.get_running_loop()
        if self._channel is None:
            self._channel, self._loop = self._endpoint.aio_channel(transport.OPTIONS), loop
        if self._loop is not loop:
            raise InputError("this store is in use by another event loop; open one in each with plumbstore.aio.connect")
        return self._channel


def _connected(endpoint: Endpoint, timeout: float, retries: int) -> AsyncStore:
    return AsyncStore(endpoint.restored(), timeout, retries)
