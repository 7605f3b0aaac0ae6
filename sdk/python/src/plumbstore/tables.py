"""Small tables to read: text for terminals, HTML for notebooks."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def text_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table as text, with columns aligned by spaces and one line for each row."""
    lines = [list(heading), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heading))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def html_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table as HTML. Every cell is escaped."""

    def row(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(row("td", cells) for cells in rows)
    return f"<table><thead>{row('th', heading)}</thead><tbody>{body}</tbody></table>"


def _time(scalar: pa.Scalar) -> str:
    try:
        return str(scalar.as_py().isoformat().replace("+00:00", "Z"))
    except (ValueError, OverflowError):  # Python's datetimes end in the year 9999.
        return str(scalar.cast(pa.string()).as_py())


def cell(batch: pa.RecordBatch, column: int, row: int) -> str:
    """Returns a value as it is shown. Column -1 stands for columns that are left out."""
    if column < 0:
        return "…"
    scalar = batch.column(column)[row]
    if not scalar.is_valid:
        return "null"
    if pa.types.is_timestamp(scalar.type) and scalar.type.unit != "ns":
        return _time(scalar)
    text = str(scalar)
    return text if len(text) <= 40 else text[:39] + "…"
