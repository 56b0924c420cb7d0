"""Sample groups: each kept positive with its negatives, how likely they were, what fell short."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.sampler.kernels.chosen_negatives import choose_negatives
from winnow.sampler.kernels.draw_table import DrawTable
from winnow.sampler.kernels.drawn_negatives import Sources, draw_negatives
from winnow.sampler.kernels.events import Events, codes_of
from winnow.sampler.kernels.feedback import AskedFeedback
from winnow.sampler.kernels.forbidden import forbidden_codes, recalled_codes
from winnow.sampler.kernels.grouped_events import GroupedEvents
from winnow.sampler.kernels.mix import REASONS
from winnow.sampler.kernels.other_requests import AskedOthers, OtherRequests, choose_of_others
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.positives import Kept
from winnow.sampler.kernels.selection import SELECT_RANDOM
from winnow.sampler.kernels.stages import Ladder, Pools


class SamplingSpec(NamedTuple):
    """What holds for all negatives.

    Attributes:
        fills: Whether the last source of draws stands in for what is missing.
        mixture: Whether it is asked how likely a draw is of all sources together.
        max_rejections: Rejected draws before the exact complement is drawn from.
        higher_is_better: Whether a higher score is a better one.
        cut_by_absence: Whether a cut is known by the item's absence from the next stage.
        by_last_stage: Whether an item has a row only of the last stage that it reached.
        sampled: Whether the ranking log holds only some rows of a request.
        logged_share: How likely it holds a row of a request.
    """

    fills: bool
    mixture: bool
    max_rejections: int
    higher_is_better: bool
    cut_by_absence: bool
    by_last_stage: bool
    sampled: bool
    logged_share: float = 1.0


class Recipe(NamedTuple):
    """What is asked for per positive.

    Attributes:
        sources: What is drawn. ladder: What is a candidate. pools: How many of them are chosen.
        spec: What holds for all. feedback: What is asked for of what users rejected.
        others: What is asked for of users' other requests.
    """

    sources: Sources
    ladder: Ladder
    pools: Pools
    spec: SamplingSpec
    feedback: AskedFeedback = AskedFeedback()
    others: AskedOthers = AskedOthers()


class Drawn(NamedTuple):
    """Negatives that were drawn from the catalogue, those of one group behind the other's.

    Attributes:
        source: int8 as in neg_source. code: int32 catalogue code, shape (m,).
        q: float64, the item's share of the weights that the source draws by.
        log_q: float64. mixture: float64, of all sources together; empty where not asked for.
        attempts: int32 draws that it took.
    """

    source: NDArray[np.int8]
    code: NDArray[np.int32]
    q: NDArray[np.float64]
    log_q: NDArray[np.float64]
    mixture: NDArray[np.float64]
    attempts: NDArray[np.int32]


NO_REQUEST = np.empty(0, np.int64)


class Chosen(NamedTuple):
    """Negatives that were chosen from finite pools, those of one group behind the other's.

    Attributes:
        source: int8 as in neg_source. code: int32 catalogue code, shape (m,). stage: int8; behind
            the last one where the user rejected it.
        rank, size: int32, 0 where not known.
        score: float64, NaN where none is logged.
        incl_prob: float64, NaN where not chance chose.
        request: int64, the place in ``OtherRequests`` of the request that it is from, -1 where that
            is the positive's own, or none; empty where nothing is asked for of others.
    """

    source: NDArray[np.int8]
    code: NDArray[np.int32]
    stage: NDArray[np.int8]
    rank: NDArray[np.int32]
    size: NDArray[np.int32]
    score: NDArray[np.float64]
    incl_prob: NDArray[np.float64]
    request: NDArray[np.int64] = NO_REQUEST


class Groups(NamedTuple):
    """The sample groups of one partition, one per kept positive, in the order of ``Kept``.

    Attributes:
        n_easy, n_fill, n_hard, shortfall: int32, shape (p,).
        missing: int32, shape (p, reasons): negatives that a source did not give, by the reason (see
            ``mix.REASONS``); they add up to n_fill + shortfall.
        positive_code: int32, shape (p,); -1 outside the catalogue.
        drawn: n_easy + n_fill of each group, fills behind the easy ones.
        chosen: n_hard of each group.
    """

    n_easy: NDArray[np.int32]
    n_fill: NDArray[np.int32]
    n_hard: NDArray[np.int32]
    shortfall: NDArray[np.int32]
    missing: NDArray[np.int32]
    positive_code: NDArray[np.int32]
    drawn: Drawn
    chosen: Chosen


def sample_groups(
    events: Events,
    grouped: GroupedEvents,
    owners: Owners,
    kept: Kept,
    shown_us: NDArray[np.int64],
    positive_code: NDArray[np.int32],
    table: DrawTable,
    group_of: NDArray[np.int32],
    recipe: Recipe,
    others: OtherRequests | None = None,
) -> Groups:
    """Return the sample groups of one partition's kept positives.

    The result depends on the rows of ``events`` and ``kept`` only, not on their order or on which
    other users share the partition.

    Args:
        events, grouped: The partition's events. kept: Its kept positives. owners: Whose they are.
        shown_us: When they were shown, int64, shape (p,).
        positive_code: What ``positive_codes`` returned for them.
        table: The catalogue.
        group_of: int32, shape (sources, p): the group of ``table`` that each source draws from for
            each positive; -1 where there is none.
        recipe: What is asked for.
        others: The requests of users, where negatives may be of others than the positive's.
    """
    n_items = len(table.keys)
    forbidden = forbidden_codes(grouped, len(owners.users), n_items)
    apart = bool(recipe.sources.not_recalled.any())
    n_owners = len(owners.users), len(owners.requests)
    recalled = recalled_codes(grouped, *n_owners, n_items, asked=apart)
    missing = np.zeros((len(kept.user), len(REASONS)), np.int32)
    spec, hashes = recipe.spec, kept.draw_hash
    n_hard, *of_own = choose_negatives(
        events,
        grouped,
        owners,
        hashes,
        kept.item,
        shown_us,
        forbidden,
        n_items,
        recipe.ladder,
        recipe.pools,
        recipe.feedback,
        missing,
        spec,
    )
    chosen = Chosen(*of_own)
    if others is not None:
        n_pools = len(recipe.pools.asked)
        n_of_others, *of_others = choose_of_others(
            events,
            grouped,
            owners,
            others,
            hashes,
            shown_us,
            forbidden,
            n_items,
            recipe.ladder,
            recipe.pools._replace(selection=np.full(n_pools, SELECT_RANDOM, np.int8)),
            recipe.others,
            missing,
            spec,
        )
        source = np.full(len(of_others[0]), recipe.others.code, np.int8)
        chosen = _behind(n_hard, chosen, n_of_others, Chosen(source, *of_others))
        n_hard = n_hard + n_of_others
    n_easy, n_fill, shortfall, *drawn = draw_negatives(
        hashes,
        owners,
        forbidden,
        recalled,
        n_items,
        table.groups,
        recipe.sources,
        group_of,
        missing,
        spec,
    )
    return Groups(
        n_easy=n_easy,
        n_fill=n_fill,
        n_hard=n_hard,
        shortfall=shortfall,
        missing=missing,
        positive_code=positive_code,
        drawn=Drawn(*drawn),
        chosen=chosen,
    )


def _behind(
    n: NDArray[np.int32], chosen: Chosen, n_more: NDArray[np.int32], more: Chosen
) -> Chosen:
    """Return what was chosen with more of each positive behind it."""
    positives = np.arange(len(n))
    whose = np.concatenate([np.repeat(positives, n), np.repeat(positives, n_more)])
    order = np.argsort(whose, kind="stable")
    own = chosen._replace(request=np.full(len(chosen.code), -1, np.int64))
    both: list[Any] = list(zip(own, more, strict=True))
    columns: list[Any] = [np.concatenate(one)[order] for one in both]
    return Chosen(*columns)


def positive_codes(kept: Kept, table: DrawTable) -> NDArray[np.int32]:
    """Return the catalogue code of each positive's item, int32, -1 outside the catalogue."""
    codes: NDArray[np.int32] = codes_of(kept.item, table.slots, table.keys)
    return codes
