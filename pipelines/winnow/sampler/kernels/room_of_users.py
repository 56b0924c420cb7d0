"""Room for the candidates that all requests of one user give, made once for all users."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.sampler.kernels.ranking_lists import Lists, new_lists
from winnow.sampler.kernels.stages import Ladder, Pool, Pools, new_pool


class Room(NamedTuple):
    """Where the candidates of one user are, by request, and what is known of its requests.

    Attributes:
        pool, lists, list_starts, list_sizes, n_of: As ``fill_pool`` takes them.
        key: uint64, the item of each candidate. place: int64, its request among the user's.
        item: int32 catalogue code. rank, size, stage, score: As in ``Pool``.
        n_rows, n_before, n_after: int64, by request: its ranked rows, its candidates before and
            after exclusion.
        counts: bool, whether it counts for a positive. away: int64, how far it is in time.
        marks: int32, shape (catalogue,).
    """

    pool: Pool
    lists: Lists
    list_starts: NDArray[np.int64]
    list_sizes: NDArray[np.int64]
    n_of: NDArray[np.int64]
    key: NDArray[np.uint64]
    place: NDArray[np.int64]
    item: NDArray[np.int32]
    rank: NDArray[np.int32]
    stage: NDArray[np.int8]
    size: NDArray[np.int32]
    score: NDArray[np.float64]
    n_before: NDArray[np.int64]
    n_after: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    counts: NDArray[np.bool_]
    away: NDArray[np.int64]
    marks: NDArray[np.int32]

    @classmethod
    def of(
        cls, widest: int, longest: int, requests: int, ladder: Ladder, pools: Pools, n_items: int
    ) -> "Room":
        """Return room for requests of so many rows, users of so many rows and requests at most."""
        return cls(
            pool=new_pool(widest),
            lists=new_lists(widest),
            list_starts=np.empty(len(ladder.take) + 1, np.int64),
            list_sizes=np.empty(len(ladder.take), np.int64),
            n_of=np.zeros((len(pools.asked), 2), np.int64),
            key=np.empty(longest, np.uint64),
            place=np.empty(longest, np.int64),
            item=np.empty(longest, np.int32),
            rank=np.empty(longest, np.int32),
            stage=np.empty(longest, np.int8),
            size=np.empty(longest, np.int32),
            score=np.empty(longest),
            n_before=np.empty(requests, np.int64),
            n_after=np.empty(requests, np.int64),
            n_rows=np.empty(requests, np.int64),
            counts=np.empty(requests, np.bool_),
            away=np.empty(requests, np.int64),
            marks=np.zeros(n_items, np.int32),
        )
