"""The rows of a look-up as JSON: as plumb online reads them, and as it prints them."""

from __future__ import annotations

import base64
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from plumbstore.answers import Arrays
from plumbstore.carriers import INSTANT
from plumbstore.errors import InputError
from plumbstore.instants import instant, python_time, rfc3339
from plumbstore.provenance import COUNTED, ROW, ComputedProvenance, ViewProvenance
from plumbstore.values import ARRAY, arrow_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plumbstore.given import Given
    from plumbstore.online import Answer
    from plumbstore.selection import Output, Selection


def objects(rows: Given) -> list[dict[str, Any]]:
    """Returns the rows of keys and inputs as JSON objects."""
    typed = {**rows.keys.typed, **rows.inputs.typed}
    columns = [[_json(value) for value in column.to_pylist()] for column in typed.values()]
    return [dict(zip(typed, row, strict=True)) for row in zip(*columns, strict=True)]


def _json(value: Any) -> Any:  # noqa: ANN401 - a value of any type in, JSON out.
    """Returns a value as JSON has it; see _value."""
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return rfc3339(instant(value))
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def check_places(rows: Given, found: Sequence[dict[str, Any]]) -> None:
    """Raises InputError for an input that was given among the keys, or a key among the inputs. They are in one file, so
    the binary does not notice.
    """
    keys = found[0]["keys"]
    misplaced = [
        *(
            f"{name}: is a request input and not a key; give it among the inputs"
            for name in rows.keys.names
            if name not in keys
        ),
        *(f"{name}: is a key; give it among the keys" for name in rows.inputs.names if name in keys),
    ]
    if misplaced:
        raise InputError("; ".join(misplaced))


def answers(rows: Sequence[dict[str, Any]], selection: Selection) -> list[Answer]:
    """Returns the columns of what plumb online printed. Its rows have the features in the order of the selection."""
    columns: list[list[dict[str, Any]]] = [[] for _ in selection.outputs]
    for row in rows:
        for column, value in zip(columns, row["features"].values(), strict=True):
            column.append(value)
    names = list(rows[0]["features"]) if rows else []
    return [
        _answer(name, output, column) for name, output, column in zip(names, selection.outputs, columns, strict=True)
    ]


def _answer(name: str, output: Output, column: Sequence[dict[str, Any]]) -> Answer:
    values = pa.array([_value(each["value"], output.type) for each in column], arrow_type(output.type))
    statuses = pa.array([each["status"] for each in column], pa.string())
    times = pa.array([_value(each["event_timestamp"], "TIMESTAMP") for each in column], INSTANT)
    return Arrays(name, output.type, values, statuses, times)


def provenance(rows: Sequence[Mapping[str, Any]]) -> dict[str, ViewProvenance]:
    """Returns the provenance that plumb online printed, by the alias of each use of a view."""
    views = {}
    for alias in rows[0] if rows else ():
        uses = [row[alias] for row in rows]
        schema = pa.schema([*ROW, *COUNTED]) if "events" in uses[0] else ROW
        columns = [
            pa.array([_value(use[each.name], "TIMESTAMP" if each.type == INSTANT else "") for use in uses], each.type)
            for each in schema
        ]
        first = uses[0]
        views[alias] = ViewProvenance(
            alias,
            first["view"],
            first["definition_revision"],
            first["definition_hash"],
            pa.table(columns, schema=schema),
        )
    return views


def computed(row: Mapping[str, Any]) -> dict[str, ComputedProvenance]:
    """Returns what plumb online printed of on-demand views, by the alias of each use. It is the same in every row."""
    return {
        alias: ComputedProvenance(
            alias,
            use["view"],
            use["definition_hash"],
            tuple(use["inputs"]),
            tuple(use["views"]),
            use["request_time"],
        )
        for alias, use in row.get("computed", {}).items()
    }


def _value(value: Any, declared: str) -> Any:  # noqa: ANN401 - JSON in, a value of any type out.
    """Returns a value from JSON. Bytes are base64, times RFC 3339, and NaN and the infinities are their names."""
    if value is None:
        return None
    if declared.endswith(ARRAY):
        return [_value(each, declared.removesuffix(ARRAY)) for each in value]
    if declared == "BYTES":
        return base64.b64decode(value)
    if declared == "TIMESTAMP":
        return instant(python_time(value))
    return float(value) if declared in ("FLOAT32", "FLOAT64") else value
