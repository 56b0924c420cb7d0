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


class SamplingSpec(NamedTuple):
    """What is asked for per positive.

    Attributes:
        n_easy, n_hard: Negatives of each kind. fill: Whether easy ones stand in for hard ones.
        max_rejections: Rejected draws before the exact complement is drawn from.
        selection: How hard negatives are chosen, see ``selection``.
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


class Drawn(NamedTuple):
    """Negatives that were drawn from the catalogue, those of one group behind the other's.

    Attributes:
        code: int32 catalogue code, shape (m,). log_q: float64. attempts: int32 draws that it took.
    """

    code: NDArray[np.int32]
    log_q: NDArray[np.float64]
    attempts: NDArray[np.int32]


class Chosen(NamedTuple):
    """Negatives that were chosen from the pools of requests, those of one group behind the other's.

    Attributes:
        code: int32 catalogue code, shape (m,).
        rank, size: int32, 0 where not known. stage: int8.
        score: float64, NaN where none is logged.
    """

    code: NDArray[np.int32]
    rank: NDArray[np.int32]
    size: NDArray[np.int32]
    stage: NDArray[np.int8]
    score: NDArray[np.float64]


class Groups(NamedTuple):
    """The sample groups of one partition, one per kept positive, in the order of ``Kept``.

    Attributes:
        n_easy, n_fill, n_hard, shortfall, hard_missing, n_pool: int32, shape (p,).
        hard_reason: int8, shape (p,), see ``mix.REASONS``; meaningful where hard_missing > 0.
        positive_code: int32, shape (p,); -1 outside the catalogue.
        drawn: n_easy + n_fill of each group, fills behind the easy ones.
        chosen: n_hard of each group.
    """

    n_easy: NDArray[np.int32]
    n_fill: NDArray[np.int32]
    n_hard: NDArray[np.int32]
    shortfall: NDArray[np.int32]
    hard_missing: NDArray[np.int32]
    n_pool: NDArray[np.int32]
    hard_reason: NDArray[np.int8]
    positive_code: NDArray[np.int32]
    drawn: Drawn
    chosen: Chosen


COUNTS = ("n_easy", "n_fill", "n_hard", "shortfall", "hard_missing", "hard_reason", "n_pool")
"""The fields of ``Groups`` that are written of each group."""


def sample_groups(
    events: Events, kept: Kept, table: DrawTable, ladder: Ladder, spec: SamplingSpec
) -> Groups:
    """Return the sample groups of one partition's kept positives.

    The result depends on the rows of ``events`` and ``kept`` only, not on their order or on which
    other users share the partition.
    """
    owners = owners_of(kept)
    grouped = group_events(events, owners, table.slots, table.keys)
    forbidden = forbidden_codes(grouped, len(owners.users), table.weights)
    n_hard, n_pool, reason, *chosen = choose_hard(
        events, grouped, owners, kept.draw_hash, forbidden, len(table.keys), ladder, spec
    )
    n_easy, n_fill, shortfall, *drawn = draw_easy(
        kept.draw_hash, owners.positives_of_user, forbidden, table, spec, n_hard
    )
    return Groups(
        n_easy=n_easy,
        n_fill=n_fill,
        n_hard=n_hard,
        shortfall=shortfall,
        hard_missing=spec.n_hard - n_hard,
        n_pool=n_pool,
        hard_reason=reason,
        positive_code=codes_of(kept.item, table.slots, table.keys),
        drawn=Drawn(*drawn),
        chosen=Chosen(*chosen),
    )
