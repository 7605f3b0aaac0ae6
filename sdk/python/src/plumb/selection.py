"""What a request selects: its key columns and its outputs, with their declared types.

Outputs are identified by their position in the selection. The engine names them and refuses collisions (R10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plumb.definitions import Entity, FeatureService, FeatureView, ViewReference
from plumb.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Output:
    """One feature of the answer."""

    alias: str
    feature: str
    type: str


@dataclass(frozen=True)
class Selection:
    """Key columns by name, with their declared types, and outputs in order."""

    keys: dict[str, str]
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Registered:
    """Functions that look up a definition by name. Each raises NotFoundError for an unknown name."""

    service: Callable[[str], FeatureService]
    view: Callable[[str], FeatureView]
    entity: Callable[[str], Entity]


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
    outputs: list[Output] = []
    for use in uses:
        view = registered.view(use.view)
        for name in view.entities:
            for key in registered.entity(name).join_keys:
                keys.setdefault(use.join_keys.get(key.name, key.name), key.type)
        outputs += _outputs(view, use)
    return Selection(keys, tuple(outputs))


def _reference(reference: str) -> ViewReference:
    view, colon, feature = reference.partition(":")
    if not (view and colon and feature):
        raise InputError(f'features: "{reference}" is not of the form view:feature or view:*')
    return ViewReference(view, view, {}, () if feature == "*" else (feature,))


def _outputs(view: FeatureView, use: ViewReference) -> list[Output]:
    types = {feature.name: feature.type for feature in view.features}
    for name in use.features:
        if name not in types:
            raise NotFoundError(f'no feature of view {view.name} is named "{name}"; it has {", ".join(types)}')
    return [Output(use.alias, name, types[name]) for name in use.features or types]
