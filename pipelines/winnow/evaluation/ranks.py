"""Ranks of positives: in a whole catalogue, and among negatives that were drawn from it.

Of equal scores the positive comes last: a model that cannot tell items apart gets no credit. Nor
does one whose scores are NaN, which are neither above nor below any other.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Ranks = NDArray[np.int64]
Mask = NDArray[np.bool_]


def sampled_ranks(positives: Floats, negatives: Floats, mask: Mask | None = None) -> Ranks:
    """Return the rank of each positive among it and its negatives, from 1, shape (rows,).

    Args:
        positives: Scores, shape (rows,).
        negatives: Scores of the row's ``neg_item_ids``, shape (rows, negatives).
        mask: True where there is a negative; None where all are there. Shape as ``negatives``.
    """
    above = ~(negatives < positives[:, None])
    found: Ranks = 1 + (above if mask is None else above & mask).sum(axis=-1, dtype=np.int64)
    return found


def catalogue_ranks(scores: Floats, places: Ints, left_out: Mask) -> Ranks:
    """Return the rank of each positive among it and all items that are not left out, from 1.

    Leave out what no model may return (items that are not there, seen ones), and the other
    positives of the row: each positive is judged beside what is no positive.

    Args:
        scores: Of all items, shape (rows, items), or (items,) where all rows have the same.
        places: Which item is the positive, shape (rows,). One that is not in the catalogue has no
            rank: count it as a miss.
        left_out: True where an item is left out, shape (rows, items); what it says of the positive
            itself does not matter.

    Returns:
        int64, shape (rows,).

    Raises:
        ValueError: A place is not in [0, items).
    """
    every = np.broadcast_to(scores, left_out.shape)
    if ((places < 0) | (places >= every.shape[-1])).any():
        raise ValueError(f"places must be in [0, {every.shape[-1]}): others have no score")
    own = np.take_along_axis(every, np.asarray(places)[:, None], axis=1)
    above = ~(every < own) & ~left_out
    np.put_along_axis(above, np.asarray(places)[:, None], False, axis=1)
    found: Ranks = 1 + above.sum(axis=-1, dtype=np.int64)
    return found


def list_ranks(ranks: Ranks, rows: Ints) -> Ranks:
    """Return the places of positives in the one list that holds all positives of their row.

    A positive with k better positives in its row stands k places lower than beside negatives alone.

    Args:
        ranks: Each positive's rank without the other ones, shape (positives,).
        rows: Which row each is of, shape (positives,).
    """
    order = np.lexsort((ranks, rows))
    begins = np.flatnonzero(np.diff(rows[order], prepend=-1) != 0) if len(order) else order
    lengths = np.diff(np.append(begins, len(order)))
    better = np.arange(len(order)) - np.repeat(begins, lengths)
    found = np.empty(len(order), np.int64)
    found[order] = ranks[order] + better
    return found
