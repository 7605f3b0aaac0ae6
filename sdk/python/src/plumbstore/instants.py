"""Instants: microseconds since the epoch (R1)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from plumbstore.errors import InputError

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FIRST = (datetime.min.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)
LAST = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)
"""The first and the last instant of the years 1 to 9999."""


def instant(at: datetime | str) -> int:
    """Returns the microseconds since the epoch of a datetime or of ISO 8601 text. Without a zone, it is UTC (R1)."""
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at.replace("Z", "+00:00"))
        except ValueError as error:
            raise InputError(f"at: {at!r} is not an instant; write it like 2013-07-03T20:00:00Z") from error
    if not isinstance(at, datetime) or at != at:  # pandas' NaT is a datetime, and not equal to itself.
        raise InputError(f"at is a {type(at).__name__}; give a datetime, or text like 2013-07-03T20:00:00Z")
    aware = at if at.tzinfo is not None else at.replace(tzinfo=timezone.utc)
    micros = int((aware - _EPOCH) // timedelta(microseconds=1))
    if not FIRST <= micros <= LAST:
        raise InputError(f"at: {at.isoformat()} is outside the years 1 to 9999 in UTC")
    return micros


def rfc3339(micros: int) -> str:
    """Returns an instant as RFC 3339 text, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def python_time(text: str) -> str:
    """Returns an RFC 3339 time in the form that Python 3.10 reads, with a fraction of six digits or none."""
    whole, point, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}{point}{fraction[:6].ljust(6, '0') if point else ''}+00:00"
