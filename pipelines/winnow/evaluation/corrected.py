"""What a rank among drawn negatives says of metrics in the whole catalogue.

Of M candidate items n are drawn without repeats, each set as likely as any other. Where R of the M
are better than the positive (its rank is R + 1), the number of drawn ones that are better is
hypergeometric: P(j) = C(R, j) C(M - R, n - j) / C(M, n). A metric of the sampled rank is another
one than the metric of the rank, and may order models otherwise.

Source:
    Krichene, Rendle 2020, "On Sampled Metrics for Item Recommendation"; the linear map
    of ranks is also in Li, Jin, Gao, Liu 2020, "On Sampling Top-K Recommendation Evaluation".
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from winnow.evaluation.metrics import Values
from winnow.evaluation.ranks import Ints, Ranks

Metric = Callable[[Ranks], Values]
"""The metric of each rank from 1, such as ``lambda ranks: recall(ranks, 10)``."""

_CHANCES_AT_A_TIME = 2**22
"""So many chances are in memory together: about ten arrays of 32 MiB."""


def corrected_by_rank(
    metric: Metric, ranks: Ranks, drawn: Ints | int, candidates: Ints | int
) -> Values:
    """Return the metric of the rank that a sampled one stands for: 1 + (rank - 1) M / n.

    That is the rank itself in expectation; the metric of it is not the metric, but nearer to it
    than the metric of the sampled rank.

    Args:
        metric: What is asked for; it is given whole numbers, the nearest ones.
        ranks: Sampled ranks, from 1, shape (rows,).
        drawn: n, ``len(neg_item_ids)``. candidates: M, ``candidate_items``. Numbers, or shape
            (rows,).

    Raises:
        ValueError: None is drawn though there are candidates, so that nothing is known of a rank.
    """
    n, m = np.asarray(drawn), np.asarray(candidates)
    if ((n < 1) & (m > 0)).any():
        raise ValueError("where none of the candidates is drawn, a sampled rank tells nothing")
    scale = m / np.maximum(n, 1)
    return metric(np.rint(1.0 + (ranks - 1) * scale).astype(np.int64))


def corrected(
    metric: Metric,
    ranks: Ranks,
    drawn: Ints | int,
    candidates: Ints | int,
    gamma: float = 0.1,
) -> Values:
    """Return values of sampled ranks whose mean is nearest to that of the metric.

    The values v minimise, over all ranks 1 to M + 1, the sum of (E[v | rank] - metric(rank))² +
    gamma Var[v | rank]. With gamma 1 v is the mean of the metric over the ranks that the sampled
    one may stand for; with a smaller one v has less bias and more variance: single values may lie
    outside of [0, 1], and only the mean of many rows is meant. Where n = M nothing is estimated.

    It takes O(M n²) for each pair of n and M that there is; see ``docs/evaluation.md``.

    Args:
        metric: What is asked for.
        ranks: Sampled ranks, from 1, shape (rows,).
        drawn: n, ``len(neg_item_ids)``. candidates: M, ``candidate_items``. Numbers, or shape
            (rows,).
        gamma: How much variance weighs beside bias, in (0, 1].

    Raises:
        ValueError: gamma is not in (0, 1], or a rank is not in [1, n + 1], or n above M.
    """
    if not 0.0 < gamma <= 1.0:
        raise ValueError(f"gamma must be in (0, 1], found {gamma}")
    shape = np.shape(ranks)
    n, m = (np.broadcast_to(np.asarray(one, np.int64), shape) for one in (drawn, candidates))
    if ((ranks < 1) | (ranks > n + 1) | (n > m)).any():
        raise ValueError("a sampled rank is in [1, n + 1], and no more are drawn than there are")
    found = np.empty(shape)
    for one_n, one_m in np.unique(np.stack([n, m], axis=-1).reshape(-1, 2), axis=0):
        same = (n == one_n) & (m == one_m)
        values = values_of_sampled(metric, int(one_n), int(one_m), gamma)
        found[same] = values[np.asarray(ranks)[same] - 1]
    return found


def values_of_sampled(metric: Metric, drawn: int, candidates: int, gamma: float) -> Values:
    """Return what ``corrected`` gives of each sampled rank, shape (n + 1,)."""
    if drawn == candidates:
        return metric(np.arange(1, candidates + 2))
    n = drawn + 1
    products, targets = np.zeros((n, n)), np.zeros(n)
    at_a_time, logs = max(1, _CHANCES_AT_A_TIME // n), log_factorials(candidates)
    for first in range(0, candidates + 1, at_a_time):
        above = np.arange(first, min(first + at_a_time, candidates + 1))
        chances = sampled_above(above, drawn, logs)
        products += chances.T @ chances
        targets += chances.T @ metric(above + 1)
    # Every sampled rank is as likely as any other where every rank is.
    weighed = (1.0 - gamma) * products + gamma * np.eye(n) * (candidates + 1) / n
    return np.asarray(np.linalg.solve(weighed, targets), np.float64)


def log_factorials(candidates: int) -> NDArray[np.float64]:
    """Return ln of 0! to M!, shape (M + 1,)."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, candidates + 1)))])


def sampled_above(
    above: Ints, drawn: int, log_factorial: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how likely 0 to n of the drawn items are better, shape (len(above), n + 1).

    Args:
        above: How many candidates are better. drawn: n.
        log_factorial: What ``log_factorials`` returned of M, the candidates.
    """
    candidates = len(log_factorial) - 1

    def log_choose(of: Ints, some: Ints) -> NDArray[np.float64]:
        inside = (some >= 0) & (some <= of)
        known = np.where(inside, some, 0)
        logs = log_factorial[of] - log_factorial[known] - log_factorial[of - known]
        return np.where(inside, logs, -np.inf)

    better, j = np.asarray(above)[:, None], np.arange(drawn + 1)[None, :]
    total = log_choose(np.array([candidates]), np.array([drawn]))[0]
    found: NDArray[np.float64] = np.exp(
        log_choose(better, np.broadcast_to(j, (len(above), drawn + 1)))
        + log_choose(candidates - better, drawn - j)
        - total
    )
    return found
