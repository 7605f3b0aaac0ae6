"""The calls that read and change the registry, as steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timezone
from typing import TYPE_CHECKING

from plumbstore import arguments, plans
from plumbstore import definitions as defs
from plumbstore.definitionfiles import files_of
from plumbstore.errors import PermissionDeniedError, PreconditionError
from plumbstore.steps import Call
from plumbstore.store import author
from plumbstore.v1 import registry_service_pb2 as rs

if TYPE_CHECKING:
    import os

    from plumbstore.steps import Steps

REGISTRY = "/plumb.v1.RegistryService/"


def entities() -> Steps[defs.Listing[defs.Entity]]:
    """All registered entities, by name."""
    reply = yield Call(f"{REGISTRY}ListEntities", rs.ListEntitiesRequest(), rs.ListEntitiesResponse)
    return defs.entities(reply.entities)


def sources() -> Steps[defs.Listing[defs.Source]]:
    """All registered sources, by name."""
    reply = yield Call(f"{REGISTRY}ListSources", rs.ListSourcesRequest(), rs.ListSourcesResponse)
    return defs.sources(reply.sources)


def feature_views() -> Steps[defs.Listing[defs.FeatureView]]:
    """All registered feature views, by name."""
    reply = yield Call(f"{REGISTRY}ListFeatureViews", rs.ListFeatureViewsRequest(), rs.ListFeatureViewsResponse)
    return defs.feature_views(reply.feature_views)


def on_demand_views() -> Steps[defs.Listing[defs.OnDemandView]]:
    """All registered on-demand views, by name."""
    reply = yield Call(f"{REGISTRY}ListOnDemandViews", rs.ListOnDemandViewsRequest(), rs.ListOnDemandViewsResponse)
    return defs.on_demand_views(reply.on_demand_views)


def feature_services() -> Steps[defs.Listing[defs.FeatureService]]:
    """All registered feature services, by name."""
    reply = yield Call(
        f"{REGISTRY}ListFeatureServices", rs.ListFeatureServicesRequest(), rs.ListFeatureServicesResponse
    )
    return defs.feature_services(reply.feature_services)


def entity(name: str) -> Steps[defs.Entity]:
    """One entity. Raises NotFoundError."""
    request = rs.GetEntityRequest(name=arguments.text("name", name))
    reply = yield Call(f"{REGISTRY}GetEntity", request, rs.GetEntityResponse)
    return defs.entity(reply.entity)


def source(name: str) -> Steps[defs.Source]:
    """One source. Raises NotFoundError."""
    request = rs.GetSourceRequest(name=arguments.text("name", name))
    reply = yield Call(f"{REGISTRY}GetSource", request, rs.GetSourceResponse)
    return defs.source(reply.source)


def feature_view(name: str) -> Steps[defs.FeatureView]:
    """One feature view. Raises NotFoundError."""
    request = rs.GetFeatureViewRequest(name=arguments.text("name", name))
    reply = yield Call(f"{REGISTRY}GetFeatureView", request, rs.GetFeatureViewResponse)
    return defs.feature_view(reply.feature_view)


def on_demand_view(name: str) -> Steps[defs.OnDemandView]:
    """One on-demand view. Raises NotFoundError."""
    request = rs.GetOnDemandViewRequest(name=arguments.text("name", name))
    reply = yield Call(f"{REGISTRY}GetOnDemandView", request, rs.GetOnDemandViewResponse)
    return defs.on_demand_view(reply.on_demand_view)


def feature_service(name: str) -> Steps[defs.FeatureService]:
    """One feature service. Raises NotFoundError."""
    request = rs.GetFeatureServiceRequest(name=arguments.text("name", name))
    reply = yield Call(f"{REGISTRY}GetFeatureService", request, rs.GetFeatureServiceResponse)
    return defs.feature_service(reply.feature_service)


def revision() -> Steps[int]:
    """The number of the newest revision, 0 if nothing is applied yet."""
    reply = yield Call(f"{REGISTRY}History", rs.HistoryRequest(limit=1), rs.HistoryResponse)
    return reply.revisions[0].revision if reply.revisions else 0


def history() -> Steps[plans.History]:
    """The project's revisions, newest first."""
    reply = yield Call(f"{REGISTRY}History", rs.HistoryRequest(), rs.HistoryResponse)
    return plans.History(
        plans.Revision(r.revision, r.by, r.at.ToDatetime(timezone.utc), tuple(r.changes)) for r in reply.revisions
    )


def plan(definitions: str | os.PathLike[str] | None) -> Steps[plans.Plan]:
    """Returns what apply would change; see Store.plan."""
    reply = yield Call(f"{REGISTRY}Plan", rs.PlanRequest(files=files_of(definitions)), rs.PlanResponse)
    return plans.Plan(reply.project, reply.base, plans.changes_from(reply.changes))


def apply(definitions: str | os.PathLike[str] | None, yes: bool) -> Steps[plans.Applied]:
    """Applies the definitions as the project's next revision; see Store.apply."""
    files = files_of(definitions)
    request = rs.ApplyRequest(files=files, allow_hazards=arguments.flag("yes", yes), author=author())
    try:
        reply = yield Call(f"{REGISTRY}Apply", request, rs.ApplyResponse, repeatable=False)
    except PermissionDeniedError:
        raise
    except PreconditionError:
        planned = yield from plan(definitions)
        if yes or not planned.hazards:
            raise
        raise plans.HazardError(planned) from None
    hazards = tuple(plans.Hazard(h.code, h.message) for change in reply.changes for h in change.hazards)
    harmless = [replace(change, hazards=()) for change in plans.changes_from(reply.changes)]
    return plans.Applied(reply.project, reply.revision, tuple(harmless), hazards)
