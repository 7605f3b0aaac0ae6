"""Plumb: training sets and online look-ups that agree.

import plumb

store = plumb.connect("grpc://127.0.0.1:6570")     # a server; or plumb.local("path/to/project"), without one
train = store.historical(labels, service="delay_model").to_pandas()
vector = store.online(service="delay_model", keys={"origin": ["EWR"], ...}).to_pandas()
store.push("weather", observations)                # rows that cannot wait for the next materialization
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from plumb.arguments import seconds
from plumb.definitions import Entity, Feature, FeatureService, FeatureView, JoinKey, Listing, Source, ViewReference
from plumb.errors import (
    ConflictError,
    Error,
    Fault,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    Problem,
    SpentError,
    UnauthenticatedError,
    UnavailableError,
)
from plumb.foreign import guarded
from plumb.local import LocalStore
from plumb.manifests import Manifest
from plumb.plans import Applied, Change, Difference, Hazard, HazardError, History, Plan, Revision
from plumb.progress import Progress
from plumb.provenance import ViewProvenance
from plumb.pushed import Pushed, RefusedRow
from plumb.remote import RemoteStore
from plumb.result import Report, Result, ViewReport
from plumb.security import endpoint
from plumb.store import Store

if TYPE_CHECKING:
    import os

__version__ = version("plumb")

__all__ = [
    "Applied",
    "Change",
    "ConflictError",
    "Difference",
    "Entity",
    "Error",
    "Fault",
    "Feature",
    "FeatureService",
    "FeatureView",
    "Hazard",
    "HazardError",
    "History",
    "InputError",
    "JoinKey",
    "Listing",
    "Manifest",
    "NotFoundError",
    "PermissionDeniedError",
    "Plan",
    "PreconditionError",
    "Problem",
    "Progress",
    "Pushed",
    "RefusedRow",
    "Report",
    "Result",
    "Revision",
    "Source",
    "SpentError",
    "Store",
    "UnauthenticatedError",
    "UnavailableError",
    "ViewProvenance",
    "ViewReference",
    "ViewReport",
    "connect",
    "local",
]


@guarded
def connect(
    url: str,
    *,
    timeout: float = 10.0,
    token: str | None = None,
    ca: str | os.PathLike[str] | None = None,
    cert: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
) -> Store:
    """The store that a server at url, such as grpc://127.0.0.1:6570, or with TLS grpcs://…, serves: joins over Arrow
    Flight, the rest over gRPC, both at the one address.

    timeout: the seconds that the server has to answer for look-ups and registry reads; joins take as long as they take.
    token: who calls; it is not sent without TLS to another machine. ca: a PEM file with the authorities to trust, by
    default gRPC's own. cert, key: PEM files with a certificate to show and its private key.

    Raises InputError for a url or a file that is none, UnavailableError where nobody answers there, or not in TLS with
    a certificate that can be trusted. What the token allows shows at the first call that needs it: calls raise
    UnauthenticatedError or PermissionDeniedError.
    """
    return RemoteStore(endpoint(url, token, ca, cert, key), seconds("timeout", timeout))


@guarded
def local(path: str | os.PathLike[str] = ".", *, binary: str | os.PathLike[str] | None = None) -> Store:
    """The store in a project folder, without a server: calls run the plumb binary.

    binary: where that is; by default $PLUMB_BINARY, or plumb on PATH. Raises InputError where either is not there.
    """
    return LocalStore(path, binary)
