"""The results of look-ups, which are presented like the rows of a join."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from plumbstore import frames, matrices
from plumbstore.errors import Fault, InputError
from plumbstore.foreign import guarded_methods
from plumbstore.result import Result, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import numpy.typing as npt
    import pandas as pd

    from plumbstore.given import Given
    from plumbstore.provenance import ComputedProvenance, ViewProvenance
    from plumbstore.selection import Selection


class Answer(Protocol):
    """One output of a look-up: for each row the value, the status and the event time, which is null if NOT_FOUND. Each
    is available as an Arrow array and as a list, because lists can be made without Arrow.
    """

    @property
    def name(self) -> str:
        """The name of the output (R10)."""

    @property
    def declared(self) -> str:
        """The declared type."""

    def values(self) -> pa.Array:
        """The values, null unless PRESENT."""

    def statuses(self) -> pa.Array:
        """The names of the statuses."""

    def times(self) -> pa.Array:
        """The event times, null if NOT_FOUND."""

    def value_list(self) -> list[Any]:
        """The values as a list."""

    def status_list(self) -> list[str]:
        """The statuses as a list."""

    def time_list(self) -> list[datetime | None]:
        """The event times as a list."""


@dataclass(frozen=True)
class Found:
    """The result of a look-up: an answer for each output of the selection, in order, and the provenance of each use of
    a feature view and of an on-demand view by its alias. Both are None if they were not asked for.
    """

    selection: Selection
    given: Given
    answers: Sequence[Answer]
    provenance: Mapping[str, ViewProvenance] | None
    computed: Mapping[str, ComputedProvenance] | None


@guarded_methods
class LookUp(Result):
    """The rows of a look-up. They are always kept, and are converted to Arrow only if a caller asks for Arrow."""

    def __init__(self, found: Found, *, statuses: bool, event_timestamps: bool) -> None:
        super().__init__()
        self._found, self._statuses, self._event_timestamps = found, statuses, event_timestamps
        selection, answers = found.selection, found.answers
        if len(answers) != len(selection.outputs):
            raise Fault(f"the answer has {len(answers)} features, but {len(selection.outputs)} were requested")
        names = [*found.given.names, *(answer.name for answer in answers)]
        if statuses or event_timestamps:
            names = [*found.given.names, *(name for name, _, _ in self._outputs())]
        self._names = names
        if len(set(names)) < len(names):
            twice = next(name for place, name in enumerate(names) if name in names[:place])
            raise InputError(
                f"output columns collide: {twice!r} is given and an output; ask for full names, view__feature"
            )

    def _outputs(self) -> Iterator[tuple[str, Answer, str]]:
        """Returns the columns after the given ones, in the names and the order of historical: the name, the answer, and
        the part of the answer.
        """
        times: dict[str, Answer] = {}
        for output, answer in zip(self._found.selection.outputs, self._found.answers, strict=True):
            yield answer.name, answer, "values"
            if self._statuses:
                yield f"{answer.name}__status", answer, "statuses"
            if not output.computed:
                times.setdefault(f"{output.alias}__event_timestamp", answer)
        for name, answer in times.items() if self._event_timestamps else ():
            yield name, answer, "times"

    @cached_property
    def _rows(self) -> Rows:
        given = self._found.given
        labels = given.table.schema
        arrays = {name: getattr(answer, part)() for name, answer, part in self._outputs()}
        features = [pa.field(name, array.type) for name, array in arrays.items()]
        schema = pa.schema([*labels, *features], metadata=labels.metadata)
        self._keep(pa.table([*given.table.columns, *arrays.values()], schema=schema))
        rows = Rows(schema, iter(()), len(labels), given.pandas, given.index)
        rows.provenance, rows.computed = self._found.provenance, self._found.computed
        return rows

    @property
    def provenance(self) -> Mapping[str, ViewProvenance] | None:
        """Where the values come from; see Result.provenance."""
        return self._found.provenance

    @property
    def computed(self) -> Mapping[str, ComputedProvenance] | None:
        """What on-demand views were computed by; see Result.computed."""
        return self._found.computed

    def to_dict(self) -> dict[str, list[Any]]:
        """The rows as a dict of columns, each a list of Python's own values; see Result.to_dict."""
        return dict(zip(self._names, self._lists(), strict=True))

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as a list of dicts; see Result.to_pylist."""
        names = self._names
        return [dict(zip(names, row, strict=True)) for row in zip(*self._lists(), strict=True)]

    def _lists(self) -> list[list[Any]]:
        """Returns all columns as lists."""
        columns = list(self._found.given.lists().values())
        if not (self._statuses or self._event_timestamps):
            return columns + [answer.value_list() for answer in self._found.answers]
        lists = {"values": "value_list", "statuses": "status_list", "times": "time_list"}
        return columns + [getattr(answer, lists[part])() for _, answer, part in self._outputs()]

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a pandas frame; see Result.to_pandas."""
        frames.check_installed("pandas")
        given = self._found.given
        plain = given.plain()
        if plain is None or not all(frames.is_quick(declared) for _, declared in plain):
            first, quick, index = frames.given_columns(given.table, own_types=given.pandas), [], given.index
        else:
            first, quick, index = [], plain, None
        others = {}
        for name, answer, part in self._outputs():
            if part == "values" and frames.is_quick(answer.declared):
                quick.append((answer.value_list(), answer.declared))
            else:
                others[name] = frames.column(pa.chunked_array([getattr(answer, part)()]))
        rest = iter(frames.quick(quick, len(self)))
        columns = first + [others[name] if name in others else next(rest) for name in self._names[len(first) :]]
        return frames.framed(columns, tuple(self._names), len(self), index)

    def to_numpy(self, columns: Sequence[str] | None = None, *, dtype: str = "float64") -> npt.NDArray[Any]:
        """Features as a matrix; see Result.to_numpy."""
        answers = {answer.name: answer for answer in self._found.answers}
        wanted = matrices.names(columns, answers)
        return matrices.of_lists(
            {name: (answers[name].declared, answers[name].value_list) for name in wanted}, len(self), dtype
        )

    def close(self) -> None:
        """Does nothing: the rows are kept."""

    def _count(self) -> int:
        return len(self._found.given)
