"""Mistakes in what several sources draw from, and in how many of each there are."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from winnow.sampler.kernels.draw_groups import draw_groups

from tests.audit.broken_draws import changed
from tests.audit.workbench import Bench, Broken

EASY: list[dict[str, Any]] = [
    {"source": "popularity"},
    {"source": "uniform", "count": 2},
    {"source": "same_attribute", "attributes": ["category"], "count": 2},
]
HARD: list[dict[str, Any]] = [
    {"source": "cut", "stage": "coarse", "count": 3, "absolute_margin": 0.5},
    {
        "source": "low",
        "stage": "fine",
        "count": 2,
        "relative_margin": 0.25,
        "selection": "score",
        "temperature": 0.5,
    },
]
SETTINGS: dict[str, dict[str, object]] = {"negatives": {"easy": EASY, "hard": HARD}}
"""What is asked for in the build of these mutants."""


def _asked(bench: Bench, **negatives: Any) -> Broken:
    """Sample by another recipe than the bench's."""
    return Broken(bench.sampled(config=changed(bench.config, negatives=negatives)))


def draws_are_of_another_positives_category(bench: Bench) -> Broken:
    made = bench.items.catalogue
    turned = made.groups_by_item.copy()
    known = turned >= 0
    least, groups = turned[known].min(), len(set(turned[known].tolist()))
    turned[known] = (turned[known] - least + 1) % groups + least
    return Broken(bench.sampled(catalogue=replace(made, groups_by_item=turned)))


def draws_of_a_category_come_from_everywhere(bench: Bench) -> Broken:
    made = bench.items.catalogue
    return Broken(bench.sampled(catalogue=replace(made, by_item=np.zeros(3, np.bool_))))


def uniform_draws_are_by_popularity(bench: Bench) -> Broken:
    """Drawn by other weights and said so: log_q is the one of these weights."""
    made = bench.items.catalogue
    groups, parts = made.draws.groups, []
    for g in range(len(groups.totals)):
        codes = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
        weights = groups.weights_of(0 if g == 1 else g)
        parts.append((codes if len(codes) else None, weights))
    draws = made.draws._replace(groups=draw_groups(parts))
    return Broken(bench.sampled(catalogue=replace(made, draws=draws)))


def uniform_draws_leave_out_half_of_the_items(bench: Bench) -> Broken:
    made = bench.items.catalogue
    groups, n = made.draws.groups, len(made.ids)
    begin = groups.line_begins[1]
    # All of them have one weight, so that their places are the line: now there is another.
    assert groups.line_begins[2] == begin
    changed = groups._replace(
        line=np.insert(groups.line, begin, np.arange(n, dtype=np.int32) // 2),
        class_of=np.insert(groups.class_of, begin, np.zeros(n, np.int32)),
        line_begins=groups.line_begins + np.where(np.arange(len(groups.line_begins)) > 1, n, 0),
    )
    draws = made.draws._replace(groups=changed)
    return Broken(bench.sampled(catalogue=replace(made, draws=draws)))


def the_mixture_is_that_of_the_own_source(bench: Bench) -> Broken:
    at = bench.groups.column_names.index("easy_mixture_log_q")
    return Broken(bench.groups.set_column(at, "easy_mixture_log_q", bench.groups["easy_log_q"]))


def the_mixture_is_by_what_was_asked_for(bench: Bench) -> Broken:
    """As if what a source could not give had been drawn of it all the same."""
    rows = bench.groups["easy_mixture_log_q"].to_pylist()
    lower = [[q - 0.01 for q in of] for of in rows]
    at = bench.groups.column_names.index("easy_mixture_log_q")
    kind = bench.groups["easy_mixture_log_q"].type
    return Broken(bench.groups.set_column(at, "easy_mixture_log_q", pa.array(lower, kind)))


def one_more_is_uniform_and_one_less_popular(bench: Bench) -> Broken:
    easy = [
        EASY[0],
        EASY[1] | {"count": 3},
        EASY[2],
    ]
    return _asked(bench, easy=easy)


def one_more_is_cut_and_one_less_low(bench: Bench) -> Broken:
    return _asked(bench, hard=[HARD[0] | {"count": 4}, HARD[1] | {"count": 1}])


def quotas_are_one_pool(bench: Bench) -> Broken:
    own = ("count", "selection", "temperature")
    pool = [{k: v for k, v in entry.items() if k not in own} for entry in HARD]
    easy = [EASY[0] | {"count": 3}, *EASY[1:]]
    return _asked(bench, easy=easy, hard=pool)
