"""Checks that the package feast, unchanged, works with plumb serve: clients.py PLUMB IMAGE.

PLUMB is the binary, IMAGE what ``buf build proto`` writes. It also holds our part of Feast's messages to the package's.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

import grpc
import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, PushSource, RepoConfig, ValueType
from feast.errors import (
    FeastError,
    FeastObjectNotFoundException,
    FeastPermissionError,
    FeatureNameCollisionError,
    FeatureServiceNotFoundException,
    FeatureViewNotFoundException,
)
from feast.infra.offline_stores.file_source import FileSource
from feast.protos.feast.serving import ServingService_pb2, ServingService_pb2_grpc
from feast.protos.feast.types import Value_pb2
from feast.types import Array, Float32, Float64, Int64, String, UnixTimestamp
from google.protobuf import descriptor_pb2, descriptor_pool

DEFINITIONS = """
entities:
  - {name: driver, join_keys: [{name: driver_id, type: INT64}]}
sources:
  - {name: rows, parquet: {path: data/rows.parquet}, event_timestamp: at, created_timestamp: known}
feature_views:
  - name: stats
    entities: [driver]
    source: rows
    ttl: 1d
    features:
      - {name: rate, type: FLOAT64, column: conv}
      - {name: score, type: FLOAT32}
      - {name: trips, type: INT64}
      - {name: name, type: STRING}
      - {name: seen, type: TIMESTAMP}
      - {name: labels, type: STRING_ARRAY}
feature_services:
  - {name: svc, features: [{view: stats, features: [trips, rate]}]}
  - name: alias
    full_names: true
    features:
      - {view: stats, as: first, join_keys: {driver_id: first_id}, features: [rate]}
      - {view: stats, as: second, join_keys: {driver_id: second_id}, features: [rate]}
"""


def check(what: str, got: object, want: object) -> None:
    """Ends the program unless two values are equal, as Python writes them: 1 is not 1.0, and NaN is NaN."""
    if repr(got) != repr(want):
        sys.exit(f"{what}:\n  got  {got!r}\n  want {want!r}")


def check_raises(what: str, wanted: type[Exception], text: str, call) -> None:  # noqa: ANN001
    """Ends the program unless a call raises exactly the exception, with the text in it."""
    try:
        result = call()
    except Exception as error:  # noqa: BLE001
        if type(error) is not wanted or text not in str(error):
            sys.exit(f"{what}: got {error!r}, want {wanted.__name__} with {text!r}")
        return
    sys.exit(f"{what}: got {result!r}, want {wanted.__name__}")


def check_messages(image: str) -> None:
    """Ends the program unless each of our messages and services is a part of Feast's."""
    files = descriptor_pb2.FileDescriptorSet.FromString(Path(image).read_bytes()).file
    files = [file for file in files if file.package.startswith("feast.")]
    check("the packages", sorted(file.package for file in files), ["feast.serving", "feast.types"])
    theirs = descriptor_pool.Default()
    for file in files:
        for message in file.message_type:
            check_message(f"{file.package}.{message.name}", message, theirs)
        for enum in file.enum_type:
            check_enum(f"{file.package}.{enum.name}", enum, theirs)
        for service in file.service:
            methods = theirs.FindServiceByName(f"{file.package}.{service.name}").methods_by_name
            for method in service.method:
                other = methods[method.name]
                ours = (method.input_type, method.output_type)
                check(method.name, ours, ("." + other.input_type.full_name, "." + other.output_type.full_name))


def check_message(name: str, ours, theirs) -> None:  # noqa: ANN001
    """Compares the fields of a message, and what is declared in it."""
    other = descriptor_pb2.DescriptorProto()
    theirs.FindMessageTypeByName(name).CopyToProto(other)
    fields = {field.name: field for field in other.field}
    for field in ours.field:
        want = fields[field.name]
        check(
            f"{name}.{field.name}",
            (field.number, field.type, field.label, field.type_name, field.HasField("oneof_index")),
            (want.number, want.type, want.label, want.type_name, want.HasField("oneof_index")),
        )
    for message in ours.nested_type:
        check_message(f"{name}.{message.name}", message, theirs)
    for enum in ours.enum_type:
        check_enum(f"{name}.{enum.name}", enum, theirs)


def check_enum(name: str, ours, theirs) -> None:  # noqa: ANN001
    """Compares the values of an enumeration."""
    numbers = theirs.FindEnumTypeByName(name).values_by_name
    for value in ours.value:
        check(f"{name}.{value.name}", value.number, numbers[value.name].number)


def project(folder: Path, plumb: str) -> None:
    """Makes a project with one view, and materializes it up to now."""
    (folder / "features").mkdir()
    (folder / "data").mkdir()
    (folder / "plumb.yaml").write_text("project: rides\n")
    (folder / "features" / "all.yaml").write_text(DEFINITIONS)
    now = pd.Timestamp.now("UTC").floor("s")
    pd.DataFrame(
        {
            "driver_id": [1001, 1002, 1003],
            "conv": [0.25, None, 0.75],
            "score": pd.Series([0.1, 1.0, 2.0], dtype="float32"),
            "trips": pd.Series([7, None, 9], dtype="Int64"),
            "name": ["é", "", "old"],
            "seen": [pd.Timestamp("2026-01-03T17:00:00.5Z")] * 3,
            "labels": [["a", "b"], ["c"], ["d"]],
            "at": [now - timedelta(hours=1), now - timedelta(hours=2), now - timedelta(days=2)],
            "known": [now - timedelta(hours=1)] * 3,
        }
    ).to_parquet(folder / "data" / "rows.parquet")
    for command in (["apply", "--yes"], ["materialize", "--to", "now"]):
        subprocess.run([plumb, *command], cwd=folder, check=True, capture_output=True)


def serve(folder: Path, plumb: str, *flags: str) -> tuple[subprocess.Popen, dict]:
    """Starts a server on free ports and returns it with its addresses."""
    free = ["--serving-grpc", "127.0.0.1:0", "--serving-http", "", "--serving-feast", "127.0.0.1:0"]
    command = [plumb, "serve", "--output", "json", *free, *flags]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return server, json.loads(server.stdout.readline())


def store_of(folder: Path, address: str, **config: object) -> FeatureStore:
    """Returns a store of the SDK whose online store is the server. Its own registry has what only the SDK needs."""
    return FeatureStore(
        config=RepoConfig(
            project="rides",
            provider="local",
            registry=str(folder / "feast.db"),
            online_store={"type": "remote", "path": "http://" + address},
            entity_key_serialization_version=3,
            **config,
        )
    )


FEATURES = [f"stats:{name}" for name in ("rate", "score", "trips", "name", "seen", "labels")]


def check_lookups(store: FeatureStore) -> None:
    """Looks features up by references."""
    rows = [{"driver_id": key} for key in (1001, 1002, 1003, 1999)]
    response = store.get_online_features(features=FEATURES, entity_rows=rows)
    check(
        "a look-up by references",
        response.to_dict(),
        {
            "driver_id": [1001, 1002, 1003, 1999],
            "rate": [0.25, None, None, None],
            "score": [0.10000000149011612, 1.0, None, None],
            "trips": [7, None, None, None],
            "name": ["é", "", None, None],
            "seen": [1767459600, 1767459600, None, None],
            "labels": [["a", "b"], ["c"], None, None],
        },
    )
    names = {0: "INVALID", 1: "PRESENT", 2: "NULL_VALUE", 3: "NOT_FOUND", 4: "OUTSIDE_MAX_AGE"}
    statuses = [[names[each] for each in result.statuses] for result in response.proto.results]
    check("the statuses", statuses[1], ["PRESENT", "NULL_VALUE", "OUTSIDE_MAX_AGE", "NOT_FOUND"])
    full = store.get_online_features(features=["stats:trips"], entity_rows=rows[:1], full_feature_names=True)
    check("full names", full.to_dict(), {"driver_id": [1001], "stats__trips": [7]})


def check_services(store: FeatureStore) -> None:
    """Looks features up by services, of which the SDK sends the name."""
    from feast import FeatureService

    view = store.get_feature_view("stats")
    svc = FeatureService(name="svc", features=[view[["trips", "rate"]]])
    got = store.get_online_features(features=svc, entity_rows=[{"driver_id": 1001}]).to_dict()
    check("a service", got, {"driver_id": [1001], "trips": [7], "rate": [0.25]})
    alias = FeatureService(
        name="alias",
        features=[
            view[["rate"]].with_name("first").with_join_key_map({"driver_id": "first_id"}),
            view[["rate"]].with_name("second").with_join_key_map({"driver_id": "second_id"}),
        ],
    )
    keys = [{"first_id": 1001, "second_id": 1999}]
    got = store.get_online_features(features=alias, entity_rows=keys, full_feature_names=True).to_dict()
    want = {"first_id": [1001], "second_id": [1999], "first__rate": [0.25], "second__rate": [None]}
    check("an aliased service", got, want)
    unknown = FeatureService(name="svd", features=[view])
    check_raises(
        "an unknown service",
        FeatureServiceNotFoundException,
        'no feature service is named "svd"; did you mean "svc"?',
        lambda: store.get_online_features(features=unknown, entity_rows=keys),
    )


def check_mistakes(store: FeatureStore) -> None:
    """Makes mistakes, of which the text has to reach the caller at once: the SDK tries again after other errors."""
    for features, key, wanted, text in (
        (["stat:trips"], {"driver_id": 1}, FeatureViewNotFoundException, 'did you mean "stats"?'),
        (["stats:trip"], {"driver_id": 1}, FeastObjectNotFoundException, 'did you mean "trips"?'),
        (["stats:trips"], {"driver": 1}, FeastError, "driver_id: is missing; give a list of INT64"),
        (["stats:trips"], {"driver_id": "x"}, FeastError, 'driver_id: row 1: "x" is not INT64'),
        (["stats:trips"] * 2, {"driver_id": 1}, FeatureNameCollisionError, '"trips" is wanted by'),
    ):
        began = time.monotonic()
        check_raises(
            f"{features} of {key}",
            wanted,
            text,
            lambda features=features, key=key: store.get_online_features(features=features, entity_rows=[key]),
        )
        if time.monotonic() - began > 1:  # The first try after an error waits for half a second, the third for two.
            sys.exit(f"{features} of {key} was tried again")


def define(store: FeatureStore) -> None:
    """Applies to the SDK's own registry the view that it needs for pushes and services."""
    batch = FileSource(name="batch", path="rows.parquet", timestamp_field="at", created_timestamp_column="known")
    pushed = PushSource(name="pushed", batch_source=batch)
    driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    types = (Float64, Float32, Int64, String, UnixTimestamp, Array(String))
    fields = [Field(name=name.removeprefix("stats:"), dtype=dtype) for name, dtype in zip(FEATURES, types)]
    fields.append(Field(name="driver_id", dtype=Int64))
    view = FeatureView(name="stats", entities=[driver], source=pushed, schema=fields, ttl=timedelta(days=1))
    store.registry.apply_entity(driver, "rides")
    store.registry.apply_data_source(pushed, "rides")
    store.registry.apply_feature_view(view, "rides")


def pushed_frame(at: datetime, rate: float) -> pd.DataFrame:
    """Returns one row to push."""
    return pd.DataFrame(
        {
            "driver_id": [1004],
            "rate": [rate],
            "score": pd.Series([0.5], dtype="float32"),
            "trips": [11],
            "name": ["new"],
            "seen": [pd.Timestamp("2026-01-03T17:00:00Z")],
            "labels": [["x"]],
            "at": [at],
            "known": [at],
        }
    )


def check_pushes(store: FeatureStore) -> None:
    """Pushes rows, of which the newest wins."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    store.push("pushed", pushed_frame(now - timedelta(minutes=1), 0.5))
    store.write_to_online_store("stats", pushed_frame(now - timedelta(minutes=2), 0.125))
    got = store.get_online_features(features=FEATURES, entity_rows=[{"driver_id": 1004}]).to_dict()
    want = {"driver_id": [1004], "rate": [0.5], "score": [0.5], "trips": [11], "name": ["new"], "seen": [1767459600]}
    check("what was pushed", got, {**want, "labels": [["x"]]})
    check_raises(
        "a row from the future",
        FeastError,
        "row 1: ",
        lambda: store.push("pushed", pushed_frame(now + timedelta(days=1), 0.5)),
    )


def check_grpc(address: str) -> None:
    """Looks features up over gRPC with the messages of the package."""
    with grpc.insecure_channel(address) as channel:
        client = ServingService_pb2_grpc.ServingServiceStub(channel)
        request = ServingService_pb2.GetOnlineFeaturesRequest(
            features=ServingService_pb2.FeatureList(val=["stats:score", "stats:seen"])
        )
        request.entities["driver_id"].val.extend([Value_pb2.Value(int64_val=1001), Value_pb2.Value(int32_val=1999)])
        response = client.GetOnlineFeatures(request)
        check("names over gRPC", list(response.metadata.feature_names.val), ["driver_id", "score", "seen"])
        score, seen = response.results[1], response.results[2]
        check("a float over gRPC", math.isclose(score.values[0].float_val, 0.1, rel_tol=1e-7), True)
        check("a time over gRPC", seen.values[0].unix_timestamp_val, 1767459600)
        check("statuses over gRPC", list(score.statuses), [1, 3])


def check_tokens(folder: Path, plumb: str) -> None:
    """Calls a server that asks for tokens."""
    created = subprocess.run(
        [plumb, "token", "create", "--name", "reader", "--role", "read", "--serving-tokens", "tokens.yaml"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    token = created.stdout.strip()
    server, addresses = serve(folder, plumb, "--serving-tokens", "tokens.yaml")
    try:
        store = store_of(folder, addresses["feast"], auth={"type": "oidc", "token": token})
        got = store.get_online_features(features=["stats:trips"], entity_rows=[{"driver_id": 1001}]).to_dict()
        check("with a token", got, {"driver_id": [1001], "trips": [7]})
        check_raises(
            "a push by a reader",
            FeastPermissionError,
            "this needs write",
            lambda: store.push("pushed", pushed_frame(datetime.now(timezone.utc), 0.5)),
        )
    finally:
        server.terminate()
        server.wait()


def main(plumb: str, image: str) -> None:
    """Runs everything."""
    warnings.simplefilter("ignore")
    check_messages(image)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder, plumb)
        server, addresses = serve(folder, plumb)
        try:
            store = store_of(folder, addresses["feast"])
            check_lookups(store)
            check_mistakes(store)
            define(store)
            check_services(store)
            check_pushes(store)
            check_grpc(addresses["grpc"])
        finally:
            server.terminate()
            server.wait()
        check_tokens(folder, plumb)
    print("Feast's client works without a change.")


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).resolve()), sys.argv[2])
