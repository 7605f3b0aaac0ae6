"""Measures look-ups of the client against a bare gRPC call with generated code: bench_lookups.py BINARY.

For look-ups of 16 features, it prints the milliseconds of processor time that one call takes in this process, and the
ratio to the bare call. The variants take turns, so that other load on the machine affects all of them.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

import plumb
from plumb.v1 import serving_pb2 as sv

if TYPE_CHECKING:
    from collections.abc import Callable

AT = "2013-07-03T20:00:00Z"
KEYS = {"origin": "JFK", "dest": "LAX", "carrier": "DL", "tailnum": "N187DN"}
METHOD = "/plumb.v1.ServingService/GetOnlineFeatures"
ROUNDS, CALLS = 20, 25


def bare(address: str) -> Callable[[dict[str, list[str]]], object]:
    """Returns a call as a program with generated code makes it: it builds the message and parses the reply."""
    call = grpc.insecure_channel(address).unary_unary(
        METHOD, sv.GetOnlineFeaturesRequest.SerializeToString, sv.GetOnlineFeaturesResponse.FromString
    )

    def ask(keys: dict[str, list[str]]) -> object:
        request = sv.GetOnlineFeaturesRequest(feature_service="delay_model", event_timestamps=True)
        request.at.FromJsonString(AT)
        for name, column in keys.items():
            request.keys.add(name=name).values.strings.values.extend(column)
        return call(request)

    return ask


def measure(ask: Callable[[dict[str, list[str]]], object], keys: dict[str, list[str]]) -> float:
    """Returns the milliseconds of processor time of one call."""
    begin = time.process_time()
    for _ in range(CALLS):
        ask(keys)
    return (time.process_time() - begin) / CALLS * 1e3


def compare(address: str) -> None:
    """Prints a line for each number of rows."""
    with plumb.connect(f"grpc://{address}") as store:

        def look_up(keys: dict[str, list[str]]) -> plumb.Result:
            return store.online(service="delay_model", keys=keys, at=AT)

        variants: dict[str, Callable[[dict[str, list[str]]], object]] = {
            "bare": bare(address),
            "to_dict": lambda keys: look_up(keys).to_dict(),
            "to_arrow": lambda keys: look_up(keys).to_arrow(),
            "to_pandas": lambda keys: look_up(keys).to_pandas(),
        }
        for rows in (1, 100):
            keys = {name: [key] * rows for name, key in KEYS.items()}
            took: dict[str, list[float]] = {name: [] for name in variants}
            for turn in range(ROUNDS + 1):
                for name, ask in variants.items():
                    spent = measure(ask, keys)
                    if turn:  # The first turn is a warm-up.
                        took[name].append(spent)
            medians = {name: statistics.median(spent) for name, spent in took.items()}
            cells = [f"{name} {spent:.2f} ms ({spent / medians['bare']:.1f}x)" for name, spent in medians.items()]
            print(f"{rows} rows: {', '.join(cells)}")


def main(binary: str) -> None:
    """Makes a project, serves it, and compares."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "flights")
        for command in (["init", project], ["apply"], ["materialize", "--to", AT]):
            cwd = project if project.exists() else folder
            subprocess.run(  # noqa: S603 - the binary that is measured.
                [Path(binary).resolve(), *command], cwd=cwd, check=True, capture_output=True
            )
        serve = ["serve", "--output", "json", "--serving-grpc", "127.0.0.1:0", "--serving-http", ""]
        with subprocess.Popen(  # noqa: S603 - as above.
            [Path(binary).resolve(), *serve], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as served:
            try:
                announced = served.stdout.readline() if served.stdout is not None else ""
                compare(json.loads(announced)["grpc"])
            finally:
                served.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
