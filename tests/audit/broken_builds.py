"""Mistakes in a whole build of few rows: which gates do not let it pass."""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.errors import GateError

from tests.audit.asked_gates import audit_of
from tests.e2e.test_random_recipes import random_logs
from tests.events.handmade import build_day

Mistake = Callable[[pytest.MonkeyPatch], None]


def each_of(
    mistakes: Iterable[Mistake], seen_by_others: Collection[Mistake]
) -> pytest.MarkDecorator:
    """Return the mark that gives a test each mistake.

    ``seen_by_others`` are those that gates catch of which another mistake proves the same: they are
    for ``make proofs``.
    """
    given = [
        pytest.param(one, marks=[pytest.mark.proof] * (one in seen_by_others)) for one in mistakes
    ]
    return pytest.mark.parametrize("mistake", given, ids=lambda one: one.__name__)


def gates_that_stop(
    mistake: Mistake,
    of: Collection[str],
    settings: Callable[[Path], Config],
    spark: SparkSession,
    folder: Path,
    patch: pytest.MonkeyPatch,
    **accept: Any,
) -> set[str]:
    """Build random logs with a mistake, and return the gates that fail; one must.

    Args:
        mistake: Makes it. of: The gates that are asked for; others are measured only along with
            them.
        settings: Gives the config of logs in a folder.
        spark: The session. folder: Where all is written. patch: What mistakes are made with.
        accept: Further fields of the request to build.
    """
    random_logs(Random(11)).write(folder)
    mistake(patch)
    patch.setattr("winnow.building.audit.audit", partial(audit_of, gates=of))
    with pytest.raises(GateError) as caught:
        build_day(settings(folder), spark, immature=True, **accept)
    return {one.where.removeprefix("gate ") for one in caught.value.problems}


def without_first(slots: Any, lengths: Any) -> tuple[Any, Any]:
    """Return lists one behind the other, each without its first element, and their lengths."""
    begins = np.cumsum(lengths) - lengths
    return np.delete(slots, begins[lengths > 0]), lengths - (lengths > 0)
