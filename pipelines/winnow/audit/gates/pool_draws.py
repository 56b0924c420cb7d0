"""Draws of pools: made again, with their chances by weights and counts, and their distribution."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.audit.evidence import Evidence
from winnow.audit.gate import IN_BATCH, Figure, Measurement, at_most, none_of
from winnow.audit.gates.source_groups import SOURCE_GROUPS_DIFFER, facts_of, wrong_items
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.date_sources import date_pool_drawable
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.pool_rows import (
    PoolRows,
    date_batches,
    date_pool_layout,
    drawable_counts,
    pools_in_parts,
)
from winnow.audit.recompute.pools import (
    Line,
    drawn_again,
    misnamed_draws,
    mixture_chances,
    numbers_of,
    shares_in_split,
    shares_of,
)
from winnow.audit.recompute.source_rules import OF_ALL
from winnow.audit.statistics import chi_square
from winnow.config.entry import Entry

POOL_DRAWS_DIFFER = none_of(
    "pool_draws_differ",
    IN_BATCH,
    "draws of pools whose item is not the one that seed, epoch, date, pool, source and number of "
    "the draw give",
)
POOL_CHANCES_DIFFER = none_of(
    "pool_chances_differ",
    IN_BATCH,
    "draws of pools whose log_q or mixture_log_q, and rows whose in_batch_mixture_log_q, is not "
    "the chance by the weights and by the rows that are trained on",
)
POOL_ITEM_SLOTS_DIFFER = none_of(
    "pool_item_slots_differ",
    IN_BATCH,
    "draws whose item_slot is not the first slot of their pool that has their item",
)
POOL_DRAWS_P = at_most(
    "pool_draws_p",
    IN_BATCH,
    "-log10 p",
    "how unlikely the items of pools are under the chances of their source (chi-square)",
    warn=4.0,
)
POOL_DRAWS_BIAS = at_most(
    "pool_draws_bias",
    IN_BATCH,
    "share",
    "largest total variation between drawn and expected items of pools that the chi-square beyond "
    "chance allows, where p is below 1e-9",
    warn=None,
    fail=0.01,
)
POOL_SHORTFALL = at_most(
    "pool_shortfall",
    IN_BATCH,
    "share",
    "draws of a pool that are missing, as their source has no item on the date",
    warn=0.0,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the draws of pools, where they are asked for."""
    config = evidence.config
    if config.pool is None:
        return
    of_draws = [POOL_DRAWS_DIFFER, POOL_CHANCES_DIFFER, POOL_ITEM_SLOTS_DIFFER, POOL_SHORTFALL]
    yield Measurement([gate.promised() for gate in of_draws], lambda: _draws(evidence))
    for place, source in enumerate(config.pool_sources):
        entry = config.distributions[source.distribution]
        # The weights of the first distribution are those of item_stats, with a gate of their own.
        if source.distribution and type(entry) in OF_ALL:
            name = f"pool_{source.name}"
            figure = partial(_groups, evidence, place, name, entry)
            yield Measurement([SOURCE_GROUPS_DIFFER.promised(name)], figure)


def _draws(evidence: Evidence) -> list[Figure]:
    config, drawable = evidence.config, date_pool_drawable(evidence)
    counts, day = drawable_counts(evidence), evidence.day.date
    sources = [(place, config.pool_sources[place]) for place, n in enumerate(counts) if n]
    ids = facts_of(evidence, date_items(evidence)).ids
    rank = np.empty(len(ids), np.int64)
    rank[pc.sort_indices(ids).to_numpy()] = np.arange(len(ids))
    lines = {place: Line.of(drawable, place, rank) for place, _ in sources}
    drawn = {place: np.zeros(len(drawable.keys)) for place, _ in sources}
    wrong, unlike, misnamed = 0, _unlike_rows(evidence, drawable, counts), 0
    for pools, rows in pools_in_parts(evidence):
        number, at = numbers_of(rows.key, drawable), 0
        for place, source in sources:
            own = np.flatnonzero((rows.slot >= at) & (rows.slot < at + source.asked))
            own = own[(rows.pool[own] >= pools.start) & (rows.pool[own] < pools.stop)]
            wanted = drawn_again(source, lines[place], pools, config, day)
            right = wanted[rows.pool[own] - pools.start, rows.slot[own] - at] == number[own]
            wrong += int(np.count_nonzero(~right))
            at += source.asked
            known = number[own][number[own] >= 0]
            drawn[place] += np.bincount(known, minlength=len(drawable.keys))
        unlike += _unlike_draws(evidence, rows, number, drawable, counts)
        misnamed += misnamed_draws(rows)
    asked = sum(one.asked for one in config.pool_sources)
    short = [one.name for one, n in zip(config.pool_sources, counts, strict=True) if not n]
    detail = f"nothing to draw: {', '.join(short)}" if short else ""
    figures = [
        POOL_DRAWS_DIFFER.figure(wrong),
        POOL_CHANCES_DIFFER.figure(unlike),
        POOL_ITEM_SLOTS_DIFFER.figure(misnamed),
        POOL_SHORTFALL.figure(1 - sum(counts) / asked, detail=detail),
    ]
    for place, source in sources:
        if n := int(drawn[place].sum()):
            surprise = chi_square(drawn[place], shares_of(drawable, place) * n)
            detail = f"{n:,} draws, {surprise.cells:,} cells, size {surprise.size:.5f}"
            figures += [
                POOL_DRAWS_P.figure(surprise.p, source.name, detail=detail),
                POOL_DRAWS_BIAS.figure(surprise.bias, source.name),
            ]
    return figures


def _unlike_draws(
    evidence: Evidence,
    rows: PoolRows,
    number: NDArray[np.int32],
    drawable: Drawable,
    counts: list[int],
) -> int:
    """Count the draws that are told to be more or less likely than they are."""
    items = date_batches(evidence).items
    of_pools = {pool: (split, n) for pool, split, n in date_pool_layout(evidence).values()}
    known = np.array([pool in of_pools for pool in rows.pool.tolist()], np.bool_)
    pool = rows.pool[known].tolist()
    split = np.array([of_pools[one][0] for one in pool], object)
    size = np.array([of_pools[one][1] for one in pool], np.int64)
    share = shares_in_split(items, split, rows.key[known])
    wanted = mixture_chances(size, share, number[known], drawable, counts)
    wrong = _unlike(rows.mixture_log_q[known], wanted).sum() + np.count_nonzero(~known)
    at = 0
    for place, count in enumerate(counts):
        own = (rows.slot >= at) & (rows.slot < at + count)
        at += count
        if count:
            chance = np.append(shares_of(drawable, place), 0.0)[number[own]]
            with np.errstate(divide="ignore"):
                wrong += _unlike(rows.log_q[own], np.log(chance)).sum()
    return int(wrong)


def _unlike_rows(evidence: Evidence, drawable: Drawable, counts: list[int]) -> int:
    """Count the rows of training_samples whose mixture is not that of batch and pool."""
    items = date_batches(evidence).items
    stated = items["in_batch_mixture_log_q"].fill_null(np.nan).to_numpy()
    key = items["key"].to_numpy()
    share = shares_in_split(items, np.array(items["split"].to_pylist(), object), key)
    size = items["batch_rows"].fill_null(0).to_numpy().astype(np.int64)
    wanted = mixture_chances(size, share, numbers_of(key, drawable), drawable, counts)
    return int(items["n"].to_numpy()[_unlike(stated, wanted)].sum())


def _unlike(stated: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.bool_]:
    # Where nothing may be drawn, no number is right.
    with np.errstate(invalid="ignore"):
        wrong: NDArray[np.bool_] = ~(np.abs(stated - wanted) <= 2e-9)
    return wrong


def _groups(evidence: Evidence, place: int, name: str, entry: Entry) -> Figure:
    facts = facts_of(evidence, date_items(evidence))
    return SOURCE_GROUPS_DIFFER.figure(
        wrong_items(date_pool_drawable(evidence), place, entry, facts), name
    )
