"""The exceptions of the client.

Their two main kinds differ by who can fix the problem: an InputError can be fixed by the caller, a Fault by the
operator of the server, store or machine. For example, a misspelled feature is an InputError, and a server that cannot
be reached is a Fault. If the engine or the server reported the problem, the message is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plumbstore.pushed import Pushed


@dataclass(frozen=True)
class Problem:
    """One mistake in a definition file. line and column count from 1."""

    file: str
    line: int
    column: int
    message: str


class Error(Exception):
    """The base class of all exceptions of the client."""

    def __str__(self) -> str:
        """The message. Half a surrogate pair is escaped, so that the message can always be printed."""
        return super().__str__().encode("utf-8", "backslashreplace").decode()

    pushed: Pushed | None = None
    """The result for the rows that had been pushed, if Store.push failed after some rows; None otherwise."""
    printed: dict[str, Any] | None = None
    """The JSON document that the binary printed before it failed; None if it printed none."""


class InputError(Error):
    """The input is wrong. The same call will be refused again (exit code 3 of the command line)."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[Problem, ...] = tuple(problems)
        """Each mistake with its position, if the mistakes are in definition files."""


class NotFoundError(InputError):
    """Nothing with that name is registered."""


class PreconditionError(InputError):
    """The call is correct, but its subject is in the wrong state, such as a view that is not online."""


class UnauthenticatedError(InputError):
    """The server requires a token, and the call has none, or one that is unknown or not valid now."""


class PermissionDeniedError(PreconditionError):
    """The role of the token does not allow the call, or the server allows it to no one."""


class SpentError(InputError):
    """The rows of a result have already been streamed, and were not kept."""


class Fault(Error):  # noqa: N818 - the name that the command line uses.
    """The network, a disk, the server or Plumb itself failed (exit code 1 of the command line)."""


class UnavailableError(Fault):
    """A server, store or registry cannot be reached. The same call may succeed later."""

    timed_out: bool = False
    """Whether the time for the call was over."""


class ConflictError(Fault):
    """Another apply was made in the meantime. Plan again."""
