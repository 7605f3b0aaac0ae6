"""Tests Arrow Flight with pyarrow.flight alone, without the plumb package, as other clients use it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("PLUMB_BINARY") or ROOT / "bin" / "plumb").resolve()
SERVICE = {"featureService": "delay_model"}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of plumb init, applied."""
    made = tmp_path_factory.mktemp("wire") / "flights"
    for done in (run("init", made), run("apply", "--project-dir", made)):
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def addresses(folder: Path) -> Iterator[dict[str, str]]:
    """The address of a server of the project."""
    options = ["--output", "json", "--serving-grpc", "127.0.0.1:0", "--serving-flight", "127.0.0.1:0"]
    options += ["--serving-http", ""]
    command: list[str | Path] = [BINARY, "serve", "--project-dir", folder, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()
    assert process.returncode == 0


@pytest.fixture(params=["grpc", "flight"])
def client(request: pytest.FixtureRequest, addresses: dict[str, str]) -> Iterator[fl.FlightClient]:
    """A client of either address."""
    with fl.connect(f"grpc://{addresses[request.param]}") as connected:
        yield connected


@pytest.fixture(scope="module")
def labels(folder: Path) -> pa.Table:
    return pq.read_table(folder / "data" / "labels.parquet")


def joined(client: fl.FlightClient, request: dict[str, Any], labels: pa.Table) -> pa.Table:
    """Reads the whole answer, as a client that knows nothing of Plumb does."""
    writer, reader = client.do_exchange(fl.FlightDescriptor.for_command(json.dumps(request)))
    with writer:
        writer.begin(labels.schema)
        writer.write_table(labels, max_chunksize=500)
        writer.done_writing()
        return reader.read_all()


def refusal(folder: Path, labels: pa.Table) -> str:
    """Returns the error of the command line for a label file, with the path of the file replaced."""
    file, out = folder / "wrong.parquet", folder / "out.parquet"
    pq.write_table(labels, file)
    done = run("historical", "--project-dir", folder, "--service", "delay_model", "--labels", file, "--out", out)
    assert done.returncode == 3, done.stderr
    return "; ".join(line.removeprefix("plumb: ") for line in done.stderr.splitlines() if line.startswith("plumb: "))


def test_do_exchange_gives_what_the_command_line_writes(
    client: fl.FlightClient, folder: Path, labels: pa.Table
) -> None:
    out, file = folder / "joined.arrow", folder / "data" / "labels.parquet"
    done = run("historical", "--project-dir", folder, "--service", "delay_model", "--labels", file, "--out", out)
    assert done.returncode == 0, done.stderr
    with pa.ipc.open_file(out) as written:
        want = written.read_all()
    assert joined(client, SERVICE, labels).equals(want)
    ticket = fl.Ticket(json.dumps({**SERVICE, "labelsFile": "data/labels.parquet"}))
    assert client.do_get(ticket).read_all().equals(want)


def test_a_described_flight_can_be_got(client: fl.FlightClient, labels: pa.Table) -> None:
    command = json.dumps({**SERVICE, "labelsFile": "data/labels.parquet"})
    info = client.get_flight_info(fl.FlightDescriptor.for_command(command))
    assert len(info.endpoints) == 1
    assert client.do_get(info.endpoints[0].ticket).read_all().num_rows == labels.num_rows
    listed = [flight.descriptor.command for flight in client.list_flights()]
    assert joined(client, json.loads(listed[0]), labels).num_rows == labels.num_rows


def test_the_last_message_reports(client: fl.FlightClient, labels: pa.Table) -> None:
    command = json.dumps({**SERVICE, "progress": True})
    writer, reader = client.do_exchange(fl.FlightDescriptor.for_command(command))
    with writer:
        writer.begin(labels.schema)
        writer.write_table(labels)
        writer.done_writing()
        chunks = list(reader)
    rows = sum(chunk.data.num_rows for chunk in chunks if chunk.data is not None)
    report = json.loads(chunks[-1].app_metadata.to_pybytes())["report"]
    assert rows == labels.num_rows == int(report["rows"])
    assert chunks[-1].data.num_rows == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda labels: labels.drop_columns(["origin"]),
        lambda labels: labels.drop_columns(["event_timestamp"]),
        lambda labels: labels.set_column(5, "event_timestamp", pa.array(["soon"] * labels.num_rows)),
        lambda labels: labels.set_column(5, "event_timestamp", pa.nulls(labels.num_rows, pa.timestamp("us"))),
    ],
    ids=["no key", "no time", "text for times", "null times"],
)
def test_wrong_labels_are_refused_in_the_words_of_the_command_line(
    client: fl.FlightClient, folder: Path, labels: pa.Table, wrong: Any
) -> None:
    table = wrong(labels)
    want = refusal(folder, table).replace(f"label file {folder / 'wrong.parquet'}", "the label table")
    with pytest.raises(pa.ArrowInvalid) as caught:
        joined(client, SERVICE, table)
    message = str(caught.value).partition(" with message: ")[2].partition(". gRPC client debug context:")[0]
    assert message == want


def test_two_columns_of_one_name_are_refused(client: fl.FlightClient, labels: pa.Table) -> None:
    with pytest.raises(pa.ArrowInvalid, match='the label table has two columns named "dest"; rename one'):
        joined(client, SERVICE, labels.rename_columns({"origin": "dest"}))


def test_an_unknown_service_is_not_found(client: fl.FlightClient, labels: pa.Table) -> None:
    with pytest.raises(pa.ArrowKeyError, match='no feature service is named "nothing"'):
        joined(client, {"featureService": "nothing"}, labels)


def test_an_unknown_field_is_named(client: fl.FlightClient, labels: pa.Table) -> None:
    with pytest.raises(pa.ArrowInvalid, match='the command has no field "servise"'):
        joined(client, {"servise": "delay_model"}, labels)


def test_files_outside_of_the_roots_are_not_read(client: fl.FlightClient) -> None:
    ticket = fl.Ticket(json.dumps({**SERVICE, "labelsFile": "../../../etc/passwd"}))
    with pytest.raises(pa.ArrowInvalid, match="there is no file .* below the folders"):
        client.do_get(ticket)


CROWDED = """
sources:
  - name: crowds
    sql:
      query: SELECT origin AS airport, min(sched_dep) AS seen, 5000000000 AS people FROM flights GROUP BY ALL
    event_timestamp: seen
feature_views:
  - name: crowded
    entities: [airport]
    source: crowds
    features: [{name: people, type: INT32}]
"""


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, fl.FlightClient]]:
    """A client of the server of a project that has a value that does not fit, and little temporary space."""
    folder = tmp_path_factory.mktemp("cramped") / "flights"
    assert run("init", folder).returncode == 0
    (folder / "features" / "crowded.yaml").write_text(CROWDED)
    done = run("apply", "--project-dir", folder)
    assert done.returncode == 0, done.stderr
    limits = ["--offline-memory-limit", "320MB", "--offline-temp-limit", "1MB", "--offline-threads", "1"]
    command: list[str | Path] = [BINARY, "serve", "--project-dir", folder, "--output", "json", *limits]
    command += ["--serving-grpc", "127.0.0.1:0", "--serving-http", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        with fl.connect(f"grpc://{json.loads(process.stdout.readline())['grpc']}") as client:
            yield folder, client
        process.terminate()
    assert process.returncode == 0


def at_airport(rows: int) -> pa.Table:
    """Returns this many label rows, all at one airport."""
    instant = pa.scalar(1_372_680_000_000_000, pa.timestamp("us"))
    return pa.table(
        {
            "n": range(rows),
            "airport": pa.array(["EWR"] * rows),
            "event_timestamp": pa.array([instant.as_py()] * rows, pa.timestamp("us")),
        }
    )


def test_a_value_that_does_not_fit_is_reported_as_on_the_command_line(
    cramped: tuple[Path, fl.FlightClient],
) -> None:
    folder, client = cramped
    file, out = folder / "few.parquet", folder / "out.parquet"
    pq.write_table(at_airport(3), file)
    done = run("historical", "--project-dir", folder, "--features", "crowded:*", "--labels", file, "--out", out)
    assert done.returncode == 3, done.stderr
    want = done.stderr.strip().removeprefix("plumb: ")
    with pytest.raises(pa.ArrowInvalid) as caught:
        joined(client, {"features": {"references": ["crowded:*"]}}, at_airport(3))
    assert "5000000000" in want
    assert want in str(caught.value)


def test_the_error_for_the_limit_on_temporary_disk_names_the_memory_of_a_join(
    cramped: tuple[Path, fl.FlightClient],
) -> None:
    _, client = cramped
    with pytest.raises(fl.FlightUnavailableError, match=r"more than the 1MB .* offline.temp_limit .* now 80MB"):
        joined(client, {"features": {"references": ["weather:*"]}}, at_airport(1_000_000))


def test_a_file_that_is_removed_during_a_join_is_reported(client: fl.FlightClient, folder: Path) -> None:
    labels = at_airport(600_000)  # More than a client buffers before it reads.
    source = folder / "data" / "weather.parquet"
    away = source.with_suffix(".away")
    command = json.dumps({"features": {"references": ["weather:*"]}})
    writer, reader = client.do_exchange(fl.FlightDescriptor.for_command(command))
    writer.begin(labels.schema)
    writer.write_table(labels)
    writer.done_writing()
    assert reader.schema.names[:3] == labels.schema.names
    source.rename(away)
    try:
        with pytest.raises(pa.ArrowInvalid, match=r"weather\.parquet was removed while it was in use; run again"):
            reader.read_all()
    finally:
        away.rename(source)
