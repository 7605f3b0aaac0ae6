"""The result of a join or a look-up."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
import weakref
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbstore import arguments, frames, matrices
from plumbstore.carriers import without_null_categories
from plumbstore.conversion import first_failing
from plumbstore.errors import Fault, InputError, PreconditionError, SpentError
from plumbstore.foreign import CallersOwn, guarded_methods, is_foreign, message_of, translated
from plumbstore.manifests import KEY, SUFFIX
from plumbstore.tables import cell, html_table, text_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import numpy.typing as npt
    import pandas as pd
    import polars as pl

    from plumbstore.carriers import Carriers
    from plumbstore.manifests import Manifest
    from plumbstore.provenance import ComputedProvenance, ViewProvenance
    from plumbstore.report import Report

STREAMED = (
    "the rows of this result were streamed already; ask for them again, or keep them with "
    "to_arrow, to_pandas or to_polars before streaming"
)
CLOSED = (
    "this result was closed before its rows were read; ask for them again, or keep them with "
    "to_arrow, to_pandas or to_polars before closing it"
)
SHOWN_ROWS = 5
SHOWN_COLUMNS = 8


@dataclass
class Rows:
    """The source of a result's rows: batches, which can be read once, and what is known of them."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    label_columns: int
    pandas: bool = False
    index: pd.Index[Any] | None = None
    labels_file: Path | None = None
    """The file that the labels were read from, which must not be overwritten."""
    report: Callable[[], Report | None] | None = None
    """Returns the report of the join, None until it is known. The field is None for a look-up."""
    provenance: Mapping[str, ViewProvenance] | None = None
    """The provenance of a look-up, if it was asked for."""
    computed: Mapping[str, ComputedProvenance] | None = None
    """The provenance of the on-demand views of a look-up, if it was asked for."""
    manifest: Callable[[], Manifest | None] | None = None
    """Returns the manifest of a join, None until it is known. The field is None if it was not asked for."""
    carriers: Carriers | None = None
    """The carriers of the label columns, if these were sent with the rows."""
    count: int | None = None
    """The number of rows, if it is known before they are read."""
    close: Callable[[], None] = field(default=lambda: None)
    """Frees what batches reads from. It may be called at any time, and more than once."""


@guarded_methods
class Result:
    """One row for each label or key row, in their order: first the columns of that row, then the features.

    Rows are either kept or streamed. ``to_arrow``, ``to_pandas`` and ``to_polars`` read them into memory once, and can
    be called again after that, in any order. ``to_batches`` and ``to_parquet`` stream, with only a few batches in
    memory. Rows can be streamed only once, unless they were kept before; a second attempt raises SpentError. For
    example:

        result = store.historical(labels, service="delay_model")
        result.to_parquet("train.parquet")  # streams
        result.to_pandas()                  # SpentError; call to_pandas before to_parquet to have both

    To stop reading before the end, close the result with ``close`` or ``with``; the server then stops its work for it.
    A result must not be used by several threads at once.
    """

    def __init__(self, rows: Rows | None = None) -> None:
        self._table: pa.Table | None = None
        self._spent = ""  # The message of SpentError, once the rows can no longer be read.
        self._closed = False
        self._first: pa.RecordBatch | None = None
        if rows is not None:
            self._rows = rows
            weakref.finalize(self, rows.close)  # Runs also when the program ends.
            self._first = next(rows.batches, None)

    @cached_property
    def _rows(self) -> Rows:
        """The source of the rows, for subclasses that pass no rows to __init__."""
        raise NotImplementedError

    def _keep(self, table: pa.Table) -> None:
        self._table = table
        self._first = next(iter(table.slice(0, SHOWN_ROWS).to_batches()), None)

    @property
    def schema(self) -> pa.Schema:
        """The names and types of the columns: label columns, then features."""
        return self._rows.schema

    @property
    def columns(self) -> list[str]:
        """The names of the columns: label columns, then features."""
        return list(self._rows.schema.names)

    @property
    def report(self) -> Report | None:
        """The report of the join; None for a look-up.

        A server sends it after the last row. Raises PreconditionError until that row has been read.
        """
        if self._rows.report is None:
            return None
        report = self._rows.report()
        if report is None and self._closed:
            raise PreconditionError(
                "the result was closed before its last row was read, so there is no report; make the join again "
                "and read it with to_arrow, to_pandas or to_polars first"
            )
        if report is None:
            raise PreconditionError(
                "the report of a join is known once its last row has been read; read the rows first, with to_arrow, "
                "to_pandas or to_polars, or to_batches to its end"
            )
        return report

    @property
    def provenance(self) -> Mapping[str, ViewProvenance] | None:
        """Where the values of a look-up come from, by the alias of each use of a view, or by the view's name if it has
        no alias. None if it was not asked for, and for a join, whose result has the provenance in columns.
        """
        return self._rows.provenance

    @property
    def computed(self) -> Mapping[str, ComputedProvenance] | None:
        """What the values of on-demand views in a look-up are computed by and of, by the alias of each use, or by the
        view's name if it has no alias. None if provenance was not asked for, and for a join.
        """
        return self._rows.computed

    @property
    def manifest(self) -> Manifest | None:
        """What the rows of a join were made of and what they contain; None if it was not asked for.

        It is known after the last row. Raises PreconditionError until that row has been read.
        """
        if self._rows.manifest is None:
            return None
        made = self._rows.manifest()
        if made is None:
            raise PreconditionError(
                "the manifest of a join is known once its last row has been read; read the rows first, with to_arrow, "
                "to_pandas, to_polars or to_parquet"
            )
        return made

    def to_dict(self) -> dict[str, list[Any]]:
        """Returns the rows as a dict of columns, each a list of plain Python values: None for null, times as datetimes
        in UTC. For a look-up it is the cheapest form.
        """
        return dict(self.to_arrow().to_pydict())

    def to_pylist(self) -> list[dict[str, Any]]:
        """Returns the rows as a list of dicts, with values as in to_dict."""
        return list(self.to_arrow().to_pylist())

    def to_numpy(self, columns: Sequence[str] | None = None, *, dtype: str = "float64") -> npt.NDArray[Any]:
        """Returns features as a matrix, a row for each row and a column for each feature, without the label columns. It
        is contiguous and may be written to; torch.from_dlpack and other readers of DLPack take it without a copy.

        columns: the names of the features, in the order of the matrix; by default all columns of features.
        dtype: float64 or float32, which rounds.

        A value that is null becomes NaN, and a truth value 0 or 1. Raises InputError for a column of another type, and
        for an integer that float64 does not hold exactly.
        """
        table = self.to_arrow()
        names = matrices.names(columns, table.column_names[self._rows.label_columns :])
        return matrices.of_table(table.select(names), dtype)

    def to_arrow(self) -> pa.Table:
        """Returns the rows as a pyarrow Table, which is kept."""
        _ = self._rows
        if self._table is None:
            table = pa.Table.from_batches(list(self._stream()), schema=self.schema)
            self._table = _plain_categories(table).unify_dictionaries()
        return self._table

    def to_pandas(self) -> pd.DataFrame:
        """Returns the rows as a pandas frame. Features have nullable types. The columns and index of pandas labels are
        as they were, except for times with a zone, which are datetime64[us, UTC].
        """
        frames.check_installed("pandas")
        rows = self._rows
        return frames.to_pandas(self.to_arrow(), rows.label_columns, rows.index, own_types=rows.pandas)

    def to_polars(self) -> pl.DataFrame:
        """Returns the rows as a polars frame."""
        frames.check_installed("polars")
        return frames.to_polars(self.to_arrow())

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Returns the rows in batches, as they arrive. Raises SpentError if they have been streamed already."""
        _ = self._rows
        return iter(self._table.to_batches()) if self._table is not None else self._stream()

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Writes the rows to a Parquet file. It is written under another name first, so that path is always complete.

        If a manifest was asked for, it is written both into the file and beside it, as FILE.manifest, as plumb
        historical does; plumb dataset can verify, rebuild and compare the file. Otherwise the FILE.manifest of an
        earlier file is removed.
        """
        final = arguments.path("path", path)
        self._check_target(final)
        partial = final.with_name(f".{final.name}.{os.getpid()}-{threading.get_ident()}.partial")
        try:
            self._write(partial)
            beside = self._beside(partial, final)
            partial.replace(final)
            beside()
        except OSError as error:
            raise Fault(f"cannot write {final}: {error.strerror or error}") from error
        except pa.ArrowException as error:
            raise InputError(f"cannot write {final}: {self._unwritable()}{message_of(error)}") from error
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def _write(self, path: Path) -> None:
        carriers = self._rows.carriers if self._rows.manifest is not None else None
        schema = self.schema if carriers is None else carriers.described_schema(self.schema)
        with pq.ParquetWriter(path, schema) as writer:
            for batch in self.to_batches():
                writer.write_batch(batch if carriers is None else carriers.described(batch))
            if self.manifest is not None:
                writer.add_key_value_metadata({KEY: self.manifest.within})

    def _beside(self, partial: Path, final: Path) -> Callable[[], None]:
        """Returns a function that writes the manifest beside the file, or removes an earlier one. It has to be called
        after the file has been renamed to final.
        """
        beside = final.with_name(final.name + SUFFIX)
        if self.manifest is None:
            return lambda: beside.unlink(missing_ok=True)
        text = self.manifest.beside(final, partial.stat().st_size, _sha256(partial))
        unfinished = partial.with_name(partial.name + SUFFIX)

        def write() -> None:
            try:
                unfinished.write_text(text + "\n", encoding="utf-8")
                unfinished.replace(beside)
            finally:
                unfinished.unlink(missing_ok=True)

        return write

    def _check_target(self, final: Path) -> None:
        """Raises InputError if no file can be written at final, with the messages of the command line, and if it is the
        label file.
        """
        folder = final.parent
        if self._rows.manifest is not None and final.suffix.lower() != ".parquet":
            raise InputError(
                f"{final} has to end in .parquet, so that plumb dataset knows what a file with a manifest is"
            )
        try:
            final.exists()
        except OSError as error:
            raise InputError(f"cannot write {final}: {(error.strerror or str(error)).lower()}") from error
        if not folder.exists():
            raise InputError(f"cannot write {final}: folder {folder}: no such file or directory")
        if not folder.is_dir():
            raise InputError(f"cannot write {final}: {folder} is not a folder")
        if final.is_dir():
            raise InputError(f"cannot write {final}: it is a folder")
        if final.exists() and not final.is_file():
            raise InputError(f"cannot write {final}: it is a device, a pipe or a socket, which a file would replace")
        labels = self._rows.labels_file
        if labels is not None and final.exists() and labels.exists() and final.samefile(labels):
            raise InputError(f"{final} is the label file; name another one")

    def _unwritable(self) -> str:
        """Returns the part of the message that names the column that Parquet cannot hold, "" if there is none."""
        at = first_failing(self.schema, lambda field: pq.write_table(pa.schema([field]).empty_table(), io.BytesIO()))
        return "" if at is None else f"Parquet cannot hold column {at[0].name!r}, which is {at[0].type}: "

    def _stream(self) -> Iterator[pa.RecordBatch]:
        if self._spent:
            raise SpentError(self._spent)
        self._spent = STREAMED
        return self._drain()

    def _drain(self) -> Iterator[pa.RecordBatch]:
        try:
            if self._first is not None:
                yield self._first
            yield from self._rows.batches
        except CallersOwn as own:
            raise own.error from own.error.__cause__
        except BaseException as error:
            if not is_foreign(error):
                raise
            raise translated("plumb.Result", "", error) from error
        finally:
            self.close()

    def close(self) -> None:
        """Stops reading rows. Rows that are kept stay available."""
        self._spent = self._spent or CLOSED
        self._closed = True
        self._rows.close()

    def __enter__(self) -> Result:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        """Returns the number of rows, which is that of the label or key rows (R6). For labels from a stream or an Arrow
        file it is known only after the rows have been read; it raises PreconditionError until then.
        """
        count = self._count()
        if count is None:
            raise PreconditionError(
                "the number of rows is known once they have been read, because the labels came as a stream; keep the "
                "rows with to_arrow, to_pandas or to_polars first"
            )
        return count

    def __bool__(self) -> bool:
        """Reports whether there are rows. It is true if that is not known yet."""
        return self._count() != 0

    def _count(self) -> int | None:
        if self._table is not None:
            return int(self._table.num_rows)
        report = self._rows.report() if self._rows.report is not None else None
        return self._rows.count if report is None else report.rows

    def _shown(self) -> tuple[list[str], list[list[str]]]:
        """Returns the first rows as text, without the middle columns if there are many."""
        names = self.columns
        half = SHOWN_COLUMNS // 2
        picked = list(range(len(names)))
        if len(names) > SHOWN_COLUMNS:
            picked = [*picked[:half], -1, *picked[-half:]]
        first = self._first.slice(0, SHOWN_ROWS) if self._first is not None else None
        cells = [[cell(first, column, row) for column in picked] for row in range(first.num_rows if first else 0)]
        return ["…" if column < 0 else names[column] for column in picked], cells

    def _title(self) -> str:
        count = self._count()
        rows = "rows not all read yet" if count is None else f"{count} row{'' if count == 1 else 's'}"
        features = len(self.schema) - self._rows.label_columns
        return f"plumb.Result: {rows}, {self._rows.label_columns} label columns, {features} columns of features"

    def __repr__(self) -> str:
        return f"{self._title()}\n{text_table(*self._shown())}"

    def _repr_html_(self) -> str:
        return f"<div><p>{self._title()}</p>{html_table(*self._shown())}</div>"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _plain_categories(table: pa.Table) -> pa.Table:
    """Returns the table without null categories, which Arrow cannot unify and pandas does not accept."""
    for i, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type) and any(chunk.dictionary.null_count for chunk in column.chunks):
            chunks = [without_null_categories(chunk) for chunk in column.chunks]
            table = table.set_column(i, table.schema.field(i), pa.chunked_array(chunks, column.type))
    return table
