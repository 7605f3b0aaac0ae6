"""Makes a Feast project of one view over a file, and materializes it to Redis.

    feast_project.py FOLDER FILE REDIS

The benchmark of look-ups runs it (bench/online/feast.go). FOLDER gets a feature_store.yaml, which `feast serve` reads.
FILE has the columns that bench/online/project.go makes. REDIS is host:port.
"""

import datetime
import pathlib
import sys

from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType, types

SETTINGS = """project: bench
provider: local
registry: registry.db
offline_store: {{type: file}}
online_store: {{type: redis, connection_string: "{redis}"}}
entity_key_serialization_version: 3
"""
TYPES = [types.Float64] * 6 + [types.Int64] * 2 + [types.String, types.Bool]


def main(folder: str, file: str, redis: str) -> None:
    """Makes the project in a folder that is not there yet."""
    path = pathlib.Path(folder)
    path.mkdir()
    (path / "feature_store.yaml").write_text(SETTINGS.format(redis=redis))
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    view = FeatureView(
        name="v0",
        entities=[user],
        schema=[Field(name=f"f{i}", dtype=t) for i, t in enumerate(TYPES)],
        source=FileSource(path=file, timestamp_field="event_timestamp"),
        ttl=datetime.timedelta(0),
    )
    store = FeatureStore(repo_path=folder)
    store.apply([user, view])
    now = datetime.datetime.now(datetime.timezone.utc)
    store.materialize(datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc), now)


if __name__ == "__main__":
    main(*sys.argv[1:])
