"""What callers give to a look-up: columns of keys and of request inputs, in many forms."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from plumbstore.carriers import INSTANT, check_names
from plumbstore.errors import InputError
from plumbstore.exact import exactly
from plumbstore.foreign import is_foreign, message_of
from plumbstore.instants import FIRST, LAST
from plumbstore.labels import Labels, labels_of
from plumbstore.rows import are_rows, columns_of
from plumbstore.values import as_keys, pack, pack_list, plain_columns

if TYPE_CHECKING:
    from typing import ClassVar

    import pandas as pd

    from plumbstore.labels import Frame
    from plumbstore.selection import Selection
    from plumbstore.v1 import values_pb2 as pb

    Keys: TypeAlias = Mapping[str, Any] | Frame
    """Columns of keys: a frame, a table, or a dict of lists, in which a single value means a list of one."""
    Inputs: TypeAlias = Mapping[str, Any] | Frame
    """Columns of request inputs, in the same forms as keys."""


class KeyRows:
    """The keys of a look-up, both as they were given, for the result, and in their declared types, for the call (R9).

    A dict of lists of plain Python values of the declared types is used as it is, and converted to Arrow only if a
    caller asks for Arrow. All other forms of keys, and all keys with mistakes, are converted to Arrow first.
    """

    what: ClassVar[str] = "key"

    def __init__(self, given: Keys, declared: Mapping[str, str]) -> None:
        """Raises InputError for a value that does not fit its declared type, and for columns of different lengths. The
        engine checks which columns are required.
        """
        self._declared = declared
        if are_rows(given):
            given = columns_of(given, f"{self.what}s")  # type: ignore[arg-type]
        self._plain = plain_columns(given, declared)
        self._columns: Keys = given if self._plain is None else self._plain
        if self._plain is None:
            _ = self.typed

    @cached_property
    def given(self) -> Labels:
        """The columns as they were given. Their batches can be read only once, and table reads them."""
        if isinstance(self._columns, Mapping):
            return _from_mapping(self._columns, self.what)
        return labels_of(self._columns, f"{self.what}s")

    @cached_property
    def table(self) -> pa.Table:
        """The columns as they were given."""
        return pa.Table.from_batches(self.given.batches, schema=self.given.schema)

    @cached_property
    def typed(self) -> dict[str, pa.Array]:
        """The columns in their declared types."""
        typed = {}
        for name in self.table.column_names:
            column = self.table.column(name)
            array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
            # A column that was not asked for is refused by its name, so its values are not sent.
            known = self._declared.get(name)
            typed[name] = self._convert(name, array, known) if known else pa.nulls(len(array), pa.string())
        return typed

    def _convert(self, name: str, column: pa.Array, declared: str) -> pa.Array:
        return as_keys(name, column, declared)

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names if self._plain is None else self._plain)

    def __len__(self) -> int:
        return len(self.table) if self._plain is None else len(next(iter(self._plain.values()), ()))

    def lists(self) -> dict[str, list[Any]]:
        """The columns as they were given, as lists."""
        return dict(self.table.to_pydict() if self._plain is None else self._plain)

    def plain(self) -> list[tuple[list[Any], str]] | None:
        """The columns as lists, with the declared types to which Arrow would convert them, if they were given in that
        form and none is all null.
        """
        if self._plain is None or any(set(values) <= {None} for values in self._plain.values()):
            return None
        wide = {"INT32": "INT64"}
        return [
            (values, wide.get(kind, kind)) for name, values in self._plain.items() for kind in [self._declared[name]]
        ]

    def packed(self, rows: slice) -> Iterator[tuple[str, pb.Values, bytes]]:
        """Returns the name, and the packed values and null flags of some rows, of each column."""
        if self._plain is None:
            for name, column in self.typed.items():
                yield name, *pack(column[rows], self._declared.get(name, "STRING"))
            return
        for name, values in self._plain.items():
            yield name, *pack_list(values[rows], self._declared[name])

    def again(self, declared: Mapping[str, str]) -> KeyRows:
        """Returns the same columns with other declared types."""
        return type(self)(self.table if self._plain is None else self._plain, declared)


class InputRows(KeyRows):
    """The request inputs of a look-up. They may have any type, and are converted as features of pushed rows are."""

    what = "input"

    def _convert(self, name: str, column: pa.Array, declared: str) -> pa.Array:
        try:
            column.validate(full=True)
            values, misfits = exactly(column, declared, key=False)
        except (InputError, pa.ArrowInvalid) as error:
            raise InputError(f"input {name}: {message_of(error)}") from error
        if misfits:
            row = min(misfits)
            raise InputError(f"input {name}, row {row + 1}: {misfits[row]}")
        _check_years(name, values)
        return values


def _check_years(name: str, values: pa.Array) -> None:
    instants = values.flatten() if pt.is_list(values.type) else values
    if instants.type != INSTANT:
        return
    micros = instants.cast(pa.int64())
    if not pc.all(pc.and_(pc.greater_equal(micros, FIRST), pc.less_equal(micros, LAST)), min_count=0).as_py():
        raise InputError(f"input {name}: a time is outside the years 1 to 9999 in UTC")


@dataclass(frozen=True)
class Given:
    """The rows of a look-up: their keys, and their request inputs."""

    keys: KeyRows
    inputs: KeyRows

    @classmethod
    def of(cls, keys: Keys, inputs: Inputs, selection: Selection) -> Given:
        """Raises InputError as KeyRows does."""
        return cls(KeyRows(keys, selection.keys), InputRows(inputs, selection.inputs))

    def __post_init__(self) -> None:
        both = [name for name in self.inputs.names if name in self.keys.names]
        if both:
            raise InputError(f"{', '.join(both)}: given among the keys and among the inputs; give it once")
        if len({len(part) for part in self._parts}) > 1:
            raise InputError(f"the keys and the inputs differ in length: {len(self.keys)} and {len(self.inputs)}")

    def again(self, selection: Selection) -> Given:
        """Returns the same rows for another selection."""
        return Given(self.keys.again(selection.keys), self.inputs.again(selection.inputs))

    @property
    def _parts(self) -> list[KeyRows]:
        """Those of keys and inputs that have columns."""
        return [part for part in (self.keys, self.inputs) if part.names]

    def __len__(self) -> int:
        """The number of rows. A look-up without keys and inputs has one (R12)."""
        return len(self._parts[0]) if self._parts else 1

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return [*self.keys.names, *self.inputs.names]

    def lists(self) -> dict[str, list[Any]]:
        """All columns as they were given, as lists."""
        return {**self.keys.lists(), **self.inputs.lists()}

    def plain(self) -> list[tuple[list[Any], str]] | None:
        """All columns as lists with types; see KeyRows.plain."""
        keys, inputs = self.keys.plain(), self.inputs.plain()
        return None if keys is None or inputs is None else keys + inputs

    @cached_property
    def table(self) -> pa.Table:
        """All columns as they were given."""
        tables = [self.keys.table, self.inputs.table]
        fields = [field for table in tables for field in table.schema]
        schema = pa.schema(fields, metadata=_metadata([table.schema for table in tables]))
        return pa.table([column for table in tables for column in table.columns], schema=schema)

    @property
    def pandas(self) -> bool:
        """Whether all columns are from pandas frames, so that those of the result get their dtypes."""
        return bool(self._parts) and all(part.given.pandas for part in self._parts)

    @property
    def index(self) -> pd.Index[Any] | None:
        """The index of the frame of keys, or of that of inputs if there is none."""
        return next((part.given.index for part in self._parts if part.given.index is not None), None)


def _metadata(schemas: list[pa.Schema]) -> dict[bytes, bytes]:
    """Returns the metadata of all columns. That of pandas lists the dtypes of the columns."""
    merged = {key: value for schema in schemas for key, value in (schema.metadata or {}).items()}
    of_pandas = [schema.pandas_metadata for schema in schemas if schema.pandas_metadata]
    if of_pandas:
        columns = [column for each in of_pandas for column in each["columns"]]
        merged[b"pandas"] = json.dumps({**of_pandas[0], "columns": columns}).encode()
    return merged


def _from_mapping(columns: Mapping[str, Any], what: str) -> Labels:
    check_names(list(columns), what)
    arrays = {name: _array(name, values, what) for name, values in columns.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(array)}" for name, array in arrays.items())
        raise InputError(f"{what}s: the columns differ in length: {lengths}")
    return labels_of(pa.table(arrays), f"{what}s")


def _array(name: str, values: Any, what: str) -> pa.Array:  # noqa: ANN401 - any form of a column.
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        values = [values]
    if isinstance(values, pa.ChunkedArray):
        return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if hasattr(values, "columns") or getattr(values, "ndim", 1) > (2 if what == "input" else 1):
        raise InputError(f"{what} {name} is a {type(values).__name__} of columns; give the values of one")
    try:
        return pa.array(_sequence(values))
    except BaseException as error:
        if not is_foreign(error):
            raise
        raise InputError(
            f"{what} {name}: {message_of(error)}; give values of one type, such as texts or integers"
        ) from error


def _sequence(values: Any) -> Any:  # noqa: ANN401 - any form of a column.
    """Returns values in a form that pyarrow reads. The rows of a matrix are arrays."""
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(values, polars.Series):
        return values.to_arrow()
    return values if hasattr(values, "__len__") and getattr(values, "ndim", 1) == 1 else list(values)
