"""Losses of batches, of hard negatives, and of single pairs and rows."""

import numpy as np

from winnow.losses.of_draws import Floats, Mask, log_sum_exp, sampled_softmax


def in_batch(
    scores: Floats, log_q: Floats, conflicts: Mask, forbidden: Floats | None = None
) -> Floats:
    """Return the loss of rows that are each other's negatives.

    Args:
        scores: Of each user with each item of the batch, shape (rows, rows); the diagonal has the
            positives.
        log_q: ``in_batch_log_q``, shape (rows,).
        conflicts: ``conflict_mask`` of the batch: true where a slot is no negative of a row, the
            row's own among them. Shape (rows, rows).
        forbidden: ``in_batch_forbidden``, shape (rows,): what the mask takes out makes the rest
            more likely. By default nothing.

    Returns:
        The loss of each row, shape (rows,).
    """
    given = log_q[None, :]
    if forbidden is not None:
        # Where all is forbidden there is no negative either.
        least = np.finfo(forbidden.dtype).tiny
        given = given - np.log(np.maximum(1.0 - forbidden, least))[:, None]
    chance = np.broadcast_to(given, scores.shape)
    return sampled_softmax(np.diagonal(scores), scores, chance, ~conflicts)


def batch_and_pool(
    scores: Floats,
    pool_scores: Floats,
    log_q: Floats,
    pool_log_q: Floats,
    conflicts: Mask,
    pool_conflicts: Mask,
) -> Floats:
    """Return the loss of one softmax over the rows of a batch and the pool that they share.

    Of the n slots of both an item has n e^log_q in the mean, so the logit of each slot that is not
    masked becomes s - log_q - ln n: their sum stands for all items that the row may get. It stays
    right whatever the mask takes out, so nothing needs to be known of that.

    Args:
        scores: Of each user with each item of the batch, shape (rows, rows); the diagonal has the
            positives.
        pool_scores: Of each user with each item of the pool, shape (rows, slots).
        log_q: ``in_batch_mixture_log_q``, shape (rows,).
        pool_log_q: ``mixture_log_q`` of batch_draws, shape (slots,).
        conflicts: As for ``in_batch``. pool_conflicts: The same of the pool, shape (rows, slots).

    Returns:
        The loss of each row, shape (rows,).

    Source:
        Yang et al. 2020, "Mixed Negative Sampling for Learning Two-tower Neural Networks in
        Recommendations"; the positive is not corrected, as arXiv 2507.09331 has it.
    """
    positive, n = np.diagonal(scores), scores.shape[-1] + pool_scores.shape[-1]
    both = np.concatenate([scores - log_q, pool_scores - pool_log_q], axis=-1) - np.log(n)
    others = log_sum_exp(both, ~np.concatenate([conflicts, pool_conflicts], axis=-1))
    found: Floats = np.logaddexp(positive, others) - positive
    return found


def easy_and_hard(
    positive: Floats,
    negatives: Floats,
    log_q: Floats,
    easy: Mask,
    mask: Mask,
    hard_weight: float = 1.0,
) -> Floats:
    """Return the loss of the drawn negatives, and as a term of its own that of the hard ones.

    Never in one softmax: a drawn negative is corrected and would weigh e^-log_q times as much.

    Args:
        positive, negatives, log_q: As for ``sampled_softmax``.
        easy: True where a negative was drawn. mask: True where there is one at all.
        hard_weight: Of the second term: a softmax of the positive and the row's hard negatives, not
            corrected.

    Returns:
        The loss of each row, shape (rows,).
    """
    others = log_sum_exp(negatives, mask & ~easy)
    of_hard = np.logaddexp(positive, others) - positive
    return sampled_softmax(positive, negatives, log_q, easy) + hard_weight * of_hard


def bpr(positive: Floats, negatives: Floats, mask: Mask) -> Floats:
    """Return the mean of -ln sigmoid(s_positive - s_negative) over a row's negatives.

    Args:
        positive: Shape (rows,). negatives: Shape (rows, negatives). mask: True where there is one.

    Returns:
        The loss of each row, shape (rows,); 0 where a row has no negative.
    """
    of_pairs = np.logaddexp(0.0, negatives - positive[:, None])
    found: Floats = np.where(mask, of_pairs, 0.0).sum(axis=-1) / np.maximum(mask.sum(axis=-1), 1)
    return found


def pointwise(scores: Floats, labels: Floats) -> Floats:
    """Return the cross entropy of clicked or not, of the logit of each row.

    Args:
        scores: Logits, any shape. labels: 1 clicked, 0 not; of the same shape.

    Returns:
        The loss of each, of the same shape.
    """
    found: Floats = np.logaddexp(0.0, scores) - labels * scores
    return found
