"""What other libraries raise leaves the client as its own exceptions, with the cause kept."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import pyarrow as pa

from plumb.errors import Error, Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])
    C = TypeVar("C", bound=type)

SHOWN = 60
"""How many letters of a text that is wrong are shown."""


class CallersOwn(Exception):  # noqa: N818 - it carries an error, and is none.
    """An exception that a function of the caller's raised, on its way to the caller, who gets it as it was."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def is_foreign(error: BaseException) -> bool:
    """Whether an exception has to be translated. KeyboardInterrupt and its like pass; a panic of polars does not."""
    polars = sys.modules.get("polars")
    panicked = polars is not None and isinstance(error, polars.exceptions.PanicException)
    return panicked or (isinstance(error, Exception) and not isinstance(error, (Error, CallersOwn)))


def words(error: BaseException) -> str:
    """What a foreign exception says, in one line."""
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object[:SHOWN]!r} is not valid Unicode: half a surrogate pair at {error.start}; replace it"
    if isinstance(error, UnicodeDecodeError):
        return "a text is not valid UTF-8; decode it first, or give bytes"
    text = " ".join("; ".join(str(each) for each in error.args).split())
    if isinstance(error, OverflowError):
        return f"a value is out of range: {text}"
    if isinstance(error, (Error, pa.ArrowException)):
        return text
    return f"{type(error).__name__}: {text}"


def translated(method: str, arguments: str, error: BaseException) -> Error:
    """The client's exception for a foreign one that nothing nearer to its cause has translated."""
    if isinstance(error, (OSError, grpc.RpcError, MemoryError)):
        return Fault(f"{method} failed: {words(error)}")
    given = f" ({arguments})" if arguments else ""
    if isinstance(error, (TypeError, ValueError, ArithmeticError, pa.ArrowException)):
        return InputError(
            f"{method} cannot work with what it was given{given}: {words(error)}; see help({method}) for what it takes"
        )
    return Fault(f"{method} failed{given}: {words(error)}; this is a mistake in plumb: report it with its traceback")


def guarded(function: F) -> F:
    """A public function out of which nothing but plumb.Error, and what the caller's own functions raise, comes.

    A call with an argument too many or too few is a TypeError, as of every function in Python.
    """
    signature = inspect.signature(function)
    name = function.__qualname__
    method = f"plumb.{name}"

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function has it.
        try:
            return function(*args, **kwargs)
        except CallersOwn as own:
            raise own.error from own.error.__cause__
        except BaseException as error:
            if not is_foreign(error):
                raise
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError:
                given = None
            if given is None:
                raise
            kinds = (f"{each}: {type(value).__name__}" for each, value in given.items() if each != "self")
            raise translated(method, ", ".join(kinds), error) from error

    guard: Any = call
    return guard  # type: ignore[no-any-return]


def guarded_methods(kind: C) -> C:
    """A class whose public methods and properties are all guarded."""
    for name, method in list(vars(kind).items()):
        if isinstance(method, property) and method.fget is not None and not name.startswith("_"):
            setattr(kind, name, property(guarded(method.fget), method.fset, method.fdel, method.__doc__))
        if inspect.isfunction(method) and not name.startswith("_") and not inspect.isgeneratorfunction(method):
            if getattr(method, "__isabstractmethod__", False):
                continue
            setattr(kind, name, guarded(method))
    return kind
