"""Mistakes in draws from the market of the request; here the scenes are the markets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from winnow.events.markets import popularity_by_market
from winnow.events.popular_items import earlier_pairs
from winnow.sampler.catalogue_file import Catalogue
from winnow.sampler.kernels.draw_groups import Group, draw_groups
from winnow.sampler.market_items import markets_of
from winnow.sampler.sources.drawn import Markets
from winnow.sampler.weights import integer_weights

from tests.audit.simulated_logs import DAY
from tests.audit.workbench import Bench, Broken

EASY: list[dict[str, Any]] = [
    {"source": "popularity"},
    {"source": "market", "of_request": "scene", "of_items": "scenes", "alpha": 1.0, "count": 3},
]
SETTINGS: dict[str, dict[str, object]] = {"negatives": {"easy": EASY}}
"""What is asked for in the build of these mutants."""


def _markets(made: Catalogue) -> list[Group]:
    """What is drawn from in each market, by the text of the market."""
    groups = made.draws.groups
    found: list[Group] = []
    for g in range(1, len(groups.totals)):
        codes = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
        found.append((codes, groups.weights_of(g)))
    return found


def _drawn(bench: Bench, markets: Sequence[Group]) -> Broken:
    """Draw from other markets, and say so: log_q is the one of these."""
    made = bench.items.catalogue
    draws = made.draws._replace(groups=draw_groups([(None, made.draws.weights), *markets]))
    return Broken(bench.sampled(catalogue=replace(made, draws=draws)))


def markets_are_mixed_up(bench: Bench) -> Broken:
    first, *others = _markets(bench.items.catalogue)
    return _drawn(bench, [*others, first])


def items_of_no_market_are_drawn(bench: Bench) -> Broken:
    """As if an item that says nothing were sold everywhere."""
    known, n = _counted_on(bench, 0), len(bench.items.catalogue.ids)
    nowhere = np.setdiff1d(np.arange(n), known.item)
    found: list[Group] = []
    for g in range(len(known.values)):
        own = known.market == g
        f = np.zeros(n, np.int64)
        f[known.item[own]] = known.popularity[own]
        codes = np.sort(np.concatenate([known.item[own], nowhere])).astype(np.int32)
        found.append((codes, integer_weights(f[codes], 1.0, 1.0)))
    return _drawn(bench, found)


def all_that_is_sold_anywhere_is_drawn(bench: Bench) -> Broken:
    made = bench.items.catalogue
    markets = _markets(made)
    sold = np.unique(np.concatenate([codes for codes, _ in markets if codes is not None]))
    weights = integer_weights(made.clicks[sold], 1.0, 1.0)
    return _drawn(bench, [(sold.astype(np.int32), weights)] * len(markets))


def markets_are_weighed_as_everywhere(bench: Bench) -> Broken:
    made = bench.items.catalogue
    found = [(codes, integer_weights(made.clicks[codes], 1.0, 1.0)) for codes, _ in _markets(made)]
    return _drawn(bench, found)


def weights_are_of_another_market(bench: Bench) -> Broken:
    """Each market keeps its items and has the popularity that they have in the next one."""
    known = _counted_on(bench, 0)
    n, numbers = len(bench.items.catalogue.ids), range(len(known.values))
    f = np.zeros((len(numbers), n), np.int64)
    f[known.market, known.item] = known.popularity
    found: list[Group] = []
    for g in numbers:
        codes = known.item[known.market == g]
        other = f[(g + 1) % len(numbers)][codes]
        found.append((codes, integer_weights(other, 1.0, 1.0)))
    return _drawn(bench, found)


def _counted_on(bench: Bench, day: int) -> Markets:
    """Count the clicks in markets as of another day than the date."""
    run = replace(bench.run, day=DAY.shifted(day))
    ((sold, _),) = popularity_by_market(
        bench.logs, bench.run, earlier_pairs(bench.logs, bench.run)
    ).values()
    ((_, counted),) = popularity_by_market(bench.logs, run, earlier_pairs(bench.logs, run)).values()
    return markets_of(sold, counted, pa.chunked_array([bench.items.catalogue.ids]))


def _weighed_on(bench: Bench, day: int) -> Broken:
    known = _counted_on(bench, day)
    found: list[Group] = []
    for g in range(len(known.values)):
        own = known.market == g
        found.append((known.item[own], integer_weights(known.popularity[own], 1.0, 1.0)))
    return _drawn(bench, found)


def markets_know_the_date(bench: Bench) -> Broken:
    return _weighed_on(bench, 1)


def markets_know_one_date_less(bench: Bench) -> Broken:
    return _weighed_on(bench, -1)


def rows_tell_another_market_than_they_draw_from(bench: Bench) -> Broken:
    """As if the market of a positive were that of another request of the date."""
    at = bench.groups.column_names.index("scene")
    scenes = bench.groups["scene"].to_pylist()
    turned = pa.array([*scenes[1:], scenes[0]], pa.string())
    return Broken(bench.groups.set_column(at, "scene", turned))
