"""Large partitions for statistics: many positives, few items, run through the kernels alone."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from winnow.events.kinds import FIRST_RANKED, FORBIDDEN
from winnow.sampler.kernels.draw_table import DrawTable, draw_table
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.groups import Groups, positive_codes, sample_groups
from winnow.sampler.kernels.hashing import U, seed_state
from winnow.sampler.kernels.positives import Kept, Pairs, keep_positives
from winnow.sampler.kernels.sampling_spec import SamplingSpec
from winnow.sampler.kernels.selection import SELECT_RANDOM
from winnow.sampler.kernels.stages import BY_PERCENTILE, MARGIN_NONE, TAKE_CUT
from winnow.sampler.recipe import DrawnSettings, RecipeSettings

from tests.sampler.grouped import grouped_of

ITEM = np.uint64(1_000_003)
"""Item number n has the key ITEM · (n + 1), so that codes, keys and hashes all differ."""


def item_key(number: int | NDArray[np.int64]) -> NDArray[np.uint64]:
    return (np.asarray(number).astype(np.uint64) + U(1)) * ITEM


def table_of(weights: NDArray[np.int64], hot: dict[int, float] | None = None) -> DrawTable:
    """The draw table of items 0, 1, …; ``hot`` gives keep_prob by item number."""
    keys = item_key(np.arange(len(weights)))
    numbers = sorted(hot or {})
    hot_keep = np.array([(hot or {})[n] for n in numbers], np.float64)
    return draw_table(keys, weights, item_key(np.array(numbers, np.int64)), hot_keep)


class Sampled(NamedTuple):
    kept: Kept
    groups: Groups


def run(
    table: DrawTable,
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    *,
    forbidden: list[tuple[int, int]] | None = None,
    candidates: list[tuple[int, int]] | None = None,
    n_easy: int = 0,
    n_hard: int = 0,
    max_rejections: int = 16,
    distinct: bool = False,
    selection: int = SELECT_RANDOM,
    temperature: float = 1.0,
    seed: int = 7,
) -> Sampled:
    """Sample one positive per (user, item): positive p has request p + 1.

    Args:
        table: The catalogue.
        user, item: Numbers, shape (p,).
        forbidden: (user, item). candidates: (request, item), all cut by the one stage.
        n_easy, n_hard, max_rejections, distinct, selection, temperature, seed: What to sample; an
            item number n has the score -n.
    """
    n = len(user)
    pairs = Pairs(
        user.astype(np.uint64),
        np.arange(1, n + 1, dtype=np.uint64),
        item_key(item),
        np.arange(1, n + 1, dtype=np.uint64),
        np.zeros(n, np.int64),
        np.ones(n, np.int64),
        np.zeros(n, np.int8),
        np.zeros(n, np.int64),
    )
    state = U(seed_state(U(seed), U(0)))
    kept = keep_positives(pairs, table.hot_keys, table.hot_keep, state, state)
    rows = [(u, i, FORBIDDEN) for u, i in forbidden or []]
    rows += [(r, i, FIRST_RANKED + 1) for r, i in candidates or []]
    owners, items, kinds = (
        (np.array(column, np.int64) for column in zip(*rows, strict=True))
        if rows
        else (np.empty(0, np.int64),) * 3
    )
    events = Events(
        owners.astype(np.uint64),
        item_key(items),
        kinds.astype(np.int8),
        -items.astype(np.float64),
        np.empty(0, np.int32),
        np.empty(0, np.int32),
        np.empty(0, np.int64),
    )
    wanted = SamplingSpec(
        fills=False,
        mixture=False,
        max_rejections=max_rejections,
        higher_is_better=True,
        cut_by_absence=False,
        by_last_stage=False,
        sampled=False,
    )
    recipe = RecipeSettings(
        drawn=(DrawnSettings(n_easy, 0, 2, distinct=distinct),),
        stages=((TAKE_CUT, True, ((BY_PERCENTILE, 0.0, 1.0, MARGIN_NONE, 0.0, 0, 2),)),),
        pools=((n_hard, selection, 4, temperature),),
        spec=wanted,
    ).recipe()
    codes = positive_codes(kept, table)
    group_of = np.zeros((1, len(codes)), np.int32)
    shown_us = pairs.impression_us[kept.pair]
    return Sampled(
        kept,
        sample_groups(
            events, *grouped_of(events, kept, table), kept, shown_us, codes, table, group_of, recipe
        ),
    )
