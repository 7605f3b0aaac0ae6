"""A store without a server: it runs the plumb binary on a project folder."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf import json_format

from plumbstore import arguments, lookupjson, plans
from plumbstore import definitions as defs
from plumbstore.carriers import Carriers, check_describable
from plumbstore.command import Command, OnProgress, find_binary
from plumbstore.errors import Error, InputError
from plumbstore.foreign import guarded_methods
from plumbstore.given import Given
from plumbstore.instants import python_time, rfc3339
from plumbstore.labels import Labels, check_file, labels_of
from plumbstore.manifests import manifest_of
from plumbstore.online import Found
from plumbstore.progress import Reporter
from plumbstore.pushed import Pushed, RefusedRow
from plumbstore.pushing import Columns, batches_of, check_columns, typed
from plumbstore.report import InvalidValues, Report, ViewReport
from plumbstore.result import Result, Rows
from plumbstore.selection import Registered, select
from plumbstore.store import JoinOptions, LookUpOptions, Request, Store, is_text
from plumbstore.v1 import definitions_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from google.protobuf.message import Message

    from plumbstore.given import Inputs, Keys
    from plumbstore.labels import Frame

    M = TypeVar("M", bound=Message)
    N = TypeVar("N", defs.Entity, defs.FeatureService, defs.FeatureView, defs.OnDemandView, defs.Source)

FRAME = "the label table"
"""The name in messages of labels from memory, whose temporary file the caller does not know."""
TEXT_FILE = "definitions.yaml"


@guarded_methods
class LocalStore(Store):
    """The store of the project in a folder. Each call runs the binary once, or a few times."""

    def __init__(self, path: str | os.PathLike[str], binary: str | os.PathLike[str] | None) -> None:
        project = arguments.path("path", path).resolve()
        if not project.is_dir():
            raise InputError(f"{path} is not a folder; give the folder that contains the project's plumb.yaml")
        self._project = project
        self._command = Command(find_binary(binary), project)

    def __repr__(self) -> str:
        return f"plumb.local({str(self._project)!r})"

    def close(self) -> None:
        """Does nothing: nothing is open between calls."""

    def _run(self, *arguments: str, progress: OnProgress | None = None) -> dict[str, Any]:
        return self._command.run(["--project-dir", str(self._project), *arguments], progress)

    def _join(self, labels: Frame | str | os.PathLike[str], request: Request, options: JoinOptions) -> Result:
        if isinstance(labels, (str, os.PathLike)):
            file = arguments.path("labels", labels)
            check_file(file)
            file = file.resolve()
            with _folder() as folder, _renaming(str(file), str(labels)):
                return self._join_file(file, folder, request, options)
        rows = labels_of(labels)
        carriers = Carriers(rows.schema, options.timestamp_column)
        if options.manifest:
            check_describable(carriers.given)
        with _folder() as folder:
            file = folder / "labels.arrow"
            _write(file, carriers, rows)
            with _renaming(f"label file {file}", FRAME):
                return self._join_file(file, folder, request, options, carriers, rows)

    def _join_file(
        self,
        labels: Path,
        folder: Path,
        request: Request,
        options: JoinOptions,
        carriers: Carriers | None = None,
        given: Labels | None = None,
    ) -> Result:
        out = folder / "result.arrow"
        reporter = Reporter(options.progress)
        try:
            done = self._run(
                "historical",
                f"--labels={labels}",
                f"--out={out}",
                *_wanted(request),
                *_flags(options),
                *_manifest_flags(options, carriers),
                progress=reporter.update,
            )
        finally:
            reporter.done()
        report = _report(done)
        made = manifest_of(out) if options.manifest else None
        source = pa.memory_map(str(out))  # A mapped file stays readable after the folder is removed.
        rows = _rows(pa.ipc.open_file(source), carriers, given)
        rows.report = lambda: report
        if made is not None:
            check_describable(rows.schema, carried=carriers is not None)
            rows.manifest = lambda: made
        if carriers is None:
            rows.labels_file = labels
            rows.label_columns = _label_columns(rows.schema, labels)
        return Result(rows)

    def _look_up(self, keys: Keys, inputs: Inputs, request: Request, options: LookUpOptions) -> Found:
        _check_timeout(options.timeout)
        selection = select(self._registered(), request.service, request.features)
        rows = Given.of(keys, inputs, selection)
        moment = "now" if options.at is None else rfc3339(options.at)
        what = "keys and inputs" if selection.inputs else "keys"
        with _folder() as folder:
            file = folder / "keys.json"
            file.write_text(json.dumps(lookupjson.objects(rows)), encoding="utf-8")
            with _renaming(f"{file} ", "the key table "), _renaming(f"--keys: {file}: ", f"{what}: "):
                flags = [*_wanted(request), *(["--provenance"] if options.provenance else [])]
                done = self._run("online", f"--keys={file}", f"--at={moment}", *flags)
        lookupjson.check_places(rows, done["rows"])
        answers = lookupjson.answers(done["rows"], selection)
        if not options.provenance:
            return Found(selection, rows, answers, None, None)
        origins = lookupjson.provenance([row["provenance"] for row in done["rows"]])
        return Found(selection, rows, answers, origins, lookupjson.computed(done["rows"][0]))

    def _registered(self) -> Registered:
        """Reads each kind of definition once, because every read starts the binary."""
        return Registered(
            _listed(self.feature_services, self.feature_service),
            _listed(self.feature_views, self.feature_view),
            _listed(self.on_demand_views, self.on_demand_view),
            _listed(self.entities, self.entity),
            _listed(self.sources, self.source),
        )

    def _push(self, view: str, rows: Labels, atomic: bool, timeout: float | None) -> Pushed:
        _check_timeout(timeout)
        check_columns(rows.schema)
        target = self._target(view)
        columns = Columns.find(target, rows.schema.names)
        with _folder() as folder:
            file = folder / "rows.parquet"
            misfits = _write_rows(file, columns, rows)
            flags = ["--list-refused=0", *(["--atomic"] if atomic else [])]
            try:
                with _renaming(f"file {file}", "the rows"), _renaming(str(file), "the rows"):
                    done = self._run("push", *flags, "--", view, str(file))
            except Error as error:
                if error.printed is not None:
                    error.pushed = _pushed(error.printed, target.source.event_timestamp, columns, misfits)
                raise
        return _pushed(done, target.source.event_timestamp, columns, misfits)

    def entities(self) -> defs.Listing[defs.Entity]:
        """All registered entities, by name."""
        return defs.entities(self._list("entities", pb.Entity))

    def sources(self) -> defs.Listing[defs.Source]:
        """All registered sources, by name."""
        return defs.sources(self._list("sources", pb.Source))

    def feature_views(self) -> defs.Listing[defs.FeatureView]:
        """All registered feature views, by name."""
        return defs.feature_views(self._list("views", pb.FeatureView))

    def on_demand_views(self) -> defs.Listing[defs.OnDemandView]:
        """All registered on-demand views, by name."""
        return defs.on_demand_views(self._list("on-demand-views", pb.OnDemandView))

    def feature_services(self) -> defs.Listing[defs.FeatureService]:
        """All registered feature services, by name."""
        return defs.feature_services(self._list("services", pb.FeatureService))

    def entity(self, name: str) -> defs.Entity:
        """One entity. Raises NotFoundError."""
        return defs.entity(json_format.ParseDict(self._show("entities", name), pb.Entity()))

    def source(self, name: str) -> defs.Source:
        """One source. Raises NotFoundError."""
        return defs.source(json_format.ParseDict(self._show("sources", name), pb.Source()))

    def feature_view(self, name: str) -> defs.FeatureView:
        """One feature view. Raises NotFoundError."""
        return defs.feature_view(json_format.ParseDict(self._show("views", name), pb.FeatureView()))

    def on_demand_view(self, name: str) -> defs.OnDemandView:
        """One on-demand view. Raises NotFoundError."""
        return defs.on_demand_view(json_format.ParseDict(self._show("on-demand-views", name), pb.OnDemandView()))

    def feature_service(self, name: str) -> defs.FeatureService:
        """One feature service. Raises NotFoundError."""
        return defs.feature_service(json_format.ParseDict(self._show("services", name), pb.FeatureService()))

    def _show(self, kind: str, name: str) -> dict[str, Any]:
        return self._run("show", kind, "--", arguments.text("name", name))

    def _list(self, kind: str, message: Callable[[], M]) -> list[M]:
        return [json_format.ParseDict(each, message()) for each in self._run("list", kind)[kind]]

    def history(self) -> plans.History:
        """The project's revisions, newest first."""
        return plans.History(
            plans.Revision(r["revision"], r["by"], datetime.fromisoformat(python_time(r["at"])), tuple(r["changes"]))
            for r in self._run("history")["revisions"]
        )

    def plan(self, definitions: str | os.PathLike[str] | None = None) -> plans.Plan:
        """Returns what apply would change; see Store.plan."""
        with _definitions(definitions) as flags:
            done = self._run("plan", *flags)
        return plans.Plan(done["project"], done["base"], plans.changes_of(done["changes"]))

    def apply(self, definitions: str | os.PathLike[str] | None = None, *, yes: bool = False) -> plans.Applied:
        """Applies the definitions as the project's next revision; see Store.apply."""
        with _definitions(definitions) as flags:
            try:
                done = self._run("apply", *flags, *(["--yes"] if arguments.flag("yes", yes) else []))
            except InputError as error:
                if yes or not str(error).startswith("--yes:"):
                    raise
                raise plans.HazardError(self.plan(definitions)) from None
        changes, hazards = plans.changes_of(done["changes"]), plans.hazards_of(done.get("hazards", ()))
        return plans.Applied(done["project"], done["revision"], changes, hazards)


@contextmanager
def _folder() -> Iterator[Path]:
    """Makes a folder for files that the binary reads and writes, and removes it at the end, also after an error."""
    folder = Path(tempfile.mkdtemp(prefix="plumb-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _renaming(hidden: str, shown: str) -> Iterator[None]:
    """Replaces hidden with shown in the messages of errors, such as a temporary file with what the caller passed."""
    try:
        yield
    except Error as error:
        error.args = (str(error).replace(hidden, shown), *error.args[1:])
        raise


@contextmanager
def _definitions(given: str | os.PathLike[str] | None) -> Iterator[list[str]]:
    """Returns the flags that name the definitions, none for the project's own."""
    if given is None:
        yield []
    elif not is_text(given):
        yield [f"--definitions={arguments.path('definitions', given).resolve()}"]
    else:
        with _folder() as folder:
            file = folder / TEXT_FILE
            file.write_text(arguments.text("definitions", given), encoding="utf-8")
            with _renaming(str(file), TEXT_FILE):
                yield [f"--definitions={file}"]


def _write(file: Path, carriers: Carriers, labels: Labels) -> None:
    with pa.ipc.new_file(str(file), carriers.wire) as writer:
        for batch in labels.batches:
            writer.write_batch(carriers.pack(batch))


def _write_rows(file: Path, columns: Columns, rows: Labels) -> dict[int, RefusedRow]:
    """Writes the rows in their declared types, and returns the rows that do not fit."""
    misfits: dict[int, RefusedRow] = {}
    nothing = typed(
        columns, pa.RecordBatch.from_arrays([pa.nulls(0, kind) for kind in rows.schema.types], rows.schema.names)
    )
    with pq.ParquetWriter(file, pa.table(nothing.columns).schema) as writer:
        for _, part in batches_of(columns, rows.batches):
            writer.write_table(pa.table(part.columns))
            misfits.update(part.misfits)
    return misfits


def _pushed(done: dict[str, Any], event: str, columns: Columns, misfits: dict[int, RefusedRow]) -> Pushed:
    """Returns the result of a push from what the binary printed. The binary names the column of event times as the
    source does, and counts rows from 1.
    """
    names = {event: columns.event or event}
    listed = (RefusedRow(r["row"] - 1, names.get(r["column"], r["column"]), r["reason"]) for r in done["refusals"])
    refused = tuple(misfits.get(each.row, each) for each in listed)
    return Pushed(done["view"], done["written"], done["older"], refused, done["revision"])


def _listed(every: Callable[[], Iterable[N]], one: Callable[[str], N]) -> Callable[[str], N]:
    """Returns a function that finds a definition by name. one raises the error for a name that is not known."""
    known: dict[str, N] = {}

    def find(name: str) -> N:
        if not known:
            known.update((each.name, each) for each in every())
        return known[name] if name in known else one(name)

    return find


def _check_timeout(timeout: float | None) -> None:
    if timeout is not None:
        raise InputError("timeout is for stores behind a server; plumb.local has none")


def _rows(file: pa.ipc.RecordBatchFileReader, carriers: Carriers | None, labels: Labels | None) -> Rows:
    batches = (file.get_batch(i).replace_schema_metadata() for i in range(file.num_record_batches))
    if carriers is None or labels is None:
        return Rows(file.schema.remove_metadata(), batches, 0)
    rows = Rows(
        carriers.result(file.schema), map(carriers.unpack, batches), len(carriers.kept), labels.pandas, labels.index
    )
    rows.carriers = carriers
    return rows


def _manifest_flags(options: JoinOptions, carriers: Carriers | None) -> list[str]:
    """Returns the flags for the manifest. It cannot name rows of a frame by a file, so it names them by content."""
    if not options.manifest:
        return ["--no-manifest"]
    return ["--labels-by-content"] if carriers is not None else []


def _label_columns(schema: pa.Schema, file: Path) -> int:
    """Returns how many columns of a result are those of its label file."""
    if file.suffix.lower() == ".csv":
        return _csv_columns(file)
    return min(len(labels_of(file).schema), len(schema))


def _csv_columns(file: Path) -> int:
    import csv

    with file.open(newline="", encoding="utf-8-sig") as lines:
        return len(next(csv.reader(lines)))


def _wanted(request: Request) -> list[str]:
    wanted = ["--full-names"] if request.full_names else []
    if request.service is not None:
        return [*wanted, f"--service={request.service}"]
    return [*wanted, *(f"--features={reference}" for reference in request.features)]


def _flags(options: JoinOptions) -> list[str]:
    flags = {
        "--statuses": options.statuses,
        "--event-timestamps": options.event_timestamps,
        "--as-known": options.as_known,
        "--provenance": options.provenance,
    }
    return [f"--timestamp-column={options.timestamp_column}", *(flag for flag, given in flags.items() if given)]


def _report(done: dict[str, Any]) -> Report:
    views = tuple(ViewReport(v["alias"], v["matched"], v["null_keys"], v["null_times"]) for v in done["views"])
    invalid = tuple(
        InvalidValues(view["alias"], i["feature"], i["rows"])
        for view in done.get("computed", ())
        for i in view.get("invalid", ())
    )
    return Report(done["rows"], views, done["seconds"], invalid)
