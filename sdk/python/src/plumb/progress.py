"""Showing how far a join is: a line on a terminal, a bar in a notebook, or whatever the caller wants."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TextIO, TypeAlias

from plumb.foreign import CallersOwn

QUIET_SECONDS = 1.0
"""Joins that are over sooner show nothing."""
REDRAW_SECONDS = 0.1
BAR_CELLS = 30


@dataclass(frozen=True)
class Progress:
    """How far a join is. Of total rows, source and label rows together, rows are done; a total of 0 is not known yet.
    seconds have passed since it began.
    """

    step: str
    rows: int
    total: int
    seconds: float


Wanted: TypeAlias = bool | Callable[[Progress], None] | None
"""What callers ask for: True or False, a function, or None to decide by where the program runs."""


class Display(Protocol):
    """Somewhere to show progress."""

    def show(self, text: str, share: float) -> None:
        """Replaces what is shown."""

    def clear(self) -> None:
        """Takes it away."""


class Terminal:
    """One line that is written over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._width = stream, 0

    def show(self, text: str, share: float) -> None:
        """Writes the line anew."""
        full = int(share * BAR_CELLS)
        line = f"[{'#' * full}{'.' * (BAR_CELLS - full)}] {text}"
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)

    def clear(self) -> None:
        """Leaves an empty line."""
        self._stream.write("\r" + " " * self._width + "\r")
        self._stream.flush()


class Notebook:
    """A bar below the cell."""

    def __init__(self, display: Callable[..., Any], html_of: Callable[[str], Any]) -> None:
        self._display, self._html_of, self._handle = display, html_of, None

    def show(self, text: str, share: float) -> None:
        """Shows the bar, or changes it."""
        self._put(f'<progress value="{share:.3f}" max="1"></progress> {html.escape(text)}')

    def clear(self) -> None:
        """Empties it; a notebook cannot take an output away."""
        self._put("")

    def _put(self, markup: str) -> None:
        if self._handle is None:
            self._handle = self._display(self._html_of(markup), display_id=True)
        else:
            self._handle.update(self._html_of(markup))


def display_here() -> Display | None:
    """The display that suits where the program runs: a notebook, a terminal, or none."""
    if "ipykernel" in sys.modules and (ipython := sys.modules.get("IPython")) and ipython.get_ipython() is not None:
        from IPython.display import HTML, display

        return Notebook(display, HTML)
    return Terminal(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else None


class Reporter:
    """Passes progress on, to a function as it comes, to a display once a join has taken a while."""

    def __init__(
        self, wanted: Wanted = None, display: Display | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._call = wanted if callable(wanted) else None
        self._display = display
        if display is None and not callable(wanted) and wanted is not False:
            self._display = display_here() or (Terminal(sys.stderr) if wanted else None)
        self._clock = clock
        self._began, self._drawn = clock(), 0.0
        self._visible = False

    def update(self, step: str, rows: int, total: int) -> None:
        """Tells that a join has come so far."""
        passed = self._clock() - self._began
        if self._call is not None:
            try:
                self._call(Progress(step, rows, total, passed))
            except Exception as error:
                raise CallersOwn(error) from error
        if self._display is None or passed < QUIET_SECONDS or (self._visible and passed - self._drawn < REDRAW_SECONDS):
            return
        share = min(rows / total, 1.0) if total else 0.0
        percent = f"{share:4.0%} " if total else ""
        self._display.show(f"{percent}{step}, {passed:.0f} s", share)
        self._visible, self._drawn = True, passed

    def done(self) -> None:
        """Takes the display away; may be called more than once."""
        if self._display is not None and self._visible:
            self._display.clear()
            self._visible = False
