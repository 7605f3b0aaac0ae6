"""Progress is passed to functions at once, and shown only for joins that take a while."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

import plumbstore as plumb
from plumbstore.progress import Notebook, Progress, Reporter, Terminal


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_short_join_shows_nothing() -> None:
    stream, clock = io.StringIO(), Clock()
    reporter = Reporter(display=Terminal(stream), clock=clock)
    clock.now = 0.9
    reporter.update("reading view weather", 1, 10)
    reporter.done()
    assert stream.getvalue() == ""


def test_a_long_join_shows_a_line_and_takes_it_away() -> None:
    stream, clock = io.StringIO(), Clock()
    reporter = Reporter(display=Terminal(stream), clock=clock)
    clock.now = 2.0
    reporter.update("reading view weather", 5, 10)
    shown = stream.getvalue()
    assert shown == "\r[###############...............]  50% reading view weather, 2 s"
    reporter.done()
    assert stream.getvalue()[len(shown) :] == "\r" + " " * (len(shown) - 1) + "\r"


def test_a_total_that_is_not_known_shows_no_share() -> None:
    stream, clock = io.StringIO(), Clock()
    reporter = Reporter(display=Terminal(stream), clock=clock)
    clock.now = 2.0
    reporter.update("planning", 0, 0)
    assert stream.getvalue().endswith("] planning, 2 s")


def test_a_notebook_shows_one_bar() -> None:
    shown: list[str] = []

    class Handle:
        def update(self, markup: str) -> None:
            shown.append(markup)

    def display(markup: str, display_id: bool) -> Any:
        assert display_id
        shown.append(markup)
        return Handle()

    clock = Clock()
    reporter = Reporter(display=Notebook(display, str), clock=clock)
    for clock.now in (2.0, 2.05, 3.0):
        reporter.update("reading view <weather>", int(clock.now), 4)
    reporter.done()
    assert shown == [
        '<progress value="0.500" max="1"></progress>  50% reading view &lt;weather&gt;, 2 s',
        '<progress value="0.750" max="1"></progress>  75% reading view &lt;weather&gt;, 3 s',
        "",
    ]


def test_a_function_is_called_with_the_progress(store: plumb.Store, labels: pd.DataFrame) -> None:
    told: list[Progress] = []
    many = pd.concat([labels] * 50)
    store.historical(many, service="delay_model", progress=told.append).to_arrow()
    assert all(update.step and update.seconds >= 0 for update in told)
    # A step whose total is not known, such as reading digests, has no rows.
    rows = [update.rows for update in told if update.total]
    assert rows == sorted(rows)
