"""Mistakes in the margin between hard negatives and their positive, and in choices by score."""

from typing import Any

import pyarrow as pa

from tests.audit.broken_draws import changed
from tests.audit.broken_sources import HARD
from tests.audit.workbench import Bench, Broken

_MARGINS = ("absolute_margin", "relative_margin")


def _asked(bench: Bench, **parts: dict[str, Any]) -> Broken:
    return Broken(bench.sampled(config=changed(bench.config, **parts)))


def margins_are_not_applied(bench: Bench) -> Broken:
    hard = [{key: of for key, of in entry.items() if key not in _MARGINS} for entry in HARD]
    return _asked(bench, negatives={"hard": hard})


def margins_are_half_of_what_is_said(bench: Bench) -> Broken:
    hard = [entry | {key: entry[key] / 2 for key in _MARGINS if key in entry} for entry in HARD]
    return _asked(bench, negatives={"hard": hard})


def pools_are_those_before_the_margin(bench: Bench) -> Broken:
    """Where chance chose some of a pool, incl_prob tells of four times as many candidates."""
    at = bench.groups.column_names.index("hard_incl_prob")
    rows = bench.groups["hard_incl_prob"]
    smaller = [[p if p is None or p == 1 else p / 4 for p in of] for of in rows.to_pylist()]
    return Broken(bench.groups.set_column(at, "hard_incl_prob", pa.array(smaller, rows.type)))


def hard_ones_by_score_are_chosen_evenly(bench: Bench) -> Broken:
    hard = [HARD[0], HARD[1] | {"selection": "random", "temperature": None}]
    return _asked(bench, negatives={"hard": hard})


def the_temperature_is_half(bench: Bench) -> Broken:
    return _asked(bench, negatives={"hard": [HARD[0], HARD[1] | {"temperature": 0.25}]})
