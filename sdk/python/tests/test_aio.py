"""The asyncio client against the real binary, and what both clients do about time, failures and many rows."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent import futures
from typing import Any

import grpc
import pandas as pd
import pytest
from conftest import MATERIALIZED, Served

import plumbstore as plumb
import plumbstore.aio
from plumbstore.v1 import registry_service_pb2 as rs

KEYS = {"airport": ["JFK", "RUN", None]}
VIEW = ["weather:*"]


def waited(url: str, work: Callable[[plumbstore.aio.AsyncStore], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    """Runs work on a store in an event loop of its own."""

    async def main() -> Any:
        async with plumbstore.aio.connect(url, **options) as store:
            return await work(store)

    return asyncio.run(main())


def test_both_clients_return_the_same(server: Served, labels: pd.DataFrame) -> None:
    async def all_of(store: plumbstore.aio.AsyncStore) -> list[Any]:
        found, other = await asyncio.gather(
            store.online(keys=KEYS, features=VIEW, at=MATERIALIZED, statuses=True, provenance=True),
            store.online(keys={"tailnum": ["N187DN"]}, features=["plane:year"], event_timestamps=True),
        )
        joined = await store.historical(labels.head(5), service="delay_model", statuses=True)
        lists: list[Any] = [await store.entities(), await store.sources(), await store.feature_views()]
        lists += [await store.on_demand_views(), await store.feature_services(), await store.history()]
        ones = [
            await store.entity("airport"),
            await store.source("weather_hourly"),
            await store.feature_view("weather"),
        ]
        ones += [await store.on_demand_view("departure"), await store.feature_service("delay_model")]
        return [found.to_arrow(), found.provenance, other.to_dict(), joined.to_arrow(), *map(list, lists), *ones]

    with plumb.connect(server.url) as store:
        found = store.online(keys=KEYS, features=VIEW, at=MATERIALIZED, statuses=True, provenance=True)
        other = store.online(keys={"tailnum": ["N187DN"]}, features=["plane:year"], event_timestamps=True)
        joined = store.historical(labels.head(5), service="delay_model", statuses=True)
        lists: list[Any] = [store.entities(), store.sources(), store.feature_views(), store.on_demand_views()]
        lists += [store.feature_services(), store.history()]
        ones: list[Any] = [store.entity("airport"), store.source("weather_hourly"), store.feature_view("weather")]
        ones += [store.on_demand_view("departure"), store.feature_service("delay_model")]
        expected = [found.to_arrow(), found.provenance, other.to_dict(), joined.to_arrow(), *map(list, lists), *ones]
    assert waited(server.url, all_of) == expected


def test_both_clients_raise_the_same_errors(server: Served) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"keys": KEYS, "features": ["wether:temp"]},
        {"keys": {"airport": ["JFK"], "x": [1]}, "features": VIEW},
        {"keys": KEYS},
        {"keys": KEYS, "features": VIEW, "timeout": 0},
        {"keys": pd.DataFrame({"n": [1]}, index=pd.Index(["JFK"], name="airport")), "features": VIEW},
    )
    for arguments in wrong:
        with plumb.connect(server.url) as store, pytest.raises(plumb.InputError) as expected:
            store.online(**arguments)
        with pytest.raises(plumb.InputError) as raised:
            waited(server.url, lambda store, given=arguments: store.online(**given))  # type: ignore[misc]
        assert (type(raised.value), str(raised.value)) == (type(expected.value), str(expected.value))


def test_a_push_is_served_at_once(project: Any) -> None:
    rows = {"airport": "JFK", "event_timestamp": pd.Timestamp(MATERIALIZED), "temp": 1.5}
    rows |= dict.fromkeys(("wind_speed", "gust", "precip", "visib"), 2.0)

    async def push(store: plumbstore.aio.AsyncStore) -> Any:
        pushed = await store.push("weather", pd.DataFrame([rows]))
        with pytest.raises(plumb.InputError, match="the rows are a path"):
            await store.push("weather", "rows.parquet")
        found = await store.online(keys={"airport": "JFK"}, features=["weather:temp"], at=MATERIALIZED)
        return pushed.written, found.to_dict()["temp"]

    served = Served(project)
    try:
        assert waited(served.url, push) == (1, [1.5])
    finally:
        served.stop()


def test_a_store_belongs_to_one_event_loop(server: Served) -> None:
    store = plumbstore.aio.connect(server.url)
    assert asyncio.run(store.feature_view("weather")).name == "weather"
    with pytest.raises(plumb.InputError, match="in use by another event loop"):
        asyncio.run(store.feature_view("weather"))
    asyncio.run(store.close())
    with pytest.raises(plumb.InputError, match="this store is closed"):
        asyncio.run(store.feature_view("weather"))


def test_more_rows_than_a_call_may_have_come_back_in_their_order(world_server: Served) -> None:
    keys = {"key": [1, None, 4, 2, 3] * 4_200}
    options: dict[str, Any] = {"features": ["every:*"], "statuses": True, "event_timestamps": True, "provenance": True}
    at = "2013-01-01T00:00:00Z"
    with plumb.connect(world_server.url) as store:
        few = store.online(keys={"key": keys["key"][:5]}, at=at, **options)
        many = store.online(keys=keys, at=at, **options)
    again = waited(world_server.url, lambda store: store.online(keys=pd.DataFrame(keys), at=at, **options))
    assert len(many) == 21_000
    assert many.provenance is not None
    assert few.provenance is not None
    assert again.provenance["every"].rows == many.provenance["every"].rows
    assert again.to_arrow().num_rows == 21_000
    columns, expected = many.to_dict(), few.to_dict()
    table, rows = many.to_arrow(), many.provenance["every"].rows
    for begin in (0, 9_995, 20_995):
        part = slice(begin, begin + 5)
        # NaN is not equal to itself, but it is shown.
        assert repr({name: values[part] for name, values in columns.items()}) == repr(expected)
        assert repr(table[part].to_pydict()) == repr(few.to_arrow().to_pydict())
        assert rows[part] == few.provenance["every"].rows


def test_stores_can_be_pickled(server: Served) -> None:
    with plumb.connect(server.url, timeout=7, retries=1) as store, pickle.loads(pickle.dumps(store)) as other:
        assert repr(other) == repr(store)
        assert other.feature_view("weather") == store.feature_view("weather")
    again = pickle.loads(pickle.dumps(plumbstore.aio.connect(server.url)))
    assert asyncio.run(again.feature_view("weather")).name == "weather"


class Flaky(grpc.GenericRpcHandler):
    """A server whose first calls fail. It counts the calls of each method."""

    def __init__(self) -> None:
        self.failures, self.code, self.calls = 0, grpc.StatusCode.UNAVAILABLE, dict[str, int]()
        self.blocked = threading.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        name = str(handler_call_details.method).rpartition("/")[2]

        def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls[name] = self.calls.get(name, 0) + 1
            if name != "Check" and self.failures:
                self.failures -= 1
                context.abort(self.code, "the online store cannot be reached")
            if name == "GetEntity":
                self.blocked.wait(30)
            return rs.HistoryResponse().SerializeToString() if name == "History" else b""

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def flaky() -> Iterator[tuple[Flaky, str]]:
    """A flaky server, and its url."""
    handler = Flaky()
    served = grpc.server(futures.ThreadPoolExecutor(4), handlers=[handler])
    port = served.add_insecure_port("127.0.0.1:0")
    served.start()
    yield handler, f"grpc://127.0.0.1:{port}"
    handler.blocked.set()
    served.stop(None).wait()


@pytest.fixture(params=["connect", "aio"])
def ask(request: pytest.FixtureRequest, flaky: tuple[Flaky, str]) -> Callable[..., Any]:
    """Calls a method of a store of either client."""

    def call(method: str, *arguments: Any, options: dict[str, Any] | None = None, **named: Any) -> Any:
        if request.param == "aio":
            return waited(flaky[1], lambda store: getattr(store, method)(*arguments, **named), **(options or {}))
        with plumb.connect(flaky[1], **(options or {})) as store:
            return getattr(store, method)(*arguments, **named)

    return call


def test_what_is_safe_to_repeat_is_repeated(flaky: tuple[Flaky, str], ask: Callable[..., Any]) -> None:
    handler = flaky[0]
    handler.failures = 2
    assert len(ask("history")) == 0
    assert handler.calls["History"] == 3

    handler.failures = 10
    with pytest.raises(plumb.UnavailableError, match="the online store cannot be reached"):
        ask("history", options={"retries": 1})
    assert handler.calls["History"] == 5
    with pytest.raises(plumb.UnavailableError):
        ask("apply", "entities: []\n")
    assert handler.calls["Apply"] == 1

    handler.failures, handler.code = 1, grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(plumb.InputError):
        ask("sources")
    assert handler.calls["ListSources"] == 1


def test_the_time_of_a_call_bounds_its_repetitions(flaky: tuple[Flaky, str], ask: Callable[..., Any]) -> None:
    handler = flaky[0]
    handler.failures = 1000
    with pytest.raises(plumb.UnavailableError, match="the online store cannot be reached"):
        ask("online", keys=KEYS, features=VIEW, timeout=0.35, options={"retries": 100})
    assert 2 <= handler.calls["History"] <= 5

    handler.failures = 0
    with pytest.raises(plumb.UnavailableError, match=r"did not answer within 0\.3 s"):
        ask("entity", "airport", options={"timeout": 0.3})
    assert handler.calls["GetEntity"] == 1


def test_no_server_is_said_at_the_first_call() -> None:
    with pytest.raises(plumb.UnavailableError, match="no server answers at 127.0.0.1:9"):
        waited("grpc://127.0.0.1:9", lambda store: store.history(), retries=1)
    for wrong in (-1, True, 1.5):
        with pytest.raises(plumb.InputError, match="retries is"):
            plumbstore.aio.connect("grpc://127.0.0.1:9", retries=wrong)  # type: ignore[arg-type]
