"""The losses of ``winnow.losses`` in PyTorch, with gradients; arguments and shapes are the same."""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor
from torch.nn.functional import softplus


def sampled_softmax(positive: Tensor, negatives: Tensor, log_q: Tensor, mask: Tensor) -> Tensor:
    """Return the cross entropy of a softmax over all that is allowed, estimated from draws."""
    return softplus(_others(negatives, log_q, mask) - positive)


def recsys_2025(positive: Tensor, negatives: Tensor, log_q: Tensor, mask: Tensor) -> Tensor:
    """Return the loss of arXiv 2507.09331; its weight is held constant."""
    others = _others(negatives, log_q, mask)
    weight = torch.sigmoid(others - positive).detach()
    return torch.where(mask.any(-1), weight * (others - positive), torch.zeros_like(positive))


def in_batch(
    scores: Tensor, log_q: Tensor, conflicts: Tensor, forbidden: Tensor | None = None
) -> Tensor:
    """Return the loss of rows that are each other's negatives."""
    given = log_q[None, :]
    if forbidden is not None:
        given = (
            given
            - torch.log((1.0 - forbidden).clamp_min(torch.finfo(forbidden.dtype).tiny))[:, None]
        )
    return sampled_softmax(scores.diagonal(), scores, given.expand_as(scores), ~conflicts)


def batch_and_pool(
    scores: Tensor,
    pool_scores: Tensor,
    log_q: Tensor,
    pool_log_q: Tensor,
    conflicts: Tensor,
    pool_conflicts: Tensor,
) -> Tensor:
    """Return the loss of one softmax over the rows of a batch and the pool that they share."""
    n = scores.shape[-1] + pool_scores.shape[-1]
    corrections = torch.cat([log_q, pool_log_q]).to(scores.dtype) + log(n)
    both = torch.cat([scores, pool_scores], -1) - corrections
    mask = ~torch.cat([conflicts, pool_conflicts], -1)
    return softplus(_log_sum_exp(both, mask) - scores.diagonal())


def easy_and_hard(
    positive: Tensor,
    negatives: Tensor,
    log_q: Tensor,
    easy: Tensor,
    mask: Tensor,
    hard_weight: float = 1.0,
) -> Tensor:
    """Return the loss of the drawn negatives, and as a term of its own that of the hard ones."""
    of_hard = softplus(_log_sum_exp(negatives, mask & ~easy) - positive)
    return sampled_softmax(positive, negatives, log_q, easy) + hard_weight * of_hard


def bpr(positive: Tensor, negatives: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of -ln sigmoid(s_positive - s_negative) over a row's negatives."""
    of_pairs = softplus(negatives - positive[:, None])
    return torch.where(mask, of_pairs, torch.zeros_like(of_pairs)).sum(-1) / mask.sum(-1).clamp_min(
        1
    )


def pointwise(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the cross entropy of clicked or not, of the logit of each row."""
    return softplus(scores) - labels * scores


def mixture_log_q(log_q: Sequence[Tensor], counts: Sequence[float]) -> Tensor:
    """Return how likely an item is in a mixture of sources."""
    known = zip(log_q, counts, strict=True)
    weighted = [one + log(n / sum(counts)) for one, n in known if n > 0]
    return torch.logsumexp(torch.stack(torch.broadcast_tensors(*weighted)), 0)


def _others(negatives: Tensor, log_q: Tensor, mask: Tensor) -> Tensor:
    log_n = torch.log(mask.sum(-1, keepdim=True).clamp_min(1).to(negatives.dtype))
    known = torch.where(mask, log_q, torch.zeros_like(log_q)).to(negatives.dtype)
    return _log_sum_exp(negatives - known - log_n, mask)


def _log_sum_exp(logits: Tensor, mask: Tensor) -> Tensor:
    """Return ln of the sum of e^logit along the last axis, where ``mask`` is true."""
    # Not -inf: of a row without negatives the gradient would be NaN, and not 0.
    lowest = torch.finfo(logits.dtype).min / 4
    return torch.logsumexp(logits.masked_fill(~mask, lowest), -1)
