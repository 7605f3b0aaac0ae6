"""The registered definitions, as plain values: entities, sources, feature views, on-demand views, feature services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, overload

from plumbstore.errors import NotFoundError
from plumbstore.tables import html_table, text_table
from plumbstore.v1 import definitions_pb2 as pb

if TYPE_CHECKING:
    from datetime import timedelta


class Definition(Protocol):
    """What the five kinds of definitions have in common."""

    @property
    def name(self) -> str:
        """Unique within its kind."""

    def cells(self) -> tuple[str, ...]:
        """A row of the kind's table, without the description."""

    @property
    def description(self) -> str:
        """The author's description; may be empty."""


@dataclass(frozen=True)
class JoinKey:
    """One typed key column (R9). If sensitive, audit logs contain a keyed hash instead of its values."""

    name: str
    type: str
    sensitive: bool = False


@dataclass(frozen=True)
class Entity:
    """What features describe: an airport, a customer. Its join keys identify one of them."""

    name: str
    join_keys: tuple[JoinKey, ...]
    description: str
    tags: Mapping[str, str]

    def cells(self) -> tuple[str, ...]:
        """Name and typed join keys."""
        return self.name, ", ".join(f"{key.name} {key.type}" for key in self.join_keys)


@dataclass(frozen=True)
class Source:
    """Where feature rows come from: files (path) or a query over other sources (query), never both."""

    name: str
    path: str | None
    query: str | None
    event_timestamp: str
    created_timestamp: str
    description: str
    tags: Mapping[str, str]

    def cells(self) -> tuple[str, ...]:
        """Name, kind and event time column."""
        return self.name, self.path if self.path is not None else "SQL", self.event_timestamp


@dataclass(frozen=True)
class Feature:
    """One typed value of a view, read from a column of its source. If sensitive, audit logs contain a keyed hash
    instead of its values.
    """

    name: str
    type: str
    column: str
    description: str
    tags: Mapping[str, str]
    sensitive: bool = False


@dataclass(frozen=True)
class FeatureView:
    """Features that come from one source and describe the same entities. ttl is None if look-back is unlimited."""

    name: str
    entities: tuple[str, ...]
    source: str
    ttl: timedelta | None
    online: bool
    features: tuple[Feature, ...]
    description: str
    tags: Mapping[str, str]

    def cells(self) -> tuple[str, ...]:
        """Name, entities, source, ttl and typed features."""
        features = ", ".join(f"{feature.name} {feature.type}" for feature in self.features)
        ttl = "-" if self.ttl is None else str(self.ttl)
        return self.name, ", ".join(self.entities) or "-", self.source, ttl, features


@dataclass(frozen=True)
class RequestInput:
    """A typed value that comes with a look-up. Label rows have it as a column. If sensitive, audit logs contain a keyed
    hash instead of its values.
    """

    name: str
    type: str
    description: str
    sensitive: bool = False


@dataclass(frozen=True)
class ViewInput:
    """A feature view whose features expressions read as alias.feature, with the label columns that its keys are read
    from.
    """

    view: str
    alias: str
    join_keys: Mapping[str, str]


@dataclass(frozen=True)
class ComputedFeature:
    """One typed value of an on-demand view, computed by a CEL expression. If sensitive, audit logs contain a keyed hash
    instead of its values.
    """

    name: str
    type: str
    expression: str
    description: str
    tags: Mapping[str, str]
    sensitive: bool = False


@dataclass(frozen=True)
class OnDemandView:
    """Features that are computed whenever they are asked for, from values of the request and from features of other
    views (R25).
    """

    name: str
    request: tuple[RequestInput, ...]
    views: tuple[ViewInput, ...]
    features: tuple[ComputedFeature, ...]
    description: str
    tags: Mapping[str, str]

    def cells(self) -> tuple[str, ...]:
        """Name, typed request inputs, views and typed features."""
        request = ", ".join(f"{each.name} {each.type}" for each in self.request)
        views = ", ".join(use.view if use.view == use.alias else f"{use.view} as {use.alias}" for use in self.views)
        features = ", ".join(f"{feature.name} {feature.type}" for feature in self.features)
        return self.name, request or "-", views or "-", features


@dataclass(frozen=True)
class ViewReference:
    """Features of one view of either kind, with the name and the label columns that a service gives it (R11). If
    features is empty, all features of the view are meant.
    """

    view: str
    alias: str
    join_keys: Mapping[str, str]
    features: tuple[str, ...]


@dataclass(frozen=True)
class FeatureService:
    """The named list of features that one model uses. With full_names, outputs are named view__feature (R10)."""

    name: str
    full_names: bool
    features: tuple[ViewReference, ...]
    description: str
    tags: Mapping[str, str]

    def cells(self) -> tuple[str, ...]:
        """Name and features."""
        uses = [f"{use.alias}:{{{','.join(use.features) or '*'}}}" for use in self.features]
        return self.name, " ".join(uses)


D = TypeVar("D", bound=Definition)


class Listing(Sequence[D], Generic[D]):
    """Definitions of one kind, indexed by name or position. It prints as a table."""

    def __init__(self, kind: str, heading: Sequence[str], definitions: Iterable[D]) -> None:
        self.kind = kind
        self._heading = (*heading, "DESCRIPTION")
        self._all = list(definitions)

    @overload
    def __getitem__(self, key: int | str) -> D: ...
    @overload
    def __getitem__(self, key: slice) -> list[D]: ...
    def __getitem__(self, key: int | str | slice) -> D | list[D]:
        """Returns a definition by position or by name. Raises NotFoundError for an unknown name."""
        if not isinstance(key, str):
            return self._all[key]
        for each in self._all:
            if each.name == key:
                return each
        raise NotFoundError(f'no {self.kind} is named "{key}"; there are {", ".join(self.names) or "none"}')

    def __len__(self) -> int:
        return len(self._all)

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return [each.name for each in self._all]

    def _rows(self) -> list[tuple[str, ...]]:
        return [(*each.cells(), each.description) for each in self._all]

    def __repr__(self) -> str:
        return text_table(self._heading, self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._heading, self._rows())


def entity(m: pb.Entity) -> Entity:
    """An entity from its message."""
    keys = tuple(JoinKey(key.name, type_name(key.type), key.sensitive) for key in m.join_keys)
    return Entity(m.name, keys, m.description, dict(m.tags))


def source(m: pb.Source) -> Source:
    """A source from its message."""
    kinds = ("parquet", "csv", "jsonl", "postgres", "iceberg", "delta")
    files = next((getattr(m, kind) for kind in kinds if m.HasField(kind)), None)
    path = files.path if files is not None else None
    query = m.sql.query if m.HasField("sql") else None
    return Source(m.name, path, query, m.event_timestamp, m.created_timestamp, m.description, dict(m.tags))


def feature_view(m: pb.FeatureView) -> FeatureView:
    """A feature view from its message. Absent fields get their defaults."""
    features = tuple(
        Feature(f.name, type_name(f.type), f.column or f.name, f.description, dict(f.tags), f.sensitive)
        for f in m.features
    )
    ttl = m.ttl.ToTimedelta() if m.HasField("ttl") else None
    online = m.online if m.HasField("online") else True
    return FeatureView(m.name, tuple(m.entities), m.source, ttl, online, features, m.description, dict(m.tags))


def on_demand_view(m: pb.OnDemandView) -> OnDemandView:
    """An on-demand view from its message. An absent alias becomes the view's name."""
    request = tuple(RequestInput(i.name, type_name(i.type), i.description, i.sensitive) for i in m.request)
    views = tuple(ViewInput(i.view, getattr(i, "as") or i.view, dict(i.join_keys)) for i in m.views)
    features = tuple(
        ComputedFeature(f.name, type_name(f.type), f.expression, f.description, dict(f.tags), f.sensitive)
        for f in m.features
    )
    return OnDemandView(m.name, request, views, features, m.description, dict(m.tags))


def feature_service(m: pb.FeatureService) -> FeatureService:
    """A feature service from its message. An absent alias becomes the view's name."""
    uses = tuple(
        ViewReference(r.view, getattr(r, "as") or r.view, dict(r.join_keys), tuple(r.features)) for r in m.features
    )
    return FeatureService(m.name, m.full_names, uses, m.description, dict(m.tags))


def type_name(declared: int) -> str:
    """The name of a declared type, such as INT64."""
    return pb.Type.Name(declared)


M = TypeVar("M")


def entities(messages: Iterable[pb.Entity]) -> Listing[Entity]:
    """A listing of entities."""
    return _listing("entity", ("NAME", "JOIN KEYS"), messages, entity)


def sources(messages: Iterable[pb.Source]) -> Listing[Source]:
    """A listing of sources."""
    return _listing("source", ("NAME", "FROM", "EVENT TIME"), messages, source)


def feature_views(messages: Iterable[pb.FeatureView]) -> Listing[FeatureView]:
    """A listing of feature views."""
    return _listing("feature view", ("NAME", "ENTITIES", "SOURCE", "TTL", "FEATURES"), messages, feature_view)


def on_demand_views(messages: Iterable[pb.OnDemandView]) -> Listing[OnDemandView]:
    """A listing of on-demand views."""
    return _listing("on-demand view", ("NAME", "REQUEST", "VIEWS", "FEATURES"), messages, on_demand_view)


def feature_services(messages: Iterable[pb.FeatureService]) -> Listing[FeatureService]:
    """A listing of feature services."""
    return _listing("feature service", ("NAME", "FEATURES"), messages, feature_service)


def _listing(kind: str, heading: Sequence[str], messages: Iterable[M], make: Callable[[M], D]) -> Listing[D]:
    return Listing(kind, heading, (make(message) for message in messages))
