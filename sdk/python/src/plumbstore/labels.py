"""Reads label rows from a frame, a table, a stream of batches, or a file."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from plumbstore import arguments
from plumbstore.carriers import check_names
from plumbstore.conversion import from_pandas, from_polars, from_stream
from plumbstore.errors import InputError
from plumbstore.foreign import CallersOwn, is_foreign, message_of
from plumbstore.rows import are_rows, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    import polars as pl

    Frame: TypeAlias = (
        "pd.DataFrame" | "pl.DataFrame" | pa.Table | pa.RecordBatch | pa.RecordBatchReader | Sequence[Mapping[str, Any]]
    )
    """The forms in which callers pass rows."""

FILES = ", or the path of a .parquet, .arrow or .csv file"

BATCH_ROWS = 1 << 16
"""How many rows of a file or frame are sent at once."""


@dataclass
class Labels:
    """Label rows as Arrow: batches of one schema, which can be read once."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    pandas: bool = False
    """Whether the rows are from a pandas frame, so that label columns of the result get its dtypes."""
    index: pd.Index[Any] | None = None
    """The frame's index. It is not sent, because there is one result row for each label row, in order (R6)."""
    file: Path | None = None
    """The file that the rows are read from."""
    count: int | None = None
    """The number of rows, if it is known before they are read."""


def labels_of(given: Frame | str | os.PathLike[str], what: str = "labels") -> Labels:
    """Returns label rows from a pandas or polars frame, a pyarrow Table, RecordBatch or RecordBatchReader, any other
    exporter of an Arrow stream, or the path of a .parquet, .arrow or .csv file. what is their name in messages.

    Raises InputError for anything else, and for two columns with the same name.
    """
    if isinstance(given, (str, os.PathLike)):
        return _read(arguments.path(what, given), what)
    if isinstance(given, pa.RecordBatchReader):
        return Labels(given.schema, uniform(given.schema, given, what))
    if isinstance(given, pa.Table):
        check_names(given.schema.names, what.removesuffix("s"))
        return Labels(given.schema, iter(given.to_batches(max_chunksize=BATCH_ROWS)), count=given.num_rows)
    if isinstance(given, pa.RecordBatch):
        return labels_of(pa.Table.from_batches([given]), what)
    if are_rows(given):
        return labels_of(table_of(given, what), what)  # type: ignore[arg-type]
    if (pandas := sys.modules.get("pandas")) and isinstance(given, pandas.DataFrame):
        labels = labels_of(from_pandas(given, what), what)
        labels.pandas, labels.index = True, given.index
        return labels
    if (polars := sys.modules.get("polars")) and isinstance(given, polars.LazyFrame):
        raise InputError(f"the {what} are a polars LazyFrame; collect() it first")
    if polars and isinstance(given, polars.DataFrame):
        return labels_of(from_polars(given, what), what)
    if hasattr(given, "__arrow_c_stream__"):
        return labels_of(from_stream(given, what), what)
    raise InputError(
        f"{what} are a {type(given).__name__}; give a pandas or polars DataFrame, a pyarrow Table, "
        "RecordBatch or RecordBatchReader, or a list of dicts" + FILES * (what == "labels")
    )


def uniform(schema: pa.Schema, batches: Iterable[pa.RecordBatch], what: str) -> Iterator[pa.RecordBatch]:
    """Returns the batches. Raises InputError for a batch whose columns differ from schema in name, order or type."""
    for number, batch in enumerate(_reading(batches, what), start=1):
        if not batch.schema.equals(schema):
            raise InputError(
                f"batch {number} of the {what} differs from their schema: {_difference(schema, batch.schema)}"
            )
        yield batch


def _reading(batches: Iterable[pa.RecordBatch], what: str) -> Iterator[pa.RecordBatch]:
    """Returns the batches. Raises InputError if they cannot be read, and CallersOwn for an error of the caller's
    reader.
    """
    try:
        yield from batches
    except Exception as error:
        if not is_foreign(error):
            raise
        if not isinstance(error, (pa.ArrowException, OSError)):
            raise CallersOwn(error) from error
        raise InputError(f"the {what} could not all be read: {message_of(error)}") from error


def _difference(schema: pa.Schema, other: pa.Schema) -> str:
    if schema.names != other.names:
        return f"it has the columns {', '.join(other.names)}, and not {', '.join(schema.names)}"
    differ = [
        f"column {a.name!r} is {b.type}, and not {a.type}"
        for a, b in zip(schema, other, strict=True)
        if not a.type.equals(b.type)
    ]
    return "; ".join(differ) or "a column that may not be null became one that may, or the other way round"


def _read(path: Path, what: str) -> Labels:
    """Returns the rows of a file, which are read while they are sent."""
    name = f"{what.removesuffix('s')} file"
    check_file(path, name)
    read, kind = _READERS[path.suffix.lower()]
    try:
        labels = read(path)
    except pa.ArrowInvalid as error:
        raise InputError(f"cannot read {name} {path}: it is not a whole {kind} file: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read {name} {path}: {error.strerror or error}") from error
    labels.batches = _reading(labels.batches, f"rows of {path}")
    labels.file = path.resolve()
    return labels


def check_file(path: Path, what: str = "label file") -> None:
    """Raises InputError for a file that does not exist or has an unknown format, as the command line does."""
    if path.suffix.lower() not in _READERS:
        raise InputError(f"{what} {path} has to end in .parquet, .csv or .arrow")
    try:
        folder = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        raise InputError(f"cannot read {what} {path}: {(error.strerror or str(error)).lower()}") from error
    if folder:
        raise InputError(f"cannot read {what} {path}: it is a folder")


def _read_parquet(path: Path) -> Labels:
    file = pq.ParquetFile(path)
    return Labels(file.schema_arrow, file.iter_batches(batch_size=BATCH_ROWS), count=file.metadata.num_rows)


def _read_arrow(path: Path) -> Labels:
    """Reads an Arrow IPC file, or an Arrow IPC stream that was written to a file."""
    source = pa.memory_map(str(path))
    try:
        file = pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return labels_of(pa.ipc.open_stream(source))
    return Labels(file.schema, (file.get_batch(i) for i in range(file.num_record_batches)))


def _read_csv(path: Path) -> Labels:
    raise InputError(
        f"{path}: a CSV file has no types, and a server needs typed columns; read it with pandas or polars "
        "first, or write it as .parquet (plumb.local accepts CSV, as the command line does)"
    )


_READERS = {
    ".parquet": (_read_parquet, "Parquet"),
    ".arrow": (_read_arrow, "Arrow IPC"),
    ".csv": (_read_csv, "CSV"),
}
