"""The result of a push: how many rows were stored, and which were refused."""

from __future__ import annotations

from dataclasses import dataclass

from plumbstore.tables import html_table

SHOWN_REFUSALS = 10


@dataclass(frozen=True)
class RefusedRow:
    """A row that could not be stored: its position among the pushed rows, from 0, the wrong column, and the reason."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True)
class Pushed:
    """The result of a push.

    written: how many rows were stored.
    older: how many were not stored because the store or the push had a newer row of their key (R14).
    refused: the rows that could not be stored.
    revision: the registry's revision whose definitions the rows were written with.
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
