"""Shows the progress of a join: a line on a terminal, a bar in a notebook, or a function of the caller."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TextIO, TypeAlias

from plumbstore.foreign import CallersOwn

QUIET_SECONDS = 1.0
"""Joins that take less time show nothing."""
REDRAW_SECONDS = 0.1
BAR_CELLS = 30


@dataclass(frozen=True)
class Progress:
    """The progress of a join.

    step: what is being done, such as "reading view weather".
    rows, total: how many rows are done, and of how many, source and label rows together. If total is 0, it is not known
    yet.
    seconds: the time since the join began.
    """

    step: str
    rows: int
    total: int
    seconds: float


Wanted: TypeAlias = bool | Callable[[Progress], None] | None
"""What callers ask for: True, False, a function, or None to decide by where the program runs."""


class Display(Protocol):
    """A place that shows progress."""

    def show(self, text: str, share: float) -> None:
        """Replaces the text and the share that are shown."""

    def clear(self) -> None:
        """Removes what is shown."""


class Terminal:
    """One line on a terminal, which is overwritten."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._width = stream, 0

    def show(self, text: str, share: float) -> None:
        """Overwrites the line."""
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
        """Empties the output. A notebook cannot remove it."""
        self._put("")

    def _put(self, markup: str) -> None:
        if self._handle is None:
            self._handle = self._display(self._html_of(markup), display_id=True)
        else:
            self._handle.update(self._html_of(markup))


def display_here() -> Display | None:
    """Returns the display for where the program runs: a notebook, a terminal, or None."""
    if "ipykernel" in sys.modules and (ipython := sys.modules.get("IPython")) and ipython.get_ipython() is not None:
        from IPython.display import HTML, display

        return Notebook(display, HTML)
    return Terminal(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else None


class Reporter:
    """Passes progress to a function at once, or to a display after QUIET_SECONDS."""

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
        """Reports the progress of a join."""
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
        """Removes the display. It may be called more than once."""
        if self._display is not None and self._visible:
            self._display.clear()
            self._visible = False
