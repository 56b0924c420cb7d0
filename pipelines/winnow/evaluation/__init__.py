"""Metrics of retrieval models, from ranks in a whole catalogue or among evenly drawn negatives.

What is judged is one positive at a time: its rank among it and the items that are no positives of
its user, 1 the best. ``evaluation_samples`` has what they are made of; ``docs/evaluation.md`` shows
a whole run.
"""

from winnow.evaluation.corrected import corrected as corrected
from winnow.evaluation.corrected import corrected_by_rank as corrected_by_rank
from winnow.evaluation.metrics import auc as auc
from winnow.evaluation.metrics import ndcg as ndcg
from winnow.evaluation.metrics import recall as recall
from winnow.evaluation.metrics import reciprocal_rank as reciprocal_rank
from winnow.evaluation.ranks import catalogue_ranks as catalogue_ranks
from winnow.evaluation.ranks import list_ranks as list_ranks
from winnow.evaluation.ranks import sampled_ranks as sampled_ranks

__all__ = [
    "auc",
    "catalogue_ranks",
    "corrected",
    "corrected_by_rank",
    "list_ranks",
    "ndcg",
    "recall",
    "reciprocal_rank",
    "sampled_ranks",
]
