"""Plumb: training sets and online look-ups that agree.

import plumbstore as plumb

store = plumb.connect("grpc://127.0.0.1:6570")     # a server; or plumb.local("path/to/project"), without one
train = store.historical(labels, service="delay_model").to_pandas()
vector = store.online(service="delay_model", keys={"origin": ["EWR"], ...}).to_pandas()
store.push("weather", observations)                # rows that are needed before the next materialization
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from plumbstore.arguments import count, seconds
from plumbstore.definitions import (
    ComputedFeature,
    Entity,
    Feature,
    FeatureService,
    FeatureView,
    JoinKey,
    Listing,
    OnDemandView,
    RequestInput,
    Source,
    ViewInput,
    ViewReference,
)
from plumbstore.errors import (
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
from plumbstore.foreign import guarded
from plumbstore.local import LocalStore
from plumbstore.manifests import Manifest, manifest
from plumbstore.plans import Applied, Change, ComputedOutput, Difference, Hazard, HazardError, History, Plan, Revision
from plumbstore.progress import Progress
from plumbstore.provenance import ComputedProvenance, ViewProvenance
from plumbstore.pushed import Pushed, RefusedRow
from plumbstore.remote import RemoteStore
from plumbstore.report import InvalidValues, Report, ViewReport
from plumbstore.result import Result
from plumbstore.security import endpoint
from plumbstore.store import Store

if TYPE_CHECKING:
    import os

__version__ = version("plumbstore")

__all__ = [
    "Applied",
    "Change",
    "ComputedFeature",
    "ComputedOutput",
    "ComputedProvenance",
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
    "InvalidValues",
    "JoinKey",
    "Listing",
    "Manifest",
    "NotFoundError",
    "OnDemandView",
    "PermissionDeniedError",
    "Plan",
    "PreconditionError",
    "Problem",
    "Progress",
    "Pushed",
    "RefusedRow",
    "Report",
    "RequestInput",
    "Result",
    "Revision",
    "Source",
    "SpentError",
    "Store",
    "UnauthenticatedError",
    "UnavailableError",
    "ViewInput",
    "ViewProvenance",
    "ViewReference",
    "ViewReport",
    "connect",
    "local",
    "manifest",
]


@guarded
def connect(
    url: str,
    *,
    timeout: float = 10.0,
    retries: int = 3,
    token: str | None = None,
    ca: str | os.PathLike[str] | None = None,
    cert: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
) -> Store:
    """Returns the store served at url, such as grpc://127.0.0.1:6570, or grpcs://… for TLS. Joins use Arrow Flight and
    all other calls use gRPC, at the same address.

    timeout: how many seconds the server has to answer a look-up, a push or a call to the registry. Joins have no limit.
    retries: how often a look-up or a read of the registry is repeated if the server cannot be reached, or says that a
    store behind it cannot. It waits before each repetition, up to 0.1 s and then twice as long each time, but never
    beyond the timeout. What changes something is not repeated.
    token: identifies the caller. Without TLS it is sent only to this machine.
    ca: a PEM file with the certificate authorities to trust; by default those of gRPC.
    cert, key: PEM files with the client certificate and its private key.

    Raises InputError for a wrong url or file, and UnavailableError if no server answers, or if TLS fails because its
    certificate is not trusted. The token is not checked here: a call that it does not allow raises
    UnauthenticatedError or PermissionDeniedError.

    The store can be pickled, for workers in other processes. The pickle has the address, timeout, retries and the paths
    of the files, but no token and no key: a worker reads the files again, and takes the token of a store that has one
    from the environment variable PLUMB_TOKEN. Unpickling connects.
    """
    return RemoteStore(endpoint(url, token, ca, cert, key), seconds("timeout", timeout), count("retries", retries))


@guarded
def local(path: str | os.PathLike[str] = ".", *, binary: str | os.PathLike[str] | None = None) -> Store:
    """Returns the store in a project folder, without a server: each call runs the plumb binary.

    binary: the path of the binary; by default $PLUMB_BINARY, or plumb on PATH.

    Raises InputError if the folder or the binary does not exist.
    """
    return LocalStore(path, binary)
