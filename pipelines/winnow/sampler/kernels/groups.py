"""Sample groups: each kept positive with its negatives, how likely they were, what fell short."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.sampler.kernels.chosen_negatives import choose_negatives
from winnow.sampler.kernels.draw_sources import Sources
from winnow.sampler.kernels.draw_table import DrawTable
from winnow.sampler.kernels.drawn_negatives import draw_negatives
from winnow.sampler.kernels.events import Events, codes_of
from winnow.sampler.kernels.feedback import AskedFeedback, choose_rejected
from winnow.sampler.kernels.forbidden import forbidden_codes, recalled_codes
from winnow.sampler.kernels.grouped_events import GroupedEvents
from winnow.sampler.kernels.mix import REASONS
from winnow.sampler.kernels.negative_columns import Chosen, Drawn
from winnow.sampler.kernels.other_requests import AskedOthers, choose_of_others
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.positives import Kept
from winnow.sampler.kernels.requests_of_users import OtherRequests
from winnow.sampler.kernels.sampling_spec import SamplingSpec
from winnow.sampler.kernels.selection import SELECT_RANDOM
from winnow.sampler.kernels.stages import Ladder, Pools


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
    n_hard, chosen = choose_negatives(
        events,
        grouped,
        owners,
        hashes,
        kept.item,
        forbidden,
        n_items,
        recipe.ladder,
        recipe.pools,
        missing,
        spec,
    )
    # What few recipes ask for has a kernel of its own, so that only these compile it.
    if recipe.feedback.asked > 0:
        n_rejected, rejected = choose_rejected(
            events, grouped, owners, hashes, kept.item, shown_us, recipe.feedback, missing
        )
        chosen = chosen.with_behind(n_hard, rejected, n_rejected)
        n_hard = n_hard + n_rejected
    if others is not None:
        n_pools = len(recipe.pools.asked)
        n_of_others, of_others = choose_of_others(
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
        own = chosen._replace(request=np.full(len(chosen.code), -1, np.int64))
        chosen = own.with_behind(n_hard, of_others, n_of_others)
        n_hard = n_hard + n_of_others
    n_easy, n_fill, shortfall, drawn = draw_negatives(
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
        drawn=drawn,
        chosen=chosen,
    )


def positive_codes(kept: Kept, table: DrawTable) -> NDArray[np.int32]:
    """Return the catalogue code of each positive's item, int32, -1 outside the catalogue."""
    codes: NDArray[np.int32] = codes_of(kept.item, table.slots, table.keys)
    return codes
