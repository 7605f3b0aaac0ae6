"""The definition files that a client sends to a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plumbstore import arguments
from plumbstore.errors import InputError
from plumbstore.store import is_text
from plumbstore.v1 import registry_service_pb2 as rs

if TYPE_CHECKING:
    import os
    from pathlib import Path


def files_of(definitions: str | os.PathLike[str] | None) -> list[rs.DefinitionFile]:
    """Returns the definition files: one file, those that plumb reads in a folder, or the text itself."""
    if definitions is None:
        raise InputError("definitions is missing; give a folder, a file or YAML, because a server has none of its own")
    if is_text(definitions):
        return [rs.DefinitionFile(path="definitions.yaml", text=arguments.text("definitions", definitions))]
    path = arguments.path("definitions", definitions)
    if path.is_file():
        return [_file(path, path.name)]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder of definitions")
    found = [
        each
        for each in sorted(path.rglob("*"))
        if each.suffix in (".yaml", ".yml")
        and each.is_file()
        and each.name != "plumb.yaml"
        and not any(part.startswith(".") for part in each.relative_to(path).parts)
    ]
    if not found:
        raise InputError(f"{path}: the folder holds no .yaml or .yml file")
    return [_file(each, each.relative_to(path.parent).as_posix()) for each in found]


def _file(path: Path, name: str) -> rs.DefinitionFile:
    try:
        return rs.DefinitionFile(path=name, text=path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read definitions {path}: {error}") from error
