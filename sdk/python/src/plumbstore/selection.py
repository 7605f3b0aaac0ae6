"""What a request selects: its key columns, its request inputs and its outputs, with their declared types.

Outputs are identified by their position in the selection. The engine names them and refuses collisions (R10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plumbstore.definitions import Entity, FeatureService, FeatureView, OnDemandView, Source, ViewReference
from plumbstore.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True)
class Output:
    """One feature of the answer. If computed, it is from an on-demand view and no stored row."""

    alias: str
    feature: str
    type: str
    computed: bool


@dataclass(frozen=True)
class Selection:
    """Key columns and request inputs by name, with their declared types, and outputs in order.

    Those of an on-demand view are all that its features may read. Which of them the selected features do read is known
    only to the engine, which refuses missing and surplus columns.
    """

    keys: dict[str, str]
    inputs: dict[str, str]
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Registered:
    """Functions that look up a definition by name. Each raises NotFoundError for an unknown name."""

    service: Callable[[str], FeatureService]
    view: Callable[[str], FeatureView]
    on_demand_view: Callable[[str], OnDemandView]
    entity: Callable[[str], Entity]
    source: Callable[[str], Source]


def check_wanted(service: str | None, features: Sequence[str] | None) -> None:
    """Raises InputError unless exactly one of the two is given."""
    if not service and not features:
        raise InputError("say what is wanted: service='name', or features=['view:feature', …]")
    if service is not None and features:
        raise InputError("service and features exclude each other; give one of them")


def select(registered: Registered, service: str | None, features: Sequence[str] | None) -> Selection:
    """Resolves a service, or references "view:feature" and "view:*". Raises NotFoundError and InputError."""
    uses: Sequence[ViewReference] = [_reference(each) for each in features or ()]
    if service is not None:
        uses = registered.service(service).features
    keys: dict[str, str] = {}
    inputs: dict[str, str] = {}
    outputs: list[Output] = []
    for use in uses:
        view = _view(registered, use.view)
        for column, declared in _keys(registered, view):
            keys.setdefault(use.join_keys.get(column, column), declared)
        for each in view.request if isinstance(view, OnDemandView) else ():
            inputs.setdefault(use.join_keys.get(each.name, each.name), each.type)
        outputs += _outputs(view, use)
    return Selection(keys, inputs, tuple(outputs))


def _view(registered: Registered, name: str) -> FeatureView | OnDemandView:
    """Returns the feature view or on-demand view of a name. Raises the NotFoundError that suggests another name, if one
    does.
    """
    try:
        return registered.view(name)
    except NotFoundError as error:
        try:
            return registered.on_demand_view(name)
        except NotFoundError as other:
            raise (other if "did you mean" in str(other) else error) from None


def _keys(registered: Registered, view: FeatureView | OnDemandView) -> Iterator[tuple[str, str]]:
    """Returns the label columns that the keys of a view are read from, with their declared types."""
    if isinstance(view, FeatureView):
        for name in view.entities:
            for key in registered.entity(name).join_keys:
                yield key.name, key.type
        return
    for use in view.views:
        for column, declared in _keys(registered, registered.view(use.view)):
            yield use.join_keys.get(column, column), declared


def _reference(reference: str) -> ViewReference:
    view, colon, feature = reference.partition(":")
    if not (view and colon and feature):
        raise InputError(f'features: "{reference}" is not of the form view:feature or view:*')
    return ViewReference(view, view, {}, () if feature == "*" else (feature,))


def _outputs(view: FeatureView | OnDemandView, use: ViewReference) -> list[Output]:
    types = {feature.name: feature.type for feature in view.features}
    for name in use.features:
        if name not in types:
            raise NotFoundError(f'no feature of view {view.name} is named "{name}"; it has {", ".join(types)}')
    computed = isinstance(view, OnDemandView)
    return [Output(use.alias, name, types[name], computed) for name in use.features or types]
