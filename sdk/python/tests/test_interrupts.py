"""After Ctrl-C, and with callers that stop or are slow, nothing is left over and nothing waits forever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import BINARY, Served, run

import plumbstore as plumb
import plumbstore.flight

ROWS = 300_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels for a long join: many times those of plumb init."""
    project = tmp_path_factory.mktemp("large") / "flights"
    run("init", project)
    run("apply", "--project-dir", project)
    labels = pq.read_table(project / "data" / "labels.parquet")
    pq.write_table(pa.concat_tables([labels] * (ROWS // len(labels) + 1)), project / "data" / "many.parquet")
    return project


@pytest.fixture(scope="module")
def large_server(large: Path) -> Iterator[Served]:
    served = Served(large)
    yield served
    served.stop()


@pytest.fixture(params=["local", "connect"])
def opening(request: pytest.FixtureRequest, large: Path) -> str:
    """The Python code that opens the store."""
    if request.param == "local":
        return f"plumb.local({str(large)!r}, binary={str(BINARY)!r})"
    return f"plumb.connect({request.getfixturevalue('large_server').url!r})"


def test_ctrl_c_stops_a_join_and_leaves_nothing(opening: str, large: Path, temporary: Path) -> None:
    program = textwrap.dedent(f"""
        import sys, plumbstore as plumb
        def progress(update):
            print("joining", flush=True)
        def labels():
            table = pq.read_table({str(large / "data" / "many.parquet")!r})
            return table
        import pyarrow.parquet as pq
        store = {opening}
        try:
            while True:
                print("joining", flush=True)
                store.historical(labels(), service="delay_model", progress=progress).to_arrow()
        except KeyboardInterrupt:
            store.close()
            print("interrupted", flush=True)
    """)
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "joining\n"
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert printed.splitlines()[-1] == "interrupted"
    assert process.returncode == 0
    assert not list(temporary.iterdir())


def test_a_mistake_of_the_caller_s_reader_comes_back(store: plumb.Store, labels: pd.DataFrame, temporary: Path) -> None:
    table = pa.Table.from_pandas(labels, preserve_index=False)

    def batches() -> Iterator[pa.RecordBatch]:
        yield table.to_batches()[0]
        raise ZeroDivisionError("the caller's own")

    with pytest.raises(ZeroDivisionError, match="the caller's own"):
        store.historical(pa.RecordBatchReader.from_batches(table.schema, batches()), service="delay_model")
    assert not list(temporary.iterdir())


def test_rows_stream_both_ways(large: Path, large_server: Served) -> None:
    with plumb.connect(large_server.url) as store:
        result = store.historical(large / "data" / "many.parquet", service="delay_model")
        with pytest.raises(plumb.PreconditionError, match="known once its last row has been read; read the rows first"):
            _ = result.report
        assert len(result) >= ROWS
        sizes = [batch.num_rows for batch in result.to_batches()]
    assert sum(sizes) >= ROWS
    assert max(sizes) <= 1 << 16
    assert result.report is not None
    assert result.report.rows == sum(sizes)


def test_a_result_that_is_closed_early_frees_the_server(large: Path, large_server: Served) -> None:
    with plumb.connect(large_server.url) as store:
        for _ in range(3):
            with store.historical(large / "data" / "many.parquet", service="delay_model") as result:
                next(result.to_batches())
        assert len(store.historical(large / "data" / "labels.parquet", service="delay_model").to_arrow()) == 2904


def test_a_result_that_is_never_read_does_not_keep_a_program_from_ending(large: Path, large_server: Served) -> None:
    program = textwrap.dedent(f"""
        import plumbstore as plumb
        store = plumb.connect({large_server.url!r})
        result = store.historical({str(large / "data" / "many.parquet")!r}, service="delay_model")
        print(result.columns[0])
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "flight_id\n", "")


def test_a_server_that_goes_away_is_named(project: Path) -> None:
    served = Served(project)
    with plumb.connect(served.url) as store:
        served.stop()
        with pytest.raises(plumb.UnavailableError, match=f"no server answers at {served.address}"):
            store.entities()
        with pytest.raises(plumb.UnavailableError, match=f"no server answers at {served.address}"):
            store.historical(project / "data" / "labels.parquet", service="delay_model")


def test_an_answer_is_read_only_once_the_labels_were_sent(
    large: Path, large_server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If two threads end a call of Arrow Flight at the same time, the process is aborted."""
    order: list[str] = []

    def noted(name: str) -> None:
        original = getattr(plumbstore.flight.Exchange, f"_{name}")

        def method(self: plumbstore.flight.Exchange, *arguments: Any) -> None:
            order.append(f"{name} begins")
            original(self, *arguments)
            order.append(f"{name} ends")

        monkeypatch.setattr(plumbstore.flight.Exchange, f"_{name}", method)

    noted("send")
    noted("receive")
    labels = large / "data" / "many.parquet"
    with pytest.raises(plumb.NotFoundError):
        plumb.connect(large_server.url).historical(labels, service="nothing").to_arrow()
    assert order == ["send begins", "send ends", "receive begins", "receive ends"]
