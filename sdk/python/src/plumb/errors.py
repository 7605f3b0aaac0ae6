"""What goes wrong, by who can mend it: an InputError by the caller, a Fault by whoever runs the machines.

The words are those of the engine or the server wherever they have spoken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plumb.pushed import Pushed


@dataclass(frozen=True)
class Problem:
    """One mistake in a definition file; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str


class Error(Exception):
    """Whatever Plumb refuses or fails at."""

    def __str__(self) -> str:
        """The words, which can always be printed: half a surrogate pair is an escape."""
        return super().__str__().encode("utf-8", "backslashreplace").decode()

    pushed: Pushed | None = None
    """Where Store.push failed after some rows were pushed: what became of those."""
    printed: dict[str, Any] | None = None
    """What the binary had printed before it failed, where it was a document."""


class InputError(Error):
    """What was given is wrong; the same call will be refused again (exit code 3 of the command line)."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[Problem, ...] = tuple(problems)
        """Each mistake with its place, where the mistakes are in definition files."""


class NotFoundError(InputError):
    """Nothing of that name is registered."""


class PreconditionError(InputError):
    """The call is right, but what it is about is not in a state to answer it, such as a view that is not online."""


class UnauthenticatedError(InputError):
    """The server wants a token, and none was given that it knows or that is valid now."""


class PermissionDeniedError(PreconditionError):
    """The token's role does not suffice, or the server does this for nobody."""


class SpentError(InputError):
    """The rows of a result were streamed already, and were not kept."""


class Fault(Error):  # noqa: N818 - it is the word that the command line has for it.
    """The network, a disk, the server or Plumb itself failed (exit code 1 of the command line)."""


class UnavailableError(Fault):
    """A server, store or registry cannot be reached; the same call may succeed later."""


class ConflictError(Fault):
    """Somebody else applied in the meantime; plan again."""
