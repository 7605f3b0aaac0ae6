"""Translates exceptions of other libraries into those of the client, with the original as the cause."""

from __future__ import annotations

import functools
import inspect
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import pyarrow as pa

from plumbstore.errors import Error, Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    F = TypeVar("F", bound=Callable[..., Any])
    C = TypeVar("C", bound=type)

SHOWN = 60
"""The number of characters shown of a wrong text."""


class CallersOwn(Exception):  # noqa: N818 - it carries an error and is not one itself.
    """Carries an exception that one of the caller's functions raised through the client, so that the caller gets it
    unchanged.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def is_foreign(error: BaseException) -> bool:
    """Reports whether an exception has to be translated: not KeyboardInterrupt and the like, but a panic of polars."""
    polars = sys.modules.get("polars")
    panicked = polars is not None and isinstance(error, polars.exceptions.PanicException)
    return panicked or (isinstance(error, Exception) and not isinstance(error, (Error, CallersOwn)))


def message_of(error: BaseException) -> str:
    """Returns the message of a foreign exception in one line."""
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
    """Returns the client's exception for a foreign one that no code nearer to its cause has translated."""
    if isinstance(error, (OSError, grpc.RpcError, MemoryError)):
        return Fault(f"{method} failed: {message_of(error)}")
    given = f" ({arguments})" if arguments else ""
    if isinstance(error, (TypeError, ValueError, ArithmeticError, pa.ArrowException)):
        return InputError(f"{method} cannot use its arguments{given}: {message_of(error)}; see help({method})")
    return Fault(f"{method} failed{given}: {message_of(error)}; this is a bug in plumb: report it with its traceback")


def guarded(function: F) -> F:
    """Wraps a public function so that it raises only plumb.Error, and the exceptions of the caller's own functions.

    A call with too many or too few arguments raises TypeError, as with every function in Python.
    """
    signature = inspect.signature(function)
    method = f"plumb.{function.__qualname__}"

    @contextmanager
    def guarding(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[None]:
        try:
            yield
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

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function has it.
        with guarding(args, kwargs):
            return function(*args, **kwargs)

    @functools.wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function has it.
        with guarding(args, kwargs):
            return await function(*args, **kwargs)

    guard: Any = awaited if inspect.iscoroutinefunction(function) else call
    return guard  # type: ignore[no-any-return]


def guarded_methods(kind: C) -> C:
    """Wraps all public methods and properties of a class with guarded."""
    for name, method in list(vars(kind).items()):
        if isinstance(method, property) and method.fget is not None and not name.startswith("_"):
            setattr(kind, name, property(guarded(method.fget), method.fset, method.fdel, method.__doc__))
        if inspect.isfunction(method) and not name.startswith("_") and not inspect.isgeneratorfunction(method):
            if getattr(method, "__isabstractmethod__", False):
                continue
            setattr(kind, name, guarded(method))
    return kind
