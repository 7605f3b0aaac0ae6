"""The events that the command line emits are what the publishers of OpenLineage read: their own package, which is
generated from the published schemas, has a class for each object, with its fields and which of them are required.
"""

from __future__ import annotations

import json
import threading
import typing
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import attr
import pytest
from conftest import MATERIALIZED, run
from openlineage.client import event_v2, facet_v2
from openlineage.client.generated import base

FACETS = {
    "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "documentation": facet_v2.documentation_job.DocumentationJobFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    "columnLineage": facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}


def check(value: Any, kind: Any, place: str = "event") -> None:
    """Fails unless decoded JSON is of a type of the package: every required field, no unknown one, each of its type."""
    if get_origin(kind) in (typing.Union, UnionType):
        kinds = [each for each in get_args(kind) if each is not type(None)]
        assert len(kinds) == 1, place
        kind = kinds[0]
    if get_origin(kind) is list:
        assert isinstance(value, list), place
        for i, each in enumerate(value):
            check(each, get_args(kind)[0], f"{place}[{i}]")
    elif get_origin(kind) is dict:
        assert isinstance(value, dict), place
        for name, each in value.items():
            check(each, FACETS.get(name, get_args(kind)[1]), f"{place}.{name}")
    elif attr.has(kind):
        check_fields(value, kind, place)
    elif issubclass(kind, base.EventType):
        assert value in {each.value for each in kind}, place
    else:
        assert isinstance(value, kind), f"{place} is {value!r}"


def check_fields(value: Any, kind: Any, place: str) -> None:
    assert isinstance(value, dict), place
    types = typing.get_type_hints(kind)
    fields = {field.name: field for field in attr.fields(kind)}
    unknown = set(value) - set(fields)
    assert not unknown, f"{place} has {unknown}, which {kind.__name__} does not know"
    for name, field in fields.items():
        if name in value:
            check(value[name], types[name], f"{place}.{name}")
        else:
            assert field.default is not attr.NOTHING, f"{place} lacks {name}"
    if "_schemaURL" in value:  # Any published version of this facet is allowed.
        assert value["_schemaURL"].rsplit("/", 1)[1] == kind._get_schema().rsplit("/", 1)[1], place
        assert value["_producer"].startswith("https://"), place
    if kind is base.Run:
        base.Run(runId=value["runId"])  # It has to be a UUID.


def events_in(file: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in file.read_text().splitlines()]
    for event in events:
        check(event, event_v2.RunEvent)
        assert event["schemaURL"] == event_v2.RunEvent._get_schema()
    return events


def test_events_are_those_of_openlineage(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "lineage.jsonl"
    told: list[str | Path] = ["--project-dir", project, "--lineage", f"file:{file}"]
    labels = project / "data" / "labels.parquet"
    join: list[str | Path] = ["historical", *told, "--labels", labels, "--out", tmp_path / "t.parquet"]
    run(*join, "--service", "delay_model", "--statuses", "--event-timestamps")
    run(*join, "--features", "plane:*,carrier_day:*")
    run("materialize", *told, "--to", MATERIALIZED, "--full")
    with pytest.raises(AssertionError, match="no_such_column"):
        run(*join, "--service", "delay_model", "--timestamp-column", "no_such_column")
    events = events_in(file)
    kinds = [event["eventType"] for event in events]
    assert kinds == ["START", "COMPLETE"] * 10 + ["START", "FAIL"]
    assert len({event["run"]["runId"] for event in events}) == 11
    done = events[1]
    assert {"schema", "columnLineage"} <= set(done["outputs"][0]["facets"])
    assert any("version" in each["facets"] for each in done["inputs"])
    lineage = done["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert set(lineage) == {field["name"] for field in done["outputs"][0]["facets"]["schema"]["fields"]}


def test_what_is_no_event_does_not_pass_for_one(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "lineage.jsonl"
    run("materialize", "--project-dir", project, "--lineage", f"file:{file}", "--to", MATERIALIZED, "--view", "plane")
    good = events_in(file)[0]
    for broken in (
        {name: value for name, value in good.items() if name != "run"},
        {**good, "eventType": "BEGIN"},
        {**good, "inputs": [{"namespace": "file"}]},
        {**good, "outputs": [{**good["outputs"][0], "colour": "red"}]},
        {**good, "job": {**good["job"], "facets": {"documentation": {"_producer": "https://x", "_schemaURL": "y"}}}},
    ):
        with pytest.raises(AssertionError):
            check(broken, event_v2.RunEvent)


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Any]]]:
    """An HTTP endpoint that records what is posted to it."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_endpoint_is_posted_them(
    project: Path, receiver: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, posted = receiver
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "secret")
    run("materialize", "--project-dir", project, "--lineage", url, "--to", MATERIALIZED, "--view", "plane")
    assert [(path, key, event["eventType"]) for path, key, event in posted] == [
        ("/api/v1/lineage", "Bearer secret", "START"),
        ("/api/v1/lineage", "Bearer secret", "COMPLETE"),
    ]
    for _, _, event in posted:
        check(event, event_v2.RunEvent)
