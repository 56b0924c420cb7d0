"""Losses of negatives that were drawn with a known chance: they stand for the whole catalogue."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]


def sampled_softmax(positive: Floats, negatives: Floats, log_q: Floats, mask: Mask) -> Floats:
    """Return the cross entropy of a softmax over all that is allowed, estimated from draws.

    The positive's logit stays as it is, each of a row's n negatives becomes s - log_q - ln n.

    Args:
        positive: Scores of the positives, shape (rows,).
        negatives: Scores of the negatives, shape (rows, negatives).
        log_q: ``neg_log_q`` of them, or ``neg_mixture_log_q`` where several sources drew them; what
            it is where ``mask`` is false does not matter. Shape as ``negatives``, or (negatives,).
        mask: True where there is a drawn negative: ``easy`` of a batch.

    Returns:
        The loss of each row, shape (rows,); 0 where a row has no negative.
    """
    others = log_sum_exp(_corrected(negatives, log_q, mask), mask)
    return np.logaddexp(positive, others) - positive


def recsys_2025(positive: Floats, negatives: Floats, log_q: Floats, mask: Mask) -> Floats:
    """Return the loss of arXiv 2507.09331: the positive is not in the sum, but weighs the row.

    L = w (ln of the sum of e^(s - log_q) over n, less the positive's score), w = 1 - the positive's
    probability. Hold w constant when it is differentiated: then its gradient is that of
    ``sampled_softmax``.

    Args:
        positive, negatives, log_q, mask: As for ``sampled_softmax``.

    Returns:
        The loss of each row, shape (rows,); 0 where a row has no negative.
    """
    others = log_sum_exp(_corrected(negatives, log_q, mask), mask)
    weight = 1.0 - np.exp(positive - np.logaddexp(positive, others))
    return weight * np.where(mask.any(axis=-1), others - positive, 0.0)


def mixture_log_q(log_q: Sequence[Floats], counts: Sequence[float]) -> Floats:
    """Return how likely an item is in a mixture of sources: ln(sum of n q / sum of n).

    Args:
        log_q: Of the same items under each source, -inf where it never draws one.
        counts: How many negatives of a row each source gives.
    """
    known = zip(log_q, counts, strict=True)
    weighted = [one + np.log(n / sum(counts)) for one, n in known if n > 0]
    found: Floats = np.logaddexp.reduce(np.broadcast_arrays(*weighted), axis=0)
    return found


def log_sum_exp(logits: Floats, mask: Mask) -> Floats:
    """Return ln of the sum of e^logit along the last axis, where ``mask`` is true; -inf of none."""
    there = np.where(mask, logits, -np.inf)
    most = there.max(axis=-1, initial=-np.inf)
    shift = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore"):
        found: Floats = np.log(np.exp(there - shift[..., None]).sum(axis=-1)) + shift
    return found


def _corrected(negatives: Floats, log_q: Floats, mask: Mask) -> Floats:
    n = np.maximum(mask.sum(axis=-1, keepdims=True), 1)
    # Padding may be NaN; it is not looked at, but must not warn either.
    corrected: Floats = negatives - np.where(mask, log_q, 0.0) - np.log(n)
    return corrected
