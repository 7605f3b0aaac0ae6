"""Writes the Iceberg table of this folder, and what PyIceberg reads of it at each of its snapshots.

    pip install pyiceberg==0.12.0 pyarrow sqlalchemy && python make.py

The table has a history of everything that a reader has to know: columns that were renamed, added, dropped, added again
under the old name and widened, partitions by day, a tag, and positions of deleted rows. PyIceberg reads such deletes
and does not write them, so the last snapshot is put together here from its parts.
"""

import datetime as dt
import json
import pathlib
import shutil
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import (DataFile, DataFileContent, FileFormat, ManifestContent, ManifestEntry,
                                ManifestEntryStatus, ManifestWriterV2, write_manifest_list)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate
from pyiceberg.transforms import DayTransform
from pyiceberg.typedef import Record
from pyiceberg.types import (DoubleType, FloatType, IntegerType, ListType, LongType, NestedField, StringType,
                             TimestamptzType)

HERE = pathlib.Path(__file__).parent.resolve()
DELETES = pa.schema([pa.field("file_path", pa.string(), False, {"PARQUET:field_id": "2147483546"}),
                     pa.field("pos", pa.int64(), False, {"PARQUET:field_id": "2147483545"})])
START = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)


class DeleteManifestWriter(ManifestWriterV2):
    """Writes a manifest of deletes, which PyIceberg has no writer for."""

    def content(self):
        return ManifestContent.DELETES

    @property
    def _meta(self):
        return {**super()._meta, "content": "deletes"}


def at(hours):
    return START + dt.timedelta(hours=hours)


def make(root):
    catalog = SqlCatalog("c", uri=f"sqlite:///{root}/catalog.db", warehouse=f"file://{root}")
    catalog.create_namespace("db")
    schema = Schema(
        NestedField(1, "place", StringType()),
        NestedField(2, "at", TimestamptzType()),
        NestedField(3, "temp", FloatType()),
        NestedField(4, "count", IntegerType()),
        NestedField(5, "note", StringType()),
        NestedField(6, "n", IntegerType()),
        NestedField(7, "tags", ListType(8, StringType(), element_required=False)),
    )
    table = catalog.create_table(
        "db.readings", schema, location=f"file://{root}/readings",
        partition_spec=PartitionSpec(PartitionField(2, 1000, DayTransform(), "at_day")),
        properties={"format-version": "2", "write.metadata.compression-codec": "none"})
    names = [f.name for f in table.schema().fields]

    def append(rows):
        table.append(pa.Table.from_pylist([dict(zip(names, row)) for row in rows],
                                          schema=table.schema().as_arrow()))

    append([("a", at(h), h + 0.5, h, f"old {h}", h, [str(h), None]) for h in range(0, 48, 12)]
           + [("b", at(h), None, None, None, 100 + h, None) for h in range(0, 48, 24)])
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "first").commit()
    with table.update_schema() as update:
        update.rename_column("temp", "celsius")
        update.update_column("temp", DoubleType())
        update.update_column("count", LongType())
        update.delete_column("note")
    with table.update_schema() as update:
        update.add_column("note", StringType())
        update.add_column("wind", DoubleType())
    names = [f.name for f in table.schema().fields]
    append([("a", at(50), 0.1, 1 << 40, 200, ["x"], "new", 7.5), ("c", at(50), 1.25, 5, 201, [], None, None),
            ("a", at(12), 99.0, 6, 202, None, "same time as an older row", 1.0)])
    table = delete(table, lambda n: n in (0, 100, 200))
    catalog.close()
    return table


def doomed_places(table, doomed):
    """The paths and positions of rows, by the partition of their file."""
    found = {}
    for task in table.scan().plan_files():
        rows = pq.read_table(task.file.file_path.removeprefix("file://"), columns=["n"])["n"].to_pylist()
        places = [{"file_path": task.file.file_path, "pos": i} for i, n in enumerate(rows) if doomed(n)]
        if places:
            found.setdefault(task.file.partition[0], []).extend(places)
    return found


def delete(table, doomed):
    """Adds a snapshot in which rows are deleted by their positions."""
    metadata, io = table.metadata, PyArrowFileIO()
    snapshot_id, sequence = 7000000000000000007, metadata.last_sequence_number + 1
    spec = PartitionSpec(spec_id=table.spec().spec_id, *table.spec().fields)
    manifest = f"{table.location()}/metadata/deletes-m0.avro"
    with DeleteManifestWriter(spec, table.schema(), io.new_output(manifest), snapshot_id, "deflate") as writer:
        for partition, places in doomed_places(table, doomed).items():
            path = f"{table.location()}/data/deletes-{partition}.parquet"
            local = path.removeprefix("file://")
            pq.write_table(pa.Table.from_pylist(sorted(places, key=lambda place: tuple(place.values())),
                                                schema=DELETES), local)
            writer.add_entry(ManifestEntry.from_args(
                status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id, sequence_number=None,
                file_sequence_number=None,
                data_file=DataFile.from_args(
                    _table_format_version=2, content=DataFileContent.POSITION_DELETES, file_path=path,
                    file_format=FileFormat.PARQUET, partition=Record(partition), record_count=len(places),
                    file_size_in_bytes=pathlib.Path(local).stat().st_size, spec_id=spec.spec_id)))
    added = writer.to_manifest_file()
    parent = table.current_snapshot()
    listed = f"{table.location()}/metadata/snap-deletes.avro"
    with write_manifest_list(2, io.new_output(listed), snapshot_id, parent.snapshot_id, sequence, "deflate") as writer:
        writer.add_manifests([added, *parent.manifests(io)])
    snapshot = Snapshot(snapshot_id=snapshot_id, parent_snapshot_id=parent.snapshot_id, sequence_number=sequence,
                        timestamp_ms=metadata.last_updated_ms + 1, manifest_list=listed,
                        summary=Summary(Operation.DELETE), schema_id=metadata.current_schema_id)
    table.catalog.commit_table(table, (), (
        AddSnapshotUpdate(snapshot=snapshot),
        SetSnapshotRefUpdate(ref_name="main", type=SnapshotRefType.BRANCH, snapshot_id=snapshot_id)))
    return table.catalog.load_table("db.readings")


def expected(table):
    """What PyIceberg reads of each snapshot, by its place in the history."""
    answers = []
    for number, snapshot in enumerate(table.metadata.snapshots):
        scan = table.scan() if number == len(table.metadata.snapshots) - 1 else table.scan(snapshot_id=snapshot.snapshot_id)
        rows = sorted(scan.to_arrow().to_pylist(), key=lambda row: row["n"])
        for row in rows:
            row["at"] = row["at"].isoformat()
        answers.append({"snapshot": str(snapshot.snapshot_id), "rows": rows})
    return answers


def main():
    shutil.rmtree(HERE / "readings", ignore_errors=True)
    root = pathlib.Path("/tmp") / f"plumb-iceberg-{uuid.uuid4().hex}"
    root.mkdir()
    table = make(root)
    answers = expected(table)
    latest = table.metadata_location.removeprefix("file://")
    for unused in set((root / "readings" / "metadata").glob("*.metadata.json")) - {pathlib.Path(latest)}:
        unused.unlink()
    shutil.move(latest, root / "readings" / "metadata" / "v1.metadata.json")
    shutil.move(root / "readings", HERE / "readings")
    with open(HERE / "expected.json", "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(answer) for answer in answers) + "\n]\n")
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
