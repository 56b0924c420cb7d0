"""Losses that use what a row says of its negatives, in NumPy; in PyTorch: ``winnow.torch.losses``.

Each gives the loss of every row, shape (rows,): weigh them by ``sample_weight``, and by
``undo_weight`` where thinning should be undone, then take the mean. Scores are the logits s, after
a division by the temperature; no probability is ever divided by one.
"""

from winnow.losses.of_draws import mixture_log_q as mixture_log_q
from winnow.losses.of_draws import recsys_2025 as recsys_2025
from winnow.losses.of_draws import sampled_softmax as sampled_softmax
from winnow.losses.of_rows import batch_and_pool as batch_and_pool
from winnow.losses.of_rows import bpr as bpr
from winnow.losses.of_rows import easy_and_hard as easy_and_hard
from winnow.losses.of_rows import in_batch as in_batch
from winnow.losses.of_rows import pointwise as pointwise

__all__ = [
    "batch_and_pool",
    "bpr",
    "easy_and_hard",
    "in_batch",
    "mixture_log_q",
    "pointwise",
    "recsys_2025",
    "sampled_softmax",
]
