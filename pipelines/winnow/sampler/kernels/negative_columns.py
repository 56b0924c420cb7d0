"""Negatives as columns: those that were drawn, and those that were chosen."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


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

    @classmethod
    def room_for(cls, n: int, *, mixture: bool) -> Self:
        """Return room for n of them."""
        return cls(
            source=np.empty(n, np.int8),
            code=np.empty(n, np.int32),
            q=np.empty(n),
            log_q=np.empty(n),
            mixture=np.empty(n if mixture else 0),
            attempts=np.empty(n, np.int32),
        )

    def first(self, n: int) -> "Drawn":
        """Return the first n of them."""
        columns: list[Any] = [column[:n] for column in self]
        return Drawn(*columns)


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

    @classmethod
    def room_for(cls, n: int, *, of_others: bool = False) -> Self:
        """Return room for n of them; ``of_others`` says that they are of other requests."""
        return cls(
            source=np.empty(n, np.int8),
            code=np.empty(n, np.int32),
            stage=np.empty(n, np.int8),
            rank=np.empty(n, np.int32),
            size=np.empty(n, np.int32),
            score=np.empty(n),
            incl_prob=np.empty(n),
            request=np.empty(n if of_others else 0, np.int64),
        )

    def first(self, n: int) -> "Chosen":
        """Return the first n of them."""
        columns: list[Any] = [column[:n] for column in self]
        return Chosen(*columns)

    def with_behind(
        self, n: NDArray[np.int32], more: "Chosen", n_more: NDArray[np.int32]
    ) -> "Chosen":
        """Return them with more of each positive behind its own.

        Args:
            n: How many of these each positive has, shape (p,).
            more: Others, with ``request`` where these have it.
            n_more: How many of those each positive has, shape (p,).
        """
        positives = np.arange(len(n))
        whose = np.concatenate([np.repeat(positives, n), np.repeat(positives, n_more)])
        order = np.argsort(whose, kind="stable")
        pairs: list[Any] = list(zip(self, more, strict=True))
        both: list[Any] = [np.concatenate(pair) for pair in pairs]
        return Chosen(*(column[order] if len(column) else column for column in both))
