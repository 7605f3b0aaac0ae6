"""The statuses of failed calls: those of gRPC, and the errors of pyarrow that stand for them."""

from __future__ import annotations

import re
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.flight as fl


def status_of(error: Any) -> tuple[grpc.StatusCode, str]:  # noqa: ANN401 - grpc.Call has no types for its methods.
    """Returns the status of a failed call, and its message."""
    return error.code(), error.details() or ""


def never_reached(message: str) -> bool:
    """Reports whether UNAVAILABLE is from gRPC itself, because it got no connection, and not from the server."""
    begins = r"failed to connect|DNS resolution|errors resolving|connections to all"
    return re.match(begins, message, re.IGNORECASE) is not None


def was_lost(message: str) -> bool:
    """Reports whether UNAVAILABLE is from gRPC itself, because the connection ended, and not from the server."""
    ends = r"Stream removed|Socket closed|Connection|recvmsg|End of TCP|Broken pipe|GOAWAY"
    return re.match(ends, message, re.IGNORECASE) is not None


def flight_code(error: BaseException) -> grpc.StatusCode:
    """Returns the status for an error of pyarrow."""
    for kind, code in (
        (fl.FlightUnavailableError, grpc.StatusCode.UNAVAILABLE),
        (fl.FlightTimedOutError, grpc.StatusCode.DEADLINE_EXCEEDED),
        (fl.FlightUnauthenticatedError, grpc.StatusCode.UNAUTHENTICATED),
        (fl.FlightUnauthorizedError, grpc.StatusCode.PERMISSION_DENIED),
        (pa.ArrowKeyError, grpc.StatusCode.NOT_FOUND),
        (pa.ArrowInvalid, grpc.StatusCode.INVALID_ARGUMENT),
        (pa.ArrowNotImplementedError, grpc.StatusCode.UNIMPLEMENTED),
    ):
        if isinstance(error, kind):
            return code
    return grpc.StatusCode.INTERNAL


def flight_message(error: BaseException) -> str:
    """Returns the message of the server, without what gRPC and pyarrow add to it."""
    message = str(error)
    found = re.search(r"returned [a-z ]+ error(?:, with message)?:? (.*)", message, re.DOTALL)
    message = found[1] if found else message
    return re.split(r"\.? (?:gRPC client debug context|Client context|Detail): ", message)[0]
