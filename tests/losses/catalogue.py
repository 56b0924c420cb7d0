"""A small catalogue whose full softmax can be computed, and draws that have exactly their chances.

Where each item was drawn as often as its chance says, the estimate from the draws is the full
softmax itself, and no chance is left in a test.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

SCORES = np.array([[0.3, -1.2, 2.0, 0.7, -0.4], [1.1, 0.0, -2.0, 0.4, 0.9]])
"""Of two users with five items."""

POSITIVE = np.array([2, 0])
DRAWN = np.array([[0, 0, 1, 1, 3, 3, 3, 4], [1, 2, 2, 2, 2, 3, 3, 4]])
"""Of each user eight draws among the items that are not the positive."""

HARD = np.array([[4, 1], [3, 3]])


def log_q_of(drawn: NDArray[np.int64]) -> Floats:
    """The chance that these draws have exactly, of each draw."""
    counts = [np.bincount(row, minlength=5) for row in drawn]
    shares = [count[row] / len(row) for count, row in zip(counts, drawn, strict=True)]
    return np.asarray(np.log(shares))


def full_softmax(scores: Floats, positive: NDArray[np.int64], allowed: NDArray[np.bool_]) -> Floats:
    """The cross entropy over what is allowed and the positive, shape (rows,)."""
    among = allowed.copy()
    among[np.arange(len(scores)), positive] = True
    total = np.log(np.where(among, np.exp(scores), 0.0).sum(axis=1))
    return np.asarray(total - scores[np.arange(len(scores)), positive])


def full_gradient(
    scores: Floats, positive: NDArray[np.int64], allowed: NDArray[np.bool_]
) -> Floats:
    """By the scores of all items, shape (rows, items)."""
    among = allowed.copy()
    among[np.arange(len(scores)), positive] = True
    p = np.where(among, np.exp(scores), 0.0)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(scores)), positive] -= 1.0
    return np.asarray(p)
