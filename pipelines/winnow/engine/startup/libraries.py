"""Libraries that take long to load, begun beside the first stages of a build."""

import threading
from contextlib import suppress
from functools import cache

from winnow.audit.expectations import met_expectations, without_analytics
from winnow.audit.gates.keys import ROWS


@cache
def preload_great_expectations() -> None:
    """Begin to load Great Expectations beside other work, once: alone it takes over a second."""
    without_analytics()
    threading.Thread(target=_judge_one, daemon=True, name="great-expectations").start()


def _judge_one() -> None:
    """Judge a figure: much is loaded only then. What goes wrong now is told when it is needed."""
    with suppress(Exception):
        # Two contexts at once are safe from 1.24 on: each expectation knows the one that it is of.
        met_expectations([(ROWS.figure(1), ROWS.bounds)], "preload")
