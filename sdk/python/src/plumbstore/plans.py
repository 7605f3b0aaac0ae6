"""What an apply would change or has changed, and the history of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plumbstore.errors import InputError
from plumbstore.tables import html_table
from plumbstore.v1 import definitions_pb2 as df
from plumbstore.v1 import registry_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_SIGNS = {"add": "+", "alter": "~", "remove": "-"}


@dataclass(frozen=True)
class Hazard:
    """What a change does to stored rows, look-ups or training sets. code is stable, such as PB101."""

    code: str
    message: str


@dataclass(frozen=True)
class Difference:
    """One field that changes, such as features.temp.type. before is empty if the field is added, after is empty if it
    is removed.
    """

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class ComputedOutput:
    """A feature that is computed. computes says what it is computed of, in words; of an on-demand view it is the
    expression.

    window says how long the window of an aggregation is at least, or is "lifetime". It begins at multiples of hop and
    is shorter than longest; if hop is "exact", it is always that long. offset is how long before the time of a look-up
    it ends. All four are empty for an on-demand view.
    """

    name: str
    type: str
    computes: str
    window: str = ""
    hop: str = ""
    longest: str = ""
    offset: str = ""


@dataclass(frozen=True)
class Change:
    """One definition that is added, altered or removed. kind is entity, source, view, on-demand view or service.

    outputs are the features of a view with aggregations, or of an on-demand view, that is added or computes other
    features than before.
    """

    action: str
    kind: str
    name: str
    differences: tuple[Difference, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    outputs: tuple[ComputedOutput, ...] = ()

    def lines(self) -> list[str]:
        """The change as plumb plan prints it, with its hazards."""
        return [
            f"{_SIGNS[self.action]} {self.kind} {self.name}",
            *(f"    {d.field}: {d.before or 'none'} -> {d.after or 'none'}" for d in self.differences),
            *(f"    {o.name} {o.type}: {o.computes}" for o in self.outputs),
            *(f"    ! {h.code} {h.message}" for h in self.hazards),
        ]


@dataclass(frozen=True, repr=False)
class Plan:
    """What apply would change, compared with revision base."""

    project: str
    base: int
    changes: tuple[Change, ...]

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """All hazards, in the order of the changes."""
        return tuple(hazard for change in self.changes for hazard in change.hazards)

    def _title(self) -> str:
        if not self.changes:
            return f"Project {self.project}, revision {self.base}: nothing to change."
        return f"Project {self.project}, revision {self.base} -> {self.base + 1}:"

    def __repr__(self) -> str:
        return _text(self._title(), self.changes)

    def _repr_html_(self) -> str:
        return _html(self._title(), self.changes)


class HazardError(InputError):
    """The plan changes the meaning of stored rows, look-ups or training sets, and was not accepted with yes=True.
    Nothing was applied.
    """

    def __init__(self, plan: Plan) -> None:
        hazards = [
            f"\n  {hazard.code} {change.kind} {change.name}: {hazard.message}"
            for change in plan.changes
            for hazard in change.hazards
        ]
        super().__init__(
            f"the plan has {len(hazards)} hazards; read them, then accept them with yes=True:" + "".join(hazards)
        )
        self.plan = plan


@dataclass(frozen=True, repr=False)
class Applied:
    """What apply did, and the hazards that were accepted. Without changes, revision is the one before the call."""

    project: str
    revision: int
    changes: tuple[Change, ...]
    hazards: tuple[Hazard, ...]

    def _title(self) -> str:
        if not self.changes:
            return f"Project {self.project}, revision {self.revision}: nothing to change."
        return f"Applied: project {self.project} is at revision {self.revision}."

    def __repr__(self) -> str:
        return "\n".join([_text(self._title(), self.changes), *(f"! {h.code} {h.message}" for h in self.hazards)])

    def _repr_html_(self) -> str:
        hazards = html_table(("ACCEPTED", "HAZARD"), [(h.code, h.message) for h in self.hazards])
        return _html(self._title(), self.changes) + (hazards if self.hazards else "")


@dataclass(frozen=True)
class Revision:
    """One entry of a project's history. changes has one line for each change."""

    number: int
    by: str
    at: datetime
    changes: tuple[str, ...]


class History(tuple[Revision, ...]):
    """A project's revisions, newest first. It prints as plumb history does."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(
            f"revision {r.number}, {r.at:%Y-%m-%dT%H:%M:%SZ}, by {r.by}\n  " + "\n  ".join(r.changes) for r in self
        )

    def _repr_html_(self) -> str:
        return html_table(
            ("REVISION", "AT", "BY", "CHANGES"),
            [(str(r.number), f"{r.at:%Y-%m-%dT%H:%M:%SZ}", r.by, "; ".join(r.changes)) for r in self],
        )


def hazards_of(documents: Iterable[Mapping[str, Any]]) -> tuple[Hazard, ...]:
    """Hazards from JSON."""
    return tuple(Hazard(d["code"], d["message"]) for d in documents)


def changes_of(documents: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Changes from the JSON of plumb plan and plumb apply."""
    return tuple(
        Change(
            d["action"],
            d["kind"],
            d["name"],
            tuple(Difference(x["field"], x["from"], x["to"]) for x in d.get("differences", ())),
            hazards_of(d.get("hazards", ())),
            tuple(ComputedOutput(**output) for output in d.get("outputs", ())),
        )
        for d in documents
    )


def changes_from(messages: Iterable[pb.Change]) -> tuple[Change, ...]:
    """Changes from the messages of RegistryService. In lower case, their enums are the words of plumb plan."""
    return tuple(
        Change(
            pb.Change.Action.Name(m.action).lower(),
            pb.Change.Kind.Name(m.kind).lower().replace("on_demand_view", "on-demand view"),
            m.name,
            tuple(Difference(d.field, getattr(d, "from"), d.to) for d in m.differences),
            tuple(Hazard(h.code, h.message) for h in m.hazards),
            tuple(
                ComputedOutput(
                    o.name,
                    df.Type.Name(o.type),
                    o.computes,
                    o.window.length,
                    o.window.hop,
                    o.window.longest,
                    o.window.offset,
                )
                for o in m.outputs
            ),
        )
        for m in messages
    )


def _text(title: str, changes: tuple[Change, ...]) -> str:
    return "\n".join([title, *(line for change in changes for line in change.lines())])


def _html(title: str, changes: tuple[Change, ...]) -> str:
    rows = [
        (
            c.action,
            c.kind,
            c.name,
            "; ".join(f"{d.field}: {d.before or 'none'} -> {d.after or 'none'}" for d in c.differences),
            "; ".join(f"{h.code} {h.message}" for h in c.hazards),
        )
        for c in changes
    ]
    return html_table((title, "KIND", "NAME", "DIFFERENCES", "HAZARDS"), rows)
