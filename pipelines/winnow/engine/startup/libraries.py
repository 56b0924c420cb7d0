"""Libraries that take long to load, begun beside the first stages of a build."""

import threading
from contextlib import suppress
from functools import cache

from winnow.audit.expectations import Bounded, met_expectations, without_analytics
from winnow.audit.figure import Figure
from winnow.config.gate_rules import Between


@cache
def preload_great_expectations() -> None:
    """Begin to load Great Expectations beside other work, once: alone it takes over a second."""
    without_analytics()
    threading.Thread(target=_judge_one, daemon=True, name="great-expectations").start()


def _judge_one() -> None:
    """Judge a figure: much is loaded only then. What goes wrong now is told when it is needed."""
    with suppress(Exception):
        # Two contexts at once are safe from 1.24 on: each expectation knows the one that it is of.
        met_expectations([Bounded(Figure("rows", 1), Between(least=1), None)], "preload")
