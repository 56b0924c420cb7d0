"""What the audit needs and takes long to load, begun beside the first stages of a build."""

import threading
from contextlib import suppress
from functools import cache

import numpy as np
import pyarrow as pa

from winnow.audit.expectations import Bounded, met_expectations, without_analytics
from winnow.audit.figure import Figure
from winnow.audit.recompute.draws import Negatives, Weighed, examine
from winnow.audit.recompute.kernels.ranking_lists import Logged, StageRules, Stated, look_up
from winnow.config.gate_rules import Between


@cache
def load_early() -> None:
    """Begin to load Great Expectations beside other work, once: alone it takes over a second."""
    without_analytics()
    threading.Thread(target=_judge_one, daemon=True, name="great-expectations").start()


def _judge_one() -> None:
    """Judge a figure: much is loaded only then. What goes wrong now is told when it is needed."""
    with suppress(Exception):
        # Two contexts at once are safe from 1.24 on: each expectation knows the one that it is of.
        met_expectations([Bounded(Figure("rows", 1), Between(least=1), None)], "early")


def rehearse() -> None:
    """Load the kernels: compare one negative with one impression, find it in a list of one."""
    one, user = np.ones(1, np.int64), np.zeros(1, np.int32)
    # A kernel is another one for arrays that cannot be written, as Arrow's.
    negatives = Negatives(user, one, pa.array([0], pa.int8()).to_numpy(), np.zeros(1))
    examine(1, (user, one), (user, one), negatives, Weighed(one, one))
    request, yes = np.zeros(1, np.int64), np.ones(1, np.bool_)
    logged = Logged(request, request, one, np.zeros(1), one, one, yes)
    ones = np.ones(1)
    rules = StageRules(yes, yes, one, ones, ones, yes, True, False, False)
    look_up(1, logged, Stated(request, one, request, np.zeros(1), one, one), rules)
