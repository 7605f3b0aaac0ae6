"""What became of pushed rows."""

from __future__ import annotations

from dataclasses import dataclass

from plumb.tables import html_table

SHOWN_REFUSALS = 10


@dataclass(frozen=True)
class RefusedRow:
    """A row that could not be stored: its place among the pushed ones, from 0, the column that is wrong, and why."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True)
class Pushed:
    """What became of pushed rows. written ones were stored, older ones not, since a newer row of their key is there or
    came along (R14), and refused ones could not be. They were written under the registry's revision.
    """

    view: str
    written: int
    older: int
    refused: tuple[RefusedRow, ...]
    revision: int

    def _summary(self) -> str:
        older = f", {self.older} older than what is there" if self.older else ""
        refused = f", {len(self.refused)} refused" if self.refused else ""
        return f"{self.view}: {self.written} rows written{older}{refused}"

    def __repr__(self) -> str:
        lines = [f"  row {each.row}: {each.column}: {each.reason}" for each in self.refused[:SHOWN_REFUSALS]]
        more = len(self.refused) - len(lines)
        return "\n".join([self._summary(), *lines, *([f"  and {more} more"] if more else [])])

    def _repr_html_(self) -> str:
        shown = [(str(each.row), each.column, each.reason) for each in self.refused[:SHOWN_REFUSALS]]
        return f"<p>{self._summary()}</p>" + (html_table(("ROW", "COLUMN", "REASON"), shown) if shown else "")
