"""The interface of a feature store, behind a server or in a project folder."""

from __future__ import annotations

import getpass
import os
import socket
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plumbstore import arguments
from plumbstore.conversion import advising_on_index
from plumbstore.errors import InputError
from plumbstore.foreign import guarded_methods
from plumbstore.instants import instant
from plumbstore.labels import labels_of
from plumbstore.online import Found, LookUp
from plumbstore.pushing import Target
from plumbstore.selection import Registered, check_wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from types import TracebackType

    from plumbstore.definitions import Entity, FeatureService, FeatureView, Listing, OnDemandView, Source
    from plumbstore.given import Inputs, Keys
    from plumbstore.labels import Frame, Labels
    from plumbstore.plans import Applied, History, Plan
    from plumbstore.progress import Wanted
    from plumbstore.pushed import Pushed
    from plumbstore.result import Result


@dataclass(frozen=True)
class Request:
    """What a join or a look-up returns: the features of a service, or listed features, never both."""

    service: str | None
    features: tuple[str, ...]
    full_names: bool

    @classmethod
    def of(cls, service: str | None, features: Sequence[str] | None, full_names: bool) -> Request:
        """Raises InputError unless exactly one of service and features is given."""
        wanted = arguments.references(features)
        if service is not None:
            service = arguments.text("service", service)
        check_wanted(service, wanted)
        return cls(service, wanted, arguments.flag("full_names", full_names))


@dataclass(frozen=True)
class JoinOptions:
    """The options of a join; see Store.historical."""

    timestamp_column: str
    statuses: bool
    event_timestamps: bool
    as_known: bool
    provenance: bool
    manifest: bool
    progress: Wanted


@dataclass(frozen=True)
class LookUpOptions:
    """The options of a look-up; see Store.online. at is in microseconds since the epoch."""

    at: int | None
    event_timestamps: bool
    provenance: bool
    timeout: float | None

    @classmethod
    def of(
        cls, at: datetime | str | None, event_timestamps: bool, provenance: bool, timeout: float | None
    ) -> LookUpOptions:
        """Raises InputError for a wrong argument."""
        return cls(
            None if at is None else instant(at),
            arguments.flag("event_timestamps", event_timestamps),
            arguments.flag("provenance", provenance),
            None if timeout is None else arguments.seconds("timeout", timeout),
        )


@guarded_methods
class Store(ABC):
    """A feature store: plumb.connect and plumb.local return one. Close it, or use it in a with statement."""

    def historical(
        self,
        labels: Frame | str | os.PathLike[str],
        *,
        service: str | None = None,
        features: Sequence[str] | None = None,
        full_names: bool = False,
        timestamp_column: str = "event_timestamp",
        statuses: bool = False,
        event_timestamps: bool = False,
        as_known: bool = False,
        provenance: bool = False,
        manifest: bool = False,
        progress: Wanted = None,
    ) -> Result:
        """Joins features to label rows, with the values as of the instant of each row. The result has one row for each
        label row, in their order (R6).

        labels: a pandas or polars DataFrame, a pyarrow Table, RecordBatch or RecordBatchReader, a list of dicts, or the
        path of a file.
        service, features: a feature service, or references "view:feature" and "view:*".
        full_names: name outputs view__feature. A service that already does so is not affected (R10).
        timestamp_column: the label column with each row's instant. A time without a zone is UTC (R1).
        statuses: add <output>__status: PRESENT, NULL, NOT_FOUND or EXPIRED (R13), or INVALID for a computed value that
        does not exist, such as an integer that overflows (R26). A value is null unless it is PRESENT.
        event_timestamps: add <view or alias>__event_timestamp, the event time of the row found. There is none for an
        on-demand view, whose features are computed.
        as_known: use only rows that had been created by the label's instant (R4).
        provenance: add, after the outputs, where the values of each use of a view come from, in columns that begin with
        <view or alias>__: definition_revision (null if it is not known) and definition_hash (hexadecimal); and for the
        row found source_file (relative to the project, null for a SQL source), event_timestamp, created_timestamp, and
        age_micros, the microseconds from its event time to the label's instant. The columns of an expired row are given
        only together with statuses (R13).
        manifest: make a manifest, as plumb historical does: what the rows were made of and what they contain. It is in
        the result's manifest once the rows have been read, and to_parquet writes it into the file and beside it, as
        FILE.manifest.
        progress: True, False, or a function that is called with a plumb.Progress. By default, joins that take more than
        a second show a bar in notebooks and on terminals.

        Raises InputError for wrong labels or a wrong selection (NotFoundError for names), and Fault if something fails.
        """
        options = JoinOptions(
            arguments.text("timestamp_column", timestamp_column),
            arguments.flag("statuses", statuses),
            arguments.flag("event_timestamps", event_timestamps),
            arguments.flag("as_known", as_known),
            arguments.flag("provenance", provenance),
            arguments.flag("manifest", manifest),
            progress,
        )
        if progress is not None and not callable(progress):
            arguments.flag("progress", progress)
        with advising_on_index(labels):
            return self._join(labels, Request.of(service, features, full_names), options)

    def online(
        self,
        *,
        keys: Keys | None = None,
        inputs: Inputs | None = None,
        service: str | None = None,
        features: Sequence[str] | None = None,
        full_names: bool = False,
        statuses: bool = False,
        event_timestamps: bool = False,
        provenance: bool = False,
        at: datetime | str | None = None,
        timeout: float | None = None,
    ) -> Result:
        """Looks up the newest materialized values for each row of keys, in their order. Rows beyond the 10,000 that a
        server accepts in a call are looked up in further calls, each as of its own time unless at is given.

        keys: a dict of columns, a list of dicts, or a pandas, polars or pyarrow table, with one column for each key of
        the selection. A null key matches nothing (R8).
        inputs: the request inputs that the selected features of on-demand views read, in the same forms as keys, as
        many rows. They are converted to their declared types exactly, or refused (R9). The result has them after the
        keys.
        at: the instant at which visibility and ttl are evaluated, by default now.
        provenance: return in the result's provenance, for each use of a view, a plumb.ViewProvenance: which definition
        determines its values, and for each row what wrote it, when, and how old it is. The result's computed has a
        plumb.ComputedProvenance for each use of an on-demand view. The columns of the result stay the same.
        timeout: the seconds that the look-up may take, all its calls together; by default each call has the store's
        timeout. plumb.local has none.
        The other arguments are as in historical.

        Raises InputError for wrong keys or inputs or a wrong selection, PreconditionError for a view that is not
        online, and Fault if something fails.
        """
        request = Request.of(service, features, full_names)
        statuses = arguments.flag("statuses", statuses)
        options = LookUpOptions.of(at, event_timestamps, provenance, timeout)
        keys, inputs = {} if keys is None else keys, {} if inputs is None else inputs
        with advising_on_index(keys), advising_on_index(inputs):
            found = self._look_up(keys, inputs, request, options)
        return LookUp(found, statuses=statuses, event_timestamps=options.event_timestamps)

    def push(self, view: str, rows: Frame, *, atomic: bool = False, timeout: float | None = None) -> Pushed:
        """Writes rows of a view into the online store, where the newest row of each key wins (R14).

        rows: a pandas or polars DataFrame, a pyarrow Table, RecordBatch or RecordBatchReader, or a list of dicts, with
        a column for each join key, the event times (named as in the view's source, or event_timestamp), the created
        times if there are any, and each feature. Values are converted to their declared types exactly (R9).
        atomic: store nothing if any row is refused.
        timeout: as in online.

        Rows that cannot be stored are listed in the result with the reason; the others are stored anyway. Raises
        InputError if the rows as a whole are wrong (NotFoundError for the view, PreconditionError if it is not online),
        and Fault if something fails. After a Fault some rows may have been stored, and pushing all of them again is
        harmless.
        """
        limit = None if timeout is None else arguments.seconds("timeout", timeout)
        with advising_on_index(rows):
            labels = rows_to_push(rows)
            return self._push(arguments.text("view", view), labels, arguments.flag("atomic", atomic), limit)

    @abstractmethod
    def _push(self, view: str, rows: Labels, atomic: bool, timeout: float | None) -> Pushed: ...

    @abstractmethod
    def _join(self, labels: Frame | str | os.PathLike[str], request: Request, options: JoinOptions) -> Result: ...

    @abstractmethod
    def _look_up(self, keys: Keys, inputs: Inputs, request: Request, options: LookUpOptions) -> Found: ...

    @abstractmethod
    def entities(self) -> Listing[Entity]:
        """All registered entities, by name."""

    @abstractmethod
    def sources(self) -> Listing[Source]:
        """All registered sources, by name."""

    @abstractmethod
    def feature_views(self) -> Listing[FeatureView]:
        """All registered feature views, by name."""

    @abstractmethod
    def on_demand_views(self) -> Listing[OnDemandView]:
        """All registered on-demand views, by name."""

    @abstractmethod
    def feature_services(self) -> Listing[FeatureService]:
        """All registered feature services, by name."""

    @abstractmethod
    def entity(self, name: str) -> Entity:
        """One entity. Raises NotFoundError."""

    @abstractmethod
    def source(self, name: str) -> Source:
        """One source. Raises NotFoundError."""

    @abstractmethod
    def feature_view(self, name: str) -> FeatureView:
        """One feature view. Raises NotFoundError."""

    @abstractmethod
    def on_demand_view(self, name: str) -> OnDemandView:
        """One on-demand view. Raises NotFoundError."""

    @abstractmethod
    def feature_service(self, name: str) -> FeatureService:
        """One feature service. Raises NotFoundError."""

    @abstractmethod
    def history(self) -> History:
        """The project's revisions, newest first."""

    @abstractmethod
    def plan(self, definitions: str | os.PathLike[str] | None = None) -> Plan:
        """Returns what apply would change.

        definitions: a folder or file of definitions, or YAML as text of more than one line. They have to be all
        definitions of the project: registered definitions that are missing would be removed. With plumb.local, the
        default is the project's own definitions. Paths of sources are relative to the project folder.

        Raises InputError for mistakes in the definitions; its problems has each of them.
        """

    @abstractmethod
    def apply(self, definitions: str | os.PathLike[str] | None = None, *, yes: bool = False) -> Applied:
        """Applies the definitions as the project's next revision, all or nothing.

        Raises HazardError if the plan has hazards and yes is not given, ConflictError if another apply was made in the
        meantime, and the errors of plan.
        """

    @abstractmethod
    def close(self) -> None:
        """Closes connections."""

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _registered(self) -> Registered:
        return Registered(self.feature_service, self.feature_view, self.on_demand_view, self.entity, self.source)

    def _target(self, view: str) -> Target:
        return Target.of(self.feature_view(view), self.source, self.entity)


def rows_to_push(rows: Frame) -> Labels:
    """Returns the rows of a push. Raises InputError for a path, which only the command line takes."""
    if isinstance(rows, (str, os.PathLike)):
        raise InputError("the rows are a path; read the file first, or push it with plumb push VIEW FILE")
    return labels_of(rows, "rows")


def author() -> str:
    """Returns the author of an apply, user@host."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def is_text(definitions: str | os.PathLike[str]) -> bool:
    """Reports whether definitions are YAML, that is, text of more than one line, and not a path."""
    return isinstance(definitions, str) and "\n" in definitions
