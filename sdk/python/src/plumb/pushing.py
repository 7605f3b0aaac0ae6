"""Rows on their way into the online store, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from plumb.carriers import INSTANT, check_names
from plumb.errors import InputError
from plumb.exact import exactly
from plumb.foreign import words
from plumb.pushed import RefusedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from plumb.definitions import Entity, FeatureView, JoinKey, Source

EVENT, CREATED = "event_timestamp", "created_timestamp"
"""What columns of times may be called, beside the names that the source has for them."""


@dataclass(frozen=True)
class Target:
    """The columns of a view that rows are pushed to, as they are registered."""

    view: FeatureView
    source: Source
    keys: tuple[JoinKey, ...]

    @classmethod
    def of(cls, view: FeatureView, source: Callable[[str], Source], entity: Callable[[str], Entity]) -> Target:
        """Looks up what the view rests on."""
        keys = {key.name: key for name in view.entities for key in entity(name).join_keys}
        return cls(view, source(view.source), tuple(keys.values()))

    def missing_event(self) -> str:
        """What is said of rows without a column of event times, in the command line's words."""
        name = self.source.event_timestamp
        names = name if name == EVENT else f"{name} or {EVENT}"
        return (
            f"{name}: is missing, the event time; give a column of the name {names}, with nulls where it is not known"
        )

    def is_own(self, name: str) -> bool:
        """Whether a name is first of all that of a key, a time of the source, or a feature."""
        own = {self.source.event_timestamp, self.source.created_timestamp}
        return name in own | {key.name for key in self.keys} | {feature.name for feature in self.view.features}


@dataclass(frozen=True)
class Columns:
    """Which columns of rows are which of a view's, by their names; None where there is none. What is missing, and what
    is left over, is the engine's to refuse.
    """

    keys: dict[str, str]
    """Declared types of the join keys that are there."""
    event: str | None
    created: str | None
    features: dict[str, tuple[str, str]]
    """The feature, and its declared type, for each column that has one."""
    surplus: tuple[str, ...]

    @classmethod
    def find(cls, target: Target, names: Sequence[str]) -> Columns:
        """Keys go by their names; times by the source's names, or as event_timestamp and created_timestamp; features by
        their names, or by those of the source's columns.
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
    """Rows in their declared types, by column; a row with a value that does not fit has no event time, so that nobody
    stores it, and its misfit tells why.
    """

    columns: dict[str, pa.Array]
    misfits: dict[int, RefusedRow] = field(default_factory=dict)
    rows: int = 0

    def slice(self, begin: int, rows: int) -> TypedRows:
        """Some of the rows; their misfits keep their places."""
        columns = {name: column.slice(begin, rows) for name, column in self.columns.items()}
        return TypedRows(columns, self.misfits, min(rows, self.rows - begin))


def typed(columns: Columns, batch: pa.RecordBatch, first: int = 0) -> TypedRows:
    """A batch whose rows count from first. Raises InputError for columns whose type cannot become the declared one."""
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
            mistakes.append(f"{name}: {words(error)}")
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
    """Typed batches, each with the place of its first row."""
    first = 0
    for batch in batches:
        yield first, typed(columns, batch, first)
        first += batch.num_rows


def check_columns(schema: pa.Schema) -> None:
    """Raises InputError for columns that cannot be told apart by name."""
    check_names(schema.names, "row")
