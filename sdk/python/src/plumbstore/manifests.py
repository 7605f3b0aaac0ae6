"""Reads the manifests of training sets that plumb historical makes."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbstore import arguments
from plumbstore.errors import InputError
from plumbstore.foreign import guarded
from plumbstore.labels import check_file

if TYPE_CHECKING:
    import os
    from pathlib import Path

FORMAT = 7
"""The newest known format. Later ones are refused."""

SUFFIX = ".manifest"
KEY = b"plumb.manifest"
"""The name of a manifest in the metadata of Parquet and Arrow files."""

_SEAL = ',"digest":"'
_WITHIN = ',"within":"'
_WRITTEN = ',"file":{"name":'
_MEMBERS = ("project", "selection", "options", "views", "labels", "sources", "output")


@dataclass(frozen=True)
class Manifest:
    """What a training set was made of and what it contains."""

    text: str
    """The manifest as it was written."""
    content: dict[str, Any]

    @property
    def within(self) -> str:
        """The part stored in the training set itself, which does not depend on when and where the set is made."""
        return _sealed(self.text.rpartition(_WITHIN)[0])

    def beside(self, file: Path, size: int, digest: str) -> str:
        """Returns the manifest to write beside the training set file, which has this size in bytes and this SHA-256 in
        hexadecimal.
        """
        opened = self.text.rpartition(_SEAL)[0]
        opened = opened.rpartition(_WRITTEN)[0] or opened
        written = {"name": file.name, "size": size, "digest": f"sha256:{digest}"}
        return _sealed(f'{opened},"file":{json.dumps(written, ensure_ascii=False, separators=(",", ":"))}')

    @property
    def revision(self) -> int | None:
        """The registry revision that it was made by; None if only the manifest in the file was read, which does not
        have it.
        """
        revision: int | None = self.content.get("revision")
        return revision

    @property
    def service(self) -> str | None:
        """The feature service that was asked for; None if features were listed."""
        service: str | None = self.content["selection"].get("service")
        return service

    @property
    def views(self) -> dict[str, str]:
        """The views that it was made of, each with the digest of everything that determines its values."""
        return {view["view"]: view["hash"] for view in self.content["views"]}

    @property
    def sources(self) -> dict[str, str]:
        """The paths of the sources' files that were read, with the digests of their content."""
        return {source["path"]: source["digest"] for source in self.content["sources"]}

    @property
    def rows(self) -> int:
        """The number of rows of the training set."""
        return int(self.content["output"]["rows"])

    @property
    def digest(self) -> str:
        """The digest of the training set's content: sha256: and 64 digits."""
        return str(self.content["output"]["digest"])

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The training set's columns in order, each with its name, type, nulls and distribution."""
        return list(self.content["output"]["columns"])


@guarded
def manifest(path: str | os.PathLike[str]) -> Manifest:
    """Returns the manifest of a training set, without a store.

    path: a .parquet, .arrow or .csv file that plumb historical or to_parquet wrote, with its manifest in it or beside
    it.

    Raises InputError if the file or its manifest does not exist or was edited, or if the two do not belong together. It
    does not read the rows; plumb dataset verify proves that they are those of the manifest.
    """
    return manifest_of(arguments.path("path", path))


def manifest_of(file: Path) -> Manifest:
    """Returns the manifest of a training set. Parquet and Arrow files contain their manifest; if there is another one
    beside the file, the two have to agree. A CSV file has its manifest beside it, and the names of its columns and the
    number of its rows have to agree with it.

    It does not check that the rows are those of the manifest, as plumb dataset verify does. Raises InputError.
    """
    check_file(file, "file")
    beside = _beside(file)
    if file.suffix.lower() == ".csv":
        if beside is None:
            raise InputError(f"{file} has no manifest: there is no {file.name}{SUFFIX} beside it")
        manifest = parse(beside, f"{file}{SUFFIX}")
        _check_csv(file, manifest)
        return manifest
    held = _held(file)
    if held is None:
        raise InputError(
            f"{file} holds no manifest: it was written without one, or rewritten by another program; "
            "make it with plumb historical, or with historical(…, manifest=True) and to_parquet"
        )
    within = parse(held, f"the manifest in {file}")
    if beside is None:
        return within
    if beside.strip() == held.strip():
        return within
    if f'"within":"{within.content["digest"]}"' not in beside:
        parse(beside, f"{file}{SUFFIX}", sealed=False)
        raise InputError(
            f"{file}{SUFFIX} is not the manifest that {file.name} holds; run plumb dataset verify for details"
        )
    return parse(beside, f"{file}{SUFFIX}")


def parse(text: str, where: str, *, sealed: bool = True) -> Manifest:
    """Reads a manifest. Raises InputError for text that is not a manifest or has a newer format, and, if sealed, for a
    manifest that was changed.
    """
    try:
        content = json.loads(text)
        version = content["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{where} is not a manifest") from error
    if not isinstance(version, int) or version > FORMAT:
        raise InputError(f"{where} has format {version}, which a newer version of Plumb wrote; upgrade this one")
    opened, _, _ = text.strip().rpartition(_SEAL)
    if sealed and text.strip() != _sealed(opened):
        raise InputError(f"{where} was changed by hand: its digest is not that of its content")
    missing = [name for name in _MEMBERS if name not in content]
    if missing:
        raise InputError(f"{where} is damaged: {', '.join(missing)} is missing")
    if "parts" in content or "shard" in content:
        raise InputError(f"{where} is of a training set in several files, which only plumb on the command line reads")
    return Manifest(text.strip(), content)


def _sealed(opened: str) -> str:
    """Returns a manifest completed with its end, the digest of the text before it."""
    return f'{opened}{_SEAL}sha256:{hashlib.sha256(opened.encode()).hexdigest()}"}}'


def _beside(file: Path) -> str | None:
    try:
        return file.with_name(file.name + SUFFIX).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file}{SUFFIX}: {error}") from error


def _held(file: Path) -> str | None:
    """Returns the manifest in the metadata of a Parquet or Arrow file, or None."""
    try:
        if file.suffix.lower() == ".parquet":
            metadata = pq.read_metadata(file).metadata
        else:
            with pa.memory_map(str(file)) as source:
                metadata = pa.ipc.open_file(source).schema.metadata
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"cannot read {file}: {error}") from error
    held = (metadata or {}).get(KEY)
    return None if held is None else held.decode()


def _check_csv(file: Path, manifest: Manifest) -> None:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.reader(lines)
        names, rows = next(reader, []), sum(1 for _ in reader)
    expected = [column["name"] for column in manifest.columns]
    if names != expected or rows != manifest.rows:
        raise InputError(
            f"{file} is not what its manifest describes: it has {rows} rows of {len(names)} columns, and not "
            f"{manifest.rows} of {len(expected)}, or columns of other names; run plumb dataset verify for details"
        )
