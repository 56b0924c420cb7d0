"""Mistakes in draws from pools that events of the logs make."""

from dataclasses import replace
from typing import Any

import numpy as np
from winnow.events.exposures import impressions_of_items
from winnow.sampler.catalogue_file import Catalogue
from winnow.sampler.kernels.draw_groups import Group, draw_groups
from winnow.sampler.weights import integer_weights

from tests.audit.simulated_logs import DAY
from tests.audit.workbench import Bench, Broken

EASY: list[dict[str, Any]] = [
    {"source": "popularity"},
    {"source": "exposed", "days": 2, "alpha": 0.5, "count": 3},
]
SETTINGS: dict[str, dict[str, object]] = {"negatives": {"easy": EASY}}
"""What is asked for in the build of these mutants."""


def _groups(made: Catalogue) -> list[Group]:
    """What is drawn from, group by group."""
    groups, found = made.draws.groups, []
    for g in range(len(groups.totals)):
        codes = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
        weights = groups.weights[groups.begins[g] : groups.begins[g + 1]]
        found.append((codes if len(codes) else None, weights))
    return found


def _drawn(bench: Bench, groups: list[Group]) -> Broken:
    """Draw from other groups, and say so: log_q is the one of these."""
    made = bench.items.catalogue
    draws = made.draws._replace(groups=draw_groups(groups))
    return Broken(bench.sampled(catalogue=replace(made, draws=draws)))


def _exposed(bench: Bench, days: int, of_day: int, alpha: float = 0.5) -> Broken:
    """Draw from what was shown on so many dates before another day than the date."""
    run = replace(bench.run, day=DAY.shifted(of_day))
    found = impressions_of_items(bench.logs["impressions"], (days,), run).toArrow()
    shown = dict(zip(*(column.to_pylist() for column in found.columns), strict=True))
    n = np.array([shown.get(item, 0) for item in bench.items.catalogue.ids.to_pylist()])
    codes = np.flatnonzero(n > 0).astype(np.int32)
    main, _ = _groups(bench.items.catalogue)
    return _drawn(bench, [main, (codes, integer_weights(n[codes], 0.0, alpha))])


def exposed_ones_know_the_date(bench: Bench) -> Broken:
    return _exposed(bench, 3, 1)


def exposed_ones_are_of_one_date_less(bench: Bench) -> Broken:
    return _exposed(bench, 1, 0)


def exposed_ones_are_of_one_date_more(bench: Bench) -> Broken:
    return _exposed(bench, 3, 0)


def exposed_ones_are_drawn_evenly(bench: Bench) -> Broken:
    return _exposed(bench, 2, 0, alpha=0.0)


def exposed_ones_are_those_that_were_clicked(bench: Bench) -> Broken:
    made = bench.items.catalogue
    codes = np.flatnonzero(made.clicks > 0).astype(np.int32)
    main, _ = _groups(made)
    return _drawn(bench, [main, (codes, integer_weights(made.clicks[codes], 0.0, 0.5))])


def exposed_ones_are_drawn_from_everything(bench: Bench) -> Broken:
    main, _ = _groups(bench.items.catalogue)
    return _drawn(bench, [main, main])
