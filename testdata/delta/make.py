"""Writes the Delta table of this folder, and what deltalake reads of it at each of its versions.

    pip install deltalake==1.6.6 pyarrow && python make.py

The table has a history of what deltalake can write: partitions by a date and by a text that paths have to encode, nulls
among them, a column that was added later, rows that were deleted and files that were rewritten, and a checkpoint in the
middle.
"""

import datetime as dt
import json
import pathlib
import shutil
import time

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

HERE = pathlib.Path(__file__).parent.resolve()
TABLE = HERE / "readings"
START = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
SCHEMA = pa.schema([("place", pa.string()), ("at", pa.timestamp("us", "UTC")), ("celsius", pa.float32()),
                    ("count", pa.int32()), ("n", pa.int32()), ("tags", pa.list_(pa.string())), ("day", pa.date32()),
                    ("kind", pa.string())])


def at(hours):
    return START + dt.timedelta(hours=hours)


def append(rows, schema):
    time.sleep(0.01)  # Files are ordered by the millisecond of their making.
    names = schema.names
    write_deltalake(TABLE, pa.Table.from_pylist([dict(zip(names, row)) for row in rows], schema=schema), mode="append",
                    partition_by=["day", "kind"], schema_mode="merge")


def make():
    day = at(0).date()
    append([("a", at(h), h + 0.5, h, h, [str(h), None], at(h).date(), "x/y z%20=é'\"") for h in range(0, 48, 12)]
           + [("b", at(h), None, None, 100 + h, None, at(h).date(), None) for h in range(0, 48, 24)], SCHEMA)
    wide = SCHEMA.append(pa.field("wind", pa.float64()))
    append([("a", at(50), 0.1, 1 << 20, 200, ["x"], at(50).date(), "new", 7.5),
            ("c", at(50), 1.25, 5, 201, [], at(50).date(), "new", None),
            ("a", at(12), 99.0, 6, 202, None, day, "x/y z%20=é'\"", 1.0)], wide)
    DeltaTable(TABLE).create_checkpoint()
    time.sleep(0.01)
    DeltaTable(TABLE).delete("n in (0, 100, 200)")
    append([("c", at(60), 2.5, 7, 300, None, None, None, 2.0)], wide)


def expected():
    answers = []
    for version in range(DeltaTable(TABLE).version() + 1):
        rows = DeltaTable(TABLE, version=version).to_pyarrow_table().to_pylist()
        rows.sort(key=lambda row: row["n"])
        for row in rows:
            row["at"], row["day"] = row["at"].isoformat(), row["day"] and row["day"].isoformat()
        answers.append({"version": version, "rows": rows})
    return answers


def main():
    shutil.rmtree(TABLE, ignore_errors=True)
    make()
    with open(HERE / "expected.json", "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(answer) for answer in expected()) + "\n]\n")


if __name__ == "__main__":
    main()
