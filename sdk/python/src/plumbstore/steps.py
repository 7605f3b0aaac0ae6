"""Calls to a server as steps: what a method asks and makes of the replies, apart from how calls are made.

A method is a generator that yields a Call and is sent the reply, or has the call's plumb.Error raised in it. It
returns the method's result. plumb.connect runs the steps with blocking calls, and plumbstore.aio.connect with awaited
ones, so that both do the same.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from plumbstore.errors import Error, UnavailableError

if TYPE_CHECKING:
    from google.protobuf.message import Message

T = TypeVar("T")


class Call(NamedTuple):
    """One call: the full name of its method, the request, and the type of the reply. Only a call that can be repeated
    without another effect is repeatable.
    """

    method: str
    request: Message
    answer: type[Message]
    repeatable: bool = True


Steps: TypeAlias = Generator[Call, Any, T]


FIRST_WAIT = 0.1
"""The most seconds before the first repetition. They double with each one."""


class Deadline:
    """The time that the calls of one method have: limit seconds for all of them, or each seconds for each of them."""

    def __init__(self, limit: float | None, each: float) -> None:
        self.seconds = each if limit is None else limit
        self._limited = limit is not None
        self._end = time.monotonic() + self.seconds

    def begin(self) -> None:
        """Begins a call, which may be repeated."""
        if not self._limited:
            self._end = time.monotonic() + self.seconds

    def left(self) -> float:
        """Returns the seconds that are left, at least 0."""
        return max(self._end - time.monotonic(), 0.0)

    def wait(self, call: Call, repetition: int, retries: int, error: Error) -> float | None:
        """Returns the seconds to wait before a failed call is made again, or None if it is not. Callers wait between
        half and all of the time, so that those that failed together do not repeat together.
        """
        if not call.repeatable or repetition >= retries or not isinstance(error, UnavailableError) or error.timed_out:
            return None
        seconds = FIRST_WAIT * 2**repetition * random.uniform(0.5, 1)  # noqa: S311 - no secret depends on it.
        return seconds if seconds < self.left() else None
