"""A project with an on-demand view over the weather, and one that returns inputs of every type."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import TYPES, run

AT = "2013-01-01T12:00:00Z"
NOON = dt.datetime(2013, 1, 1, 12, tzinfo=dt.timezone.utc)

DEFINITIONS = """
entities:
  - {name: airport, join_keys: [{name: airport, type: STRING}]}
sources:
  - {name: observed, parquet: {path: data/observed.parquet}, event_timestamp: at}
feature_views:
  - name: weather
    entities: [airport]
    source: observed
    features: [{name: temp, type: FLOAT64}, {name: runways, type: INT32}]
on_demand_views:
  - name: trip
    description: what is known of a trip
    request:
      - {name: distance, type: FLOAT64, description: miles}
      - {name: bags, type: INT32, sensitive: true}
      - {name: unread, type: STRING}
    views:
      - {view: weather, as: here, join_keys: {airport: origin}}
    features:
      - {name: warmth, type: FLOAT64, expression: here.temp + distance}
      - {name: each, type: INT32, expression: bags / here.runways, sensitive: true}
      - {name: hour, type: INT64, expression: request_time.getHours()}
      - {name: note, type: STRING, expression: unread}
  - name: echo
    request:
{request}
    features:
{features}
feature_services:
  - name: trips
    features:
      - {view: trip, features: [warmth, each, hour]}
      - {view: weather, as: origin_weather, join_keys: {airport: origin}, features: [temp]}
  - name: back
    features: [{view: trip, join_keys: {origin: dest, distance: miles}, features: [warmth]}]
  - name: shared
    features: [{view: trip, join_keys: {unread: origin}, features: [warmth, note]}]
"""
EVERY = [*TYPES, *(f"{name}_ARRAY" for name in TYPES)]


def make(project: Path) -> None:
    """Makes the project in an empty folder, applied and materialized."""
    for folder in ("data", "features"):
        (project / folder).mkdir()
    observed = {"airport": ["JFK", "EWR", "LGA"], "at": [NOON.replace(hour=10)] * 3, "temp": [77.5, None, 60.0]}
    pq.write_table(
        pa.table({**observed, "runways": pa.array([4, 0, 2], pa.int32())}), project / "data/observed.parquet"
    )
    (project / "plumb.yaml").write_text(
        "project: trips\ndefinitions: [features]\nregistry: sqlite:.plumb/registry.db\n"
        "online_store: sqlite:.plumb/online.db\noffline: {roots: [data]}\nserving: {grpc: 127.0.0.1:6570}\n"
    )
    request = "\n".join(f"      - {{name: {kind.lower()}, type: {kind}}}" for kind in EVERY)
    features = "\n".join(
        f"      - {{name: the_{kind.lower()}, type: {kind}, expression: {kind.lower()}}}" for kind in EVERY
    )
    text = DEFINITIONS.replace("{request}", request).replace("{features}", features)
    (project / "features" / "all.yaml").write_text(text)
    run("apply", "--project-dir", project)
    run("materialize", "--project-dir", project, "--to", AT)
