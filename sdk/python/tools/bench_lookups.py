"""Measures look-ups of the client against bare gRPC calls with generated code.

    bench_lookups.py ADDRESS SERVICE ENTITIES ROUNDS ROWS...

The benchmark of look-ups runs it against its own server (bench/online/python.go). It prints a table in Markdown, with a
line for each number of rows and each form that the client gives a result, and a line for 16 threads. All take turns of
half a second; figures are medians, and ratios are medians of those within each round. CPU is the processor time of this
process, which other load changes less than the time that a call takes. Values are compared before anything is measured.
"""

from __future__ import annotations

import random
import statistics
import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import grpc

import plumbstore as plumb
from plumbstore.v1 import serving_pb2 as sv

if TYPE_CHECKING:
    from collections.abc import Callable

METHOD = "/plumb.v1.ServingService/GetOnlineFeatures"
WARM_UP, TURN, THREADS = 20, 0.5, 16


class Load(NamedTuple):
    """Says what came of calls: the seconds of one in the middle, its processor seconds on average, and how many there
    were in a second.
    """

    p50: float
    cpu: float
    per_second: float


def bare(address: str, service: str) -> Callable[[list[int]], sv.GetOnlineFeaturesResponse]:
    """Returns a call as a program with generated code makes it: it builds the message and parses the reply."""
    call = grpc.insecure_channel(address).unary_unary(
        METHOD, sv.GetOnlineFeaturesRequest.SerializeToString, sv.GetOnlineFeaturesResponse.FromString
    )

    def ask(users: list[int]) -> sv.GetOnlineFeaturesResponse:
        request = sv.GetOnlineFeaturesRequest(feature_service=service)
        request.keys.add(name="user_id").values.int64s.values.extend(users)
        reply: sv.GetOnlineFeaturesResponse = call(request)
        return reply

    return ask


def measure(ask: Callable[[list[int]], object], rows: int, entities: int) -> Load:
    """Calls for a turn, each time with other users."""
    took: list[float] = []
    begin, used, done = time.perf_counter(), 0.0, 0
    while done < WARM_UP or time.perf_counter() - begin < TURN:
        users = random.choices(range(entities), k=rows)  # noqa: S311 - users of a benchmark.
        before = time.perf_counter()
        ask(users)
        done += 1
        if done == WARM_UP:
            begin, used = time.perf_counter(), time.process_time()
        elif done > WARM_UP:
            took.append(time.perf_counter() - before)
    cpu = (time.process_time() - used) / len(took)
    return Load(statistics.median(took), cpu, 1 / statistics.fmean(took))


def measure_threads(ask: Callable[[list[int]], object], rows: int, entities: int) -> float:
    """Calls from threads for a turn, and returns the calls in a second."""
    end, counts = time.perf_counter() + TURN, [0] * THREADS

    def call(place: int) -> None:
        while time.perf_counter() < end:
            ask(random.choices(range(entities), k=rows))  # noqa: S311 - as above.
            counts[place] += 1

    threads = [threading.Thread(target=call, args=(place,)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / TURN


def check(reply: sv.GetOnlineFeaturesResponse, answer: dict[str, list[object]]) -> None:
    """Compares what both read."""
    for column in reply.columns:
        kind = column.values.WhichOneof("kind")
        if kind is None or list(getattr(column.values, kind).values) != answer[column.name]:
            sys.exit(f"{column.name}: the client reads {answer[column.name]} from {column}")


def compare(address: str, service: str, entities: int, rounds: int, rows: int) -> None:
    """Prints the lines of one number of rows."""
    with plumb.connect(f"grpc://{address}") as store:

        def look_up(users: list[int]) -> plumb.Result:
            return store.online(service=service, keys={"user_id": users})

        by_hand = bare(address, service)
        variants: dict[str, Callable[[list[int]], object]] = {
            "bare": by_hand,
            "to_dict": lambda users: look_up(users).to_dict(),
            "to_pylist": lambda users: look_up(users).to_pylist(),
            "to_numpy": lambda users: look_up(users).to_numpy(numbers),
            "to_arrow": lambda users: look_up(users).to_arrow(),
            "to_pandas": lambda users: look_up(users).to_pandas(),
        }
        users = list(range(rows))
        reply = by_hand(users)
        check(reply, look_up(users).to_dict())
        numbers = [column.name for column in reply.columns if column.values.WhichOneof("kind") != "strings"]
        threads: dict[str, list[float]] = {"bare": [], "to_dict": []}
        loads: dict[str, list[Load]] = {name: [] for name in variants}
        for _ in range(rounds):
            for name, ask in variants.items():
                loads[name].append(measure(ask, rows, entities))
            for name, calls in threads.items():
                calls.append(measure_threads(variants[name], rows, entities))
    shape = f"{rows} x {len(reply.columns)}"
    for name in list(variants)[1:]:
        pairs = list(zip(loads[name], loads["bare"], strict=True))
        figures = [
            f"{statistics.median(load.p50 for load in side) * 1e3:.2f} ms | "
            f"{statistics.median(load.cpu for load in side) * 1e3:.2f} ms | "
            f"{statistics.median(load.per_second for load in side):.0f}"
            for side in (loads[name], loads["bare"])
        ]
        cpu = statistics.median(client.cpu / floor.cpu for client, floor in pairs)
        p50 = statistics.median(client.p50 / floor.p50 for client, floor in pairs)
        per_second = statistics.median(client.per_second / floor.per_second for client, floor in pairs)
        print(f"| {shape} | {name} | {' | '.join(figures)} | {p50:.2f} | {cpu:.2f} | {per_second:.2f} |")
    client, floor = (statistics.median(threads[name]) for name in ("to_dict", "bare"))
    ratio = statistics.median(a / b for a, b in zip(threads["to_dict"], threads["bare"], strict=True))
    print(f"| {shape} | to_dict, {THREADS} threads | | | {client:.0f} | | | {floor:.0f} | | | {ratio:.2f} |")


def main(address: str, service: str, entities: str, rounds: str, *rows: str) -> None:
    """Prints the table."""
    print(
        "| rows x features | as | p50 | CPU | per second | bare p50 | CPU | per second | p50 ratio | CPU | per second |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for count in rows:
        compare(address, service, int(entities), int(rounds), int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
