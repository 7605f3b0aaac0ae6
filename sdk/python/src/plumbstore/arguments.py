"""Checks of the arguments that callers pass. The error for a wrong argument names it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from plumbstore.errors import InputError
from plumbstore.foreign import message_of


def text(name: str, value: object) -> str:
    """Returns text that can be sent. Raises InputError if value is not a str, or contains half a surrogate pair."""
    if not isinstance(value, str):
        raise InputError(f"{name} is a {type(value).__name__}, {str(value)[:60]!r}; give text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: {message_of(error)}") from error
    return value


def flag(name: str, value: object) -> bool:
    """Returns a bool. value may be a bool of Python or of numpy."""
    numpy = sys.modules.get("numpy")
    if isinstance(value, bool) or (numpy is not None and isinstance(value, numpy.bool_)):
        return bool(value)
    raise InputError(f"{name} is a {type(value).__name__}, {str(value)[:60]!r}; give True or False")


def path(name: str, value: object) -> Path:
    """Returns a path that can be passed to the operating system."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise InputError(f"{name} is a {type(value).__name__}; give a path, as text or as a pathlib.Path")
    if os.fspath(value).startswith(("s3://", "gs://")):
        raise InputError(
            f"{name}: {value} is an object, and the Python client reads and writes files; "
            "name a file, or run plumb historical with the object"
        )
    given = Path(value)
    try:
        encoded = os.fsencode(given)
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: {message_of(error)}") from error
    if b"\0" in encoded:
        raise InputError(f"{name}: {str(given)!r} contains a NUL, which a path cannot contain")
    return given


def references(features: object, name: str = "features") -> tuple[str, ...]:
    """Returns the requested features, given as any iterable of texts."""
    if features is None:
        return ()
    if isinstance(features, str):
        raise InputError(f"{name} is the text {features!r}; give a list, such as [{features!r}]")
    if isinstance(features, bytes) or not isinstance(features, Iterable):
        raise InputError(f"{name} is a {type(features).__name__}; give a list, such as ['view:feature']")
    return tuple(text(f"{name}[{place}]", each) for place, each in enumerate(features))


def count(name: str, value: object) -> int:
    """Returns a number of things, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{name} is {str(value)[:60]!r}; give 0 or a positive integer")
    return value


def seconds(name: str, value: object) -> float:
    """Returns a timeout, a positive number of seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise InputError(f"{name} is {str(value)[:60]!r}; give a positive number of seconds")
    return value
