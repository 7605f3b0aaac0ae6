"""The errors of calls to a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from plumbstore.errors import (
    ConflictError,
    Error,
    Fault,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
    UnavailableError,
)
from plumbstore.statuses import never_reached, status_of, was_lost

if TYPE_CHECKING:
    from plumbstore.security import Endpoint

HEALTH = "/grpc.health.v1.Health/Check"
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),  # A server that restarts is found by repeated calls.
]
"""The options of channels."""

_CODES: dict[grpc.StatusCode, type[InputError] | type[Fault]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InputError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: InputError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.FAILED_PRECONDITION: PreconditionError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.ABORTED: ConflictError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
}


def of_grpc(endpoint: Endpoint, error: grpc.RpcError, seconds: float) -> Error:
    """Returns the client's error for a call that failed, and that had so many seconds."""
    if not hasattr(error, "code"):
        return Fault(f"{endpoint.address}: {error}")
    return of_code(endpoint, *status_of(error), seconds)


def of_code(endpoint: Endpoint, code: grpc.StatusCode, message: str, seconds: float) -> Error:
    """Returns the client's error for a status."""
    address = endpoint.address
    if code == grpc.StatusCode.UNAVAILABLE and never_reached(message):
        return UnavailableError(f"no server answers at {address}; start one with plumb serve ({message})")
    if code == grpc.StatusCode.UNAVAILABLE and was_lost(message):
        return UnavailableError(
            f"the connection to {address} was lost before the answer was complete; try again ({message})"
        )
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        late = UnavailableError(
            f"{address} did not answer within {seconds:g} s; give the call or connect a longer timeout ({message})"
        )
        late.timed_out = True
        return late
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return Fault(f"{address} does not serve this: {message}; is it a plumb server of this version?")
    return _CODES.get(code, Fault)(message)
