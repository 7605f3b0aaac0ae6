"""Prepares rows for a push: finds the columns of the view, and converts them to their declared types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from plumbstore.carriers import INSTANT, check_names
from plumbstore.errors import InputError
from plumbstore.exact import exactly
from plumbstore.foreign import message_of
from plumbstore.pushed import RefusedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from plumbstore.definitions import Entity, FeatureView, JoinKey, Source

EVENT, CREATED = "event_timestamp", "created_timestamp"
"""The names that the columns of times may have, in addition to those in the source."""


@dataclass(frozen=True)
class Target:
    """A view that rows are pushed to, with its source and its join keys."""

    view: FeatureView
    source: Source
    keys: tuple[JoinKey, ...]

    @classmethod
    def of(cls, view: FeatureView, source: Callable[[str], Source], entity: Callable[[str], Entity]) -> Target:
        """Looks up the source and the join keys of the view."""
        keys = {key.name: key for name in view.entities for key in entity(name).join_keys}
        return cls(view, source(view.source), tuple(keys.values()))

    def missing_event(self) -> str:
        """Returns the message for rows without a column of event times, as on the command line."""
        name = self.source.event_timestamp
        names = name if name == EVENT else f"{name} or {EVENT}"
        return (
            f"{name}: is missing, the event time; give a column of the name {names}, with nulls where it is not known"
        )

    def is_own(self, name: str) -> bool:
        """Reports whether a name is that of a key, a time column of the source, or a feature."""
        own = {self.source.event_timestamp, self.source.created_timestamp}
        return name in own | {key.name for key in self.keys} | {feature.name for feature in self.view.features}


@dataclass(frozen=True)
class Columns:
    """Maps the columns of pushed rows to those of the view, by name. event and created are None if there is no such
    column. The engine refuses missing and surplus columns.
    """

    keys: dict[str, str]
    """The declared types of the join keys that the rows have."""
    event: str | None
    created: str | None
    features: dict[str, tuple[str, str]]
    """The feature and its declared type, by column."""
    surplus: tuple[str, ...]

    @classmethod
    def find(cls, target: Target, names: Sequence[str]) -> Columns:
        """Finds keys by their names; times by their names in the source, or as event_timestamp and created_timestamp;
        and features by their names, or by those of the source's columns.
        """

        def find(first: str, other: str, *, shared: bool) -> str | None:
            if first in names:
                return first
            return other if other in names and (shared or not target.is_own(other)) else None

        keys = {key.name: key.type for key in target.keys if key.name in names}
        source = target.source
        event = find(source.event_timestamp, EVENT, shared=False)
        created = find(source.created_timestamp, CREATED, shared=False) if source.created_timestamp else None
        features = {}
        for feature in target.view.features:
            column = find(feature.name, feature.column, shared=True)
            if column is not None:
                features[column] = (feature.name, feature.type)
        used = {*keys, event, created, *features}
        return cls(keys, event, created, features, tuple(name for name in names if name not in used))


@dataclass
class TypedRows:
    """Rows in their declared types, by column. A row with a value that does not fit gets a null event time, so that the
    engine refuses it; misfits contains the reason.
    """

    columns: dict[str, pa.Array]
    misfits: dict[int, RefusedRow] = field(default_factory=dict)
    rows: int = 0

    def slice(self, begin: int, rows: int) -> TypedRows:
        """Returns some of the rows. Their misfits keep their row numbers."""
        columns = {name: column.slice(begin, rows) for name, column in self.columns.items()}
        return TypedRows(columns, self.misfits, min(rows, self.rows - begin))


def typed(columns: Columns, batch: pa.RecordBatch, first: int = 0) -> TypedRows:
    """Converts a batch whose first row has the number first. Raises InputError for columns whose type cannot become the
    declared one.
    """
    declared = {**columns.keys, **{name: kind for name, (_, kind) in columns.features.items()}}
    declared.update({name: "TIMESTAMP" for name in (columns.event, columns.created) if name is not None})
    rows, mistakes = TypedRows({}, rows=batch.num_rows), []
    cause: Exception | None = None
    for name in batch.schema.names:
        if name not in declared:
            rows.columns[name] = pa.nulls(batch.num_rows, pa.string())
            continue
        try:
            batch.column(name).validate(full=True)
            rows.columns[name], wrong = exactly(batch.column(name), declared[name], key=name in columns.keys)
        except Exception as error:
            mistakes.append(f"{name}: {message_of(error)}")
            cause = cause or error
            continue
        for row, reason in wrong.items():
            rows.misfits.setdefault(first + row, RefusedRow(first + row, name, reason))
    if mistakes:
        raise InputError("; ".join(mistakes)) from cause
    _withhold(rows, columns.event, first)
    return rows


def _withhold(rows: TypedRows, event: str | None, first: int) -> None:
    if event is not None and rows.misfits:
        wrong = pa.array([first + row in rows.misfits for row in range(rows.rows)])
        rows.columns[event] = pc.if_else(wrong, pa.scalar(None, INSTANT), rows.columns[event])


def batches_of(columns: Columns, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, TypedRows]]:
    """Returns typed batches, each with the number of its first row."""
    first = 0
    for batch in batches:
        yield first, typed(columns, batch, first)
        first += batch.num_rows


def check_columns(schema: pa.Schema) -> None:
    """Raises InputError for columns that cannot be distinguished by name."""
    check_names(schema.names, "row")
