"""Negatives that the ranking lists of a positive's own request give, of all positives."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.forbidden import Forbidden, mark
from winnow.sampler.kernels.grouped_events import GroupedEvents
from winnow.sampler.kernels.margins import leave_out_near
from winnow.sampler.kernels.mix import hard_reason
from winnow.sampler.kernels.negative_columns import Chosen
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.ranking_lists import Lists, new_lists
from winnow.sampler.kernels.sampling_spec import SamplingSpec
from winnow.sampler.kernels.selection import SELECT_RANDOM, choose_from_pool
from winnow.sampler.kernels.stages import Ladder, Pool, Pools, fill_pool, new_pool


class Room(NamedTuple):
    """Where the pools of one request are made and chosen from, once for all requests.

    Attributes:
        pool, lists: The candidates, and the lists that they are taken from.
        list_starts, list_sizes, n_of: As ``fill_pool`` takes them.
        is_left, n_left, n_unscored: As ``leave_out_near`` takes them.
        chosen, order_by, race: As ``choose_from_pool`` takes them.
        marks: int32, shape (catalogue,).
    """

    pool: Pool
    lists: Lists
    list_starts: NDArray[np.int64]
    list_sizes: NDArray[np.int64]
    n_of: NDArray[np.int64]
    is_left: NDArray[np.bool_]
    n_left: NDArray[np.int64]
    n_unscored: NDArray[np.int64]
    chosen: NDArray[np.int64]
    order_by: NDArray[np.uint64]
    race: NDArray[np.float64]
    marks: NDArray[np.int32]

    @classmethod
    def of(cls, widest: int, ladder: Ladder, pools: Pools, n_items: int) -> "Room":
        """Return room for requests of at most ``widest`` ranked rows."""
        n_pools, deepest = len(pools.asked), int(pools.asked.max(initial=0))
        return cls(
            pool=new_pool(widest),
            lists=new_lists(widest),
            list_starts=np.empty(len(ladder.take) + 1, np.int64),
            list_sizes=np.empty(len(ladder.take), np.int64),
            n_of=np.zeros((n_pools, 2), np.int64),
            is_left=np.ones(widest, np.bool_),
            n_left=np.zeros(n_pools, np.int64),
            n_unscored=np.zeros(n_pools, np.int64),
            chosen=np.empty(deepest, np.int64),
            order_by=np.empty(deepest, np.uint64),
            race=np.empty(deepest),
            marks=np.zeros(n_items, np.int32),
        )


def choose_negatives(
    events: Events,
    grouped: GroupedEvents,
    owners: Owners,
    hashes: NDArray[np.uint64],
    items: NDArray[np.uint64],
    forbidden: Forbidden,
    n_items: int,
    ladder: Ladder,
    pools: Pools,
    missing: NDArray[np.int32],
    spec: SamplingSpec,
) -> tuple[NDArray[np.int32], Chosen]:
    """Choose the negatives of positives from the pools of their requests.

    Args:
        events, grouped: The ranked items. owners: Whose they are.
        hashes, items: By positive its hash and its item's key, shape (p,).
        forbidden: What is forbidden to each user.
        n_items: How many items the catalogue has.
        ladder: The stages. pools: What is asked of them.
        missing: Shape (p, reasons): receives how many each positive lacks, by the reason.
        spec: How cuts are known

    Returns:
        How many each positive got, shape (p,), and these.
    """
    n_users, n_requests = len(owners.users), len(owners.requests)
    rows_of_requests = np.diff(grouped.starts)[n_users : n_users + n_requests]
    room = Room.of(int(rows_of_requests.max(initial=0)), ladder, pools, n_items)
    n_hard = np.zeros(len(hashes), np.int32)
    chosen = Chosen.room_for(len(hashes) * int(pools.asked.sum()))
    # Without margins no positive leaves out any candidate of its request.
    margins = bool(ladder.margin.any())
    recipe, found = (ladder, pools, spec, margins), (n_hard, chosen, missing)
    n = _choose(events, grouped, owners, hashes, items, forbidden, recipe, room, found)
    return n_hard, chosen.first(n)


@compiled
def _choose(events, grouped, owners, hashes, items, forbidden, recipe, room, found):  # type: ignore[no-untyped-def]
    ladder, pools, spec, with_margins = recipe
    n_hard, out, missing = found
    pool, lists, marks, chosen = room.pool, room.lists, room.marks, room.chosen
    n_of, n_left, n_users, at = room.n_of, room.n_left, len(owners.users), np.int64(0)
    for u in range(n_users):
        mark(forbidden.codes, forbidden.starts[u], forbidden.starts[u + 1], marks, u)
        for r in range(owners.requests_of_user[u], owners.requests_of_user[u + 1]):
            first, last = grouped.starts[n_users + r], grouped.starts[n_users + r + 1]
            n_pool = fill_pool(
                events,
                grouped,
                first,
                last,
                spec,
                ladder,
                pools,
                marks,
                u + 1,
                lists,
                room.list_starts,
                room.list_sizes,
                pool,
                n_of,
            )
            for j in range(len(pools.asked)):
                n_left[j] = n_of[j, 0]
            for p in range(owners.positives_of_request[r], owners.positives_of_request[r + 1]):
                if with_margins:
                    leave_out_near(
                        ladder,
                        lists,
                        last - first,
                        items[p],
                        pool,
                        n_pool,
                        spec.higher_is_better,
                        room.is_left,
                        n_left,
                        room.n_unscored,
                    )
                for j in range(len(pools.asked)):
                    n = choose_from_pool(
                        pools,
                        j,
                        pool,
                        n_pool,
                        room.is_left,
                        spec.higher_is_better,
                        hashes[p],
                        chosen,
                        room.order_by,
                        room.race,
                    )
                    chance = np.nan
                    if pools.selection[j] == SELECT_RANDOM and n > 0:
                        # As many more candidates had been ranked as the log kept a share of; where
                        # all that are left are chosen, it is that share to the last bit.
                        chance = spec.logged_share * (n / n_left[j])
                    for x in range(n):
                        out.source[at] = pool.source[chosen[x]]
                        out.code[at] = pool.code[chosen[x]]
                        out.stage[at] = pool.stage[chosen[x]]
                        out.rank[at] = pool.rank[chosen[x]]
                        out.size[at] = pool.size[chosen[x]]
                        out.score[at] = pool.score[chosen[x]]
                        out.incl_prob[at] = chance
                        at += 1
                    n_hard[p] += n
                    reason = hard_reason(last - first, n_of[j, 1], n_of[j, 0], room.n_unscored[j])
                    missing[p, reason] += pools.asked[j] - n
    return at
