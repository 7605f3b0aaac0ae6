"""Logs training sets as MLflow datasets, with what their manifests say of them.

import mlflow
import plumbstore.mlflow

with mlflow.start_run():
    plumbstore.mlflow.log_dataset("train.parquet")

Needs MLflow 3 or newer: pip install 'plumbstore[mlflow]'.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

try:
    import mlflow
    from mlflow.data.dataset import Dataset
    from mlflow.data.dataset_source_registry import get_dataset_source_from_json, resolve_dataset_source
    from mlflow.data.filesystem_dataset_source import FileSystemDatasetSource
    from mlflow.types.schema import AnyType, Array, ColSpec, DataType, Schema
except ImportError as error:
    raise ImportError("plumbstore.mlflow needs MLflow 3 or newer: pip install 'plumbstore[mlflow]'") from error

from plumbstore import arguments
from plumbstore.manifests import Manifest, manifest_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["TrainingSet", "log_dataset"]

DIGEST_DIGITS = 36
"""How many digits of a digest MLflow keeps."""

_TYPES = {
    "BOOL": DataType.boolean,
    "INT32": DataType.integer,
    "INT64": DataType.long,
    "FLOAT32": DataType.float,
    "FLOAT64": DataType.double,
    "STRING": DataType.string,
    "BYTES": DataType.binary,
    "TIMESTAMP": DataType.datetime,
    # The types of label columns and statuses, which are not declared.
    "bool": DataType.boolean,
    "int8": DataType.integer,
    "int16": DataType.integer,
    "int32": DataType.integer,
    "uint8": DataType.integer,
    "uint16": DataType.integer,
    "int64": DataType.long,
    "uint32": DataType.long,
    "float32": DataType.float,
    "float64": DataType.double,
    "text": DataType.string,
    "bytes": DataType.binary,
}


class TrainingSet(Dataset):  # type: ignore[misc, unused-ignore]
    """A file that plumb historical wrote, with its manifest, as an MLflow dataset."""

    def __init__(self, manifest: Manifest, source: Any, name: str) -> None:  # noqa: ANN401 - an object of MLflow.
        self.manifest = manifest
        super().__init__(source=source, name=name)

    def _compute_digest(self) -> str:
        """Returns the first digits of the SHA-256 of the content. The manifest contains all of them."""
        return self.manifest.digest.removeprefix("sha256:")[:DIGEST_DIGITS]

    @property
    def schema(self) -> Schema:
        """The columns in order. A column without nulls is required."""
        return Schema([ColSpec(_type(c["type"]), c["name"], required=c["nulls"] == 0) for c in self.manifest.columns])

    @property
    def profile(self) -> dict[str, Any]:
        """What the rows were made of, and the nulls, statuses, minimum, maximum and mean of each column."""
        content = self.manifest.content
        return {
            "num_rows": self.manifest.rows,
            "num_elements": self.manifest.rows * len(self.manifest.columns),
            "digest": self.manifest.digest,
            "project": content["project"],
            "revision": content.get("revision"),
            "selection": content["selection"],
            "options": content["options"],
            "views": {view["view"]: view["hash"] for view in content["views"]},
            "labels": content["labels"].get("digest") or content["labels"]["content"],
            "sources": {source["path"]: source["digest"] for source in content["sources"]},
            "columns": {column["name"]: _summary(column) for column in self.manifest.columns},
        }

    def to_dict(self) -> dict[str, str]:
        """Returns what MLflow stores."""
        schema = json.dumps({"mlflow_colspec": self.schema.to_dict()})
        return {**super().to_dict(), "schema": schema, "profile": json.dumps(self.profile)}


def log_dataset(
    path: str | os.PathLike[str],
    *,
    context: str = "training",
    name: str | None = None,
    source: str | None = None,
    tags: Mapping[str, str] | None = None,
    log_manifest: bool = True,
) -> TrainingSet:
    """Logs a training set as an input of MLflow's active run, or of a new run if none is active.

    path: a .parquet, .arrow or .csv file that plumb historical wrote, with its manifest in it or beside it.
    context: what the run uses the training set for.
    name: its name in MLflow; by default the feature service, or the file's name if features were listed.
    source: where others find the training set, such as s3://bucket/train.parquet; by default the file.
    tags: tags of this input in addition to plumb.project, plumb.revision and plumb.digest, which has all digits.
    log_manifest: whether to log the manifest as an artifact of the run, below plumb/, so that the set can be rebuilt.

    Raises InputError if the file or its manifest does not exist or was edited, or if the two do not belong together.
    """
    file = arguments.path("path", path)
    manifest = manifest_of(file)
    logged = TrainingSet(
        manifest, _source(source, file), name or manifest.content["selection"].get("service") or file.stem
    )
    own_tags = {
        "plumb.project": str(manifest.content["project"]),
        "plumb.digest": manifest.digest,
    }
    if "revision" in manifest.content:  # Only the manifest beside the file has it.
        own_tags["plumb.revision"] = str(manifest.content["revision"])
    mlflow.log_input(logged, context=context, tags={**own_tags, **(tags or {})})
    if log_manifest:
        mlflow.log_text(manifest.text, f"plumb/{file.name}.manifest")
    return logged


def _source(given: str | None, file: Path) -> Any:  # noqa: ANN401 - as above.
    """Returns MLflow's object for the location of the file. For a local path it names the reader, because MLflow has
    two and warns if it has to choose.
    """
    if given is not None:
        candidates: list[Any] = [FileSystemDatasetSource]
        return resolve_dataset_source(given, candidates)
    return get_dataset_source_from_json(json.dumps({"uri": str(file.resolve())}), "local")


def _type(name: str) -> Any:  # noqa: ANN401 - MLflow's types have no common type.
    """Returns MLflow's type for a declared type or the type of a label column, AnyType if it has none."""
    if name.endswith("_ARRAY"):
        return Array(_TYPES[name.removesuffix("_ARRAY")])
    if name.startswith("list<"):
        element = _type(name.removeprefix("list<").removesuffix(">"))
        return element if isinstance(element, AnyType) else Array(element)
    return _TYPES.get(name) or (DataType.datetime if name.startswith(("timestamp", "date")) else AnyType())


def _summary(column: dict[str, Any]) -> dict[str, Any]:
    spread = column.get("distribution") or {}
    known = {name: spread[name] for name in ("min", "max", "mean", "nans") if name in spread}
    statuses = {"statuses": column["statuses"]} if column.get("statuses") else {}
    return {"nulls": column["nulls"], **statuses, **known}
