"""Training sets become inputs of runs in a real MLflow, with the digest, schema and profile of their manifests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import run

import plumbstore as plumb
import plumbstore.manifests
import plumbstore.mlflow

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow uses deprecated parts of SQLAlchemy.


@pytest.fixture(scope="session")
def training(flights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training set in each format, and one of listed features."""
    folder = tmp_path_factory.mktemp("training")
    labels = flights / "data" / "labels.parquet"
    join: list[str | Path] = ["historical", "--project-dir", flights, "--labels", labels]
    for suffix in ("parquet", "arrow", "csv"):
        run(*join, "--service", "delay_model", "--statuses", "--out", folder / f"train.{suffix}")
    run(*join, "--features", "plane:year", "--out", folder / "few.parquet")
    return folder


@pytest.fixture
def train(training: Path, tmp_path: Path) -> Path:
    """A copy of the training sets that the test may change. Returns the Parquet file."""
    shutil.copytree(training, tmp_path / "training")
    return tmp_path / "training" / "train.parquet"


@pytest.fixture(params=["sqlite", "file"])
def tracking(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An MLflow that stores runs in a database, and one that stores them in files."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db" if request.param == "sqlite" else (tmp_path / "mlruns").as_uri()
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.create_experiment("training", artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_experiment(experiment_id=experiment)
    yield uri
    mlflow.set_tracking_uri(before)


def logged(run_id: str) -> tuple[Any, dict[str, str]]:
    """The one input of a run, and its tags."""
    inputs = mlflow.get_run(run_id).inputs
    assert inputs is not None
    [found] = inputs.dataset_inputs
    return found.dataset, {tag.key: tag.value for tag in found.tags}


@pytest.mark.usefixtures("tracking")
def test_a_training_set_becomes_an_input_of_the_run(train: Path) -> None:
    with mlflow.start_run() as active:
        given = plumbstore.mlflow.log_dataset(train, tags={"split": "all"})
    manifest = json.loads((train.parent / "train.parquet.manifest").read_text())
    dataset, tags = logged(active.info.run_id)
    digest = manifest["output"]["digest"]
    assert dataset.name == "delay_model"
    assert len(dataset.digest) == plumbstore.mlflow.DIGEST_DIGITS
    assert f"sha256:{dataset.digest}" == digest[: 7 + plumbstore.mlflow.DIGEST_DIGITS] == f"sha256:{given.digest}"
    assert tags == {
        "mlflow.data.context": "training",
        "plumb.project": "nycflights",
        "plumb.revision": "1",
        "plumb.digest": digest,
        "split": "all",
    }
    columns = {c["name"]: c for c in json.loads(dataset.schema)["mlflow_colspec"]}
    assert list(columns) == pq.read_schema(train).names
    assert columns["origin_weather__temp"] == {"type": "double", "name": "origin_weather__temp", "required": True}
    assert columns["plane__year"] == {"type": "integer", "name": "plane__year", "required": False}
    assert columns["event_timestamp"]["type"] == "datetime"
    assert columns["late"]["type"] == "boolean"
    profile = json.loads(dataset.profile)
    assert (profile["num_rows"], profile["digest"]) == (2904, digest)
    assert profile["views"] == {view["view"]: view["hash"] for view in manifest["views"]}
    assert profile["columns"]["plane__year"]["nulls"] == pq.read_table(train)["plane__year"].null_count
    assert profile["columns"]["plane__year"]["statuses"]["NOT_FOUND"] > 0
    source = mlflow.data.get_source(dataset)
    assert Path(source.load()) == train.resolve()


@pytest.mark.usefixtures("tracking")
def test_what_the_client_wrote_becomes_an_input_too(store: plumb.Store, labels: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    made = store.historical(labels, service="delay_model", manifest=True)
    made.to_parquet(file)
    with mlflow.start_run() as active:
        plumbstore.mlflow.log_dataset(file)
    assert made.manifest is not None
    assert logged(active.info.run_id)[1]["plumb.digest"] == made.manifest.digest
    store.historical(labels, service="delay_model").to_parquet(file)
    with mlflow.start_run(), pytest.raises(plumb.InputError, match=r"make it with .*manifest=True"):
        plumbstore.mlflow.log_dataset(file)


@pytest.mark.usefixtures("tracking")
def test_the_manifest_is_an_artifact_of_the_run_unless_log_manifest_is_false(train: Path) -> None:
    with mlflow.start_run() as active:
        plumbstore.mlflow.log_dataset(train)
    kept = mlflow.artifacts.load_text(f"{active.info.artifact_uri}/plumb/train.parquet.manifest")
    assert kept == (train.parent / "train.parquet.manifest").read_text().strip()
    with mlflow.start_run() as active:
        plumbstore.mlflow.log_dataset(train, log_manifest=False)
    assert not mlflow.artifacts.list_artifacts(run_id=active.info.run_id)


@pytest.mark.usefixtures("tracking")
def test_every_format_gives_the_manifests_digest(train: Path) -> None:
    for suffix in ("parquet", "arrow", "csv"):
        file = train.with_suffix(f".{suffix}")
        with mlflow.start_run() as active:
            plumbstore.mlflow.log_dataset(file, context="evaluation", source="s3://bucket/train", name="mine")
        dataset, tags = logged(active.info.run_id)
        expected = json.loads(file.with_name(f"{file.name}.manifest").read_text())["output"]["digest"]
        assert tags["plumb.digest"] == expected
        assert tags["mlflow.data.context"] == "evaluation"
        assert (dataset.name, json.loads(dataset.source)) == ("mine", {"uri": "s3://bucket/train"})


@pytest.mark.usefixtures("tracking")
def test_listed_features_are_named_after_their_file(train: Path) -> None:
    with mlflow.start_run():
        assert plumbstore.mlflow.log_dataset(train.parent / "few.parquet").name == "few"


def test_types_become_mlflows(world: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("key,event_timestamp\n1,2013-01-01\n2,2013-01-01\n")
    out = tmp_path / "every.parquet"
    run("historical", "--project-dir", world, "--labels", labels, "--features", "every:*", "--out", out)
    schema = plumbstore.mlflow.TrainingSet(plumbstore.manifests.manifest_of(out), None, "every").schema
    types = {column["name"]: column["type"] for column in schema.to_dict()}
    assert types["a_float32"] == "float"
    assert types["a_bytes"] == "binary"
    assert types["a_timestamp"] == "datetime"
    assert types["some_string"] == "array"
    assert types["key"] == "long"


def test_what_is_no_training_set_is_refused(train: Path, tmp_path: Path) -> None:
    def refused(file: Path, words: str) -> None:
        with pytest.raises(plumb.InputError, match=words):
            plumbstore.mlflow.log_dataset(file)

    refused(tmp_path / "nowhere.parquet", "cannot read file .*nowhere.parquet: no such file or directory")
    refused(tmp_path / "train.txt", "has to end in .parquet, .csv or .arrow")
    beside = train.with_name("train.parquet.manifest")
    good = beside.read_text()
    beside.write_text(good.replace('"within":"sha256:', '"within":"sha256:0'))
    refused(
        train,
        "train.parquet.manifest is not the manifest that train.parquet holds; run plumb dataset verify for details",
    )
    beside.write_bytes(b"\xff")
    refused(train, "cannot read .*train.parquet.manifest")
    beside.unlink()
    assert plumbstore.manifests.manifest_of(train).rows == 2904
    pq.write_table(pq.read_table(train).replace_schema_metadata(), train)
    refused(train, "holds no manifest: it was written without one, or rewritten by another program")
    train.write_bytes(b"PAR1")
    refused(train, "cannot read .*train.parquet")


def test_a_manifest_that_does_not_fit_its_csv_is_refused(train: Path) -> None:
    def refused(words: str) -> None:
        with pytest.raises(plumb.InputError, match=words):
            plumbstore.mlflow.log_dataset(csv)

    csv = train.with_suffix(".csv")
    beside, text = csv.with_name("train.csv.manifest"), csv.read_text()
    good = beside.read_text()
    csv.write_text(text[: text.rindex("\n", 0, -1) + 1])
    refused("train.csv is not what its manifest describes: it has 2903 rows of .* columns, and not 2904")
    csv.write_text(text)
    beside.write_text(good.replace('"rows":2904', '"rows":2905'))
    refused("train.csv.manifest was changed by hand: its digest is not that of its content")
    newer = plumbstore.manifests.FORMAT + 1
    beside.write_text(good.replace('"format":3', f'"format":{newer}'))
    refused(f"has format {newer}, which a newer version of Plumb wrote")
    beside.write_text("[]")
    refused("train.csv.manifest is not a manifest")
    beside.unlink()
    refused("train.csv has no manifest: there is no train.csv.manifest beside it")
