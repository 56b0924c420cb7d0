"""Sample groups: each kept positive with its negatives, how likely they were, what fell short."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.sampler.kernels.draw_table import DrawTable
from winnow.sampler.kernels.easy_negatives import draw_easy
from winnow.sampler.kernels.events import Events, codes_of
from winnow.sampler.kernels.forbidden import forbidden_codes
from winnow.sampler.kernels.grouped_events import group_events
from winnow.sampler.kernels.hard_negatives import choose_hard
from winnow.sampler.kernels.owners import owners_of
from winnow.sampler.kernels.positives import Kept
from winnow.sampler.kernels.stages import Ladder


class Wanted(NamedTuple):
    """What is asked for per positive.

    Attributes:
        n_easy, n_hard: Negatives of each kind. fill: Whether easy ones stand in for hard ones.
        max_rejections: Rejected draws before the exact complement is drawn from.
        selection: How hard candidates are chosen, see ``selection``.
        higher_is_better: Whether a higher score is a better one.
        cut_by_absence: Whether a cut is known by the item's absence from the next stage.
        by_last_stage: Whether an item has a row only of the last stage that it reached.
        sampled: Whether the ranking log holds only some rows of a request.
    """

    n_easy: int
    n_hard: int
    fill: bool
    max_rejections: int
    selection: int
    higher_is_better: bool
    cut_by_absence: bool
    by_last_stage: bool
    sampled: bool


class Groups(NamedTuple):
    """The sample groups of one partition, one per kept positive, in the order of ``Kept``.

    Per group, shape (p,): n_easy, n_fill, n_hard, shortfall, hard_missing, n_pool (int32);
    hard_reason (int8, see ``mix.REASONS``; meaningful where hard_missing > 0); positive_code
    (int32, -1 outside the catalogue).

    Per easy draw, fills behind the easy ones of their group: easy_code (int32), easy_log_q
    (float64), easy_attempts (int32). Per hard negative: hard_code (int32), hard_rank, hard_size
    (int32, 0 where not known), hard_stage (int8), hard_score (float64, NaN where none is logged).
    Groups lie one behind the other.
    """

    n_easy: NDArray[np.int32]
    n_fill: NDArray[np.int32]
    n_hard: NDArray[np.int32]
    shortfall: NDArray[np.int32]
    hard_missing: NDArray[np.int32]
    n_pool: NDArray[np.int32]
    hard_reason: NDArray[np.int8]
    positive_code: NDArray[np.int32]
    easy_code: NDArray[np.int32]
    easy_log_q: NDArray[np.float64]
    easy_attempts: NDArray[np.int32]
    hard_code: NDArray[np.int32]
    hard_rank: NDArray[np.int32]
    hard_size: NDArray[np.int32]
    hard_stage: NDArray[np.int8]
    hard_score: NDArray[np.float64]


_PER_EASY = ("easy_code", "easy_log_q", "easy_attempts")
_PER_HARD = ("hard_code", "hard_rank", "hard_size", "hard_stage", "hard_score")


def sample_groups(
    events: Events, kept: Kept, table: DrawTable, ladder: Ladder, wanted: Wanted
) -> Groups:
    """Return the sample groups of one partition's kept positives.

    The result depends on the rows of ``events`` and ``kept`` only, not on their order or on which
    other users share the partition.
    """
    owners = owners_of(kept)
    grouped = group_events(events, owners, table.slots, table.keys)
    forbidden = forbidden_codes(grouped, len(owners.users), table.weights)
    n_hard, n_pool, reason, *hard = choose_hard(
        events, grouped, owners, kept.draw_hash, forbidden, len(table.keys), ladder, wanted
    )
    n_easy, n_fill, shortfall, *easy = draw_easy(
        kept.draw_hash, owners.positives_of_user, forbidden, table, wanted, n_hard
    )
    return Groups(
        n_easy=n_easy,
        n_fill=n_fill,
        n_hard=n_hard,
        shortfall=shortfall,
        hard_missing=wanted.n_hard - n_hard,
        n_pool=n_pool,
        hard_reason=reason,
        positive_code=codes_of(kept.item, table.slots, table.keys),
        **dict(zip(_PER_EASY, easy, strict=True)),
        **dict(zip(_PER_HARD, hard, strict=True)),
    )
