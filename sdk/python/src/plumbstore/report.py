"""The report of a join."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ViewReport:
    """The counts of one use of a view.

    matched: how many label rows have a visible row.
    null_keys, null_times: how many source rows no label can match, because of a null join key (R8) or a null event time
    (R3).
    """

    alias: str
    matched: int
    null_keys: int
    null_times: int


@dataclass(frozen=True)
class InvalidValues:
    """A computed feature with values that do not exist (R26).

    alias: the name of the use of the on-demand view.
    feature: the feature's name in the view.
    rows: the number of rows in which it is INVALID.
    """

    alias: str
    feature: str
    rows: int


@dataclass(frozen=True)
class Report:
    """The report of a join.

    rows: the number of label rows, which is also the number of result rows (R6).
    views: one report for each use of a view, in the order of the selection.
    seconds: how long the join took.
    invalid: one for each feature of an on-demand view with values that are INVALID.
    """

    rows: int
    views: tuple[ViewReport, ...]
    seconds: float
    invalid: tuple[InvalidValues, ...] = ()

    def __repr__(self) -> str:
        lines = [f"{self.rows} rows in {self.seconds:.2f} s"]
        for view in self.views:
            share = f", {view.matched / self.rows:.2%}" if self.rows else ""
            nulls = [
                f"; {count} source rows with a null {what}"
                for count, what in ((view.null_keys, "key"), (view.null_times, "time"))
                if count
            ]
            lines.append(f"  {view.alias}: {view.matched} matched{share}{''.join(nulls)}")
        lines += [f"  {i.alias}: {i.feature} INVALID in {i.rows} row{'s' if i.rows != 1 else ''}" for i in self.invalid]
        return "\n".join(lines)
