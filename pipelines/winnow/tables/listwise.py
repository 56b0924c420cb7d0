"""training_samples: one row per positive with its negatives in the order easy, hard, fill."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.arrays.lists import lists_of
from winnow.sampler.kernels.mix import CATALOGUE_EXHAUSTED, REASONS
from winnow.tables.group_lists import GroupLists, Int64s, begins_of
from winnow.tables.sources import StageSources, fills, sources_of_draws


def listwise_columns(
    easy: GroupLists, hard: GroupLists, incl_prob: pa.Array, stages: StageSources, n_requested: int
) -> dict[str, pa.Array]:
    """Return what training_samples adds to the columns of sample groups.

    Args:
        easy, hard: The lists of p groups.
        incl_prob: float64, shape (p,): drawn / pool; NULL where candidates are not drawn by chance.
        stages: The stages.
        n_requested: The negatives that were asked for.

    Returns:
        ``neg_item_ids``, ``neg_source`` (int8), ``neg_hardness`` (int8, 0 for easy), ``neg_log_q``
        and ``neg_incl_prob`` (float64, NULL where not defined): lists, the i-th elements of which
        belong together. ``n_requested``, ``shortfall_reasons``, ``shortfall_counts``.
    """
    order, lengths = _in_order(easy, hard)
    n_easy, n_hard = len(easy.group), len(hard.group)
    stage = hard.elements("stage")

    def lists(of_easy: pa.Array, of_hard: pa.Array) -> pa.ListArray:
        return lists_of(pa.concat_arrays([of_easy, of_hard]).take(order), lengths)

    reasons, counts = _shortfall(easy.groups)
    return {
        "neg_item_ids": lists(easy.elements("item_ids"), hard.elements("item_ids")),
        "neg_source": lists(sources_of_draws(easy), stages.source_of(stage)),
        "neg_hardness": lists(pa.array(np.zeros(n_easy, np.int8)), stages.hardness_of(stage)),
        "neg_log_q": lists(easy.elements("log_q"), pa.nulls(n_hard, pa.float64())),
        "neg_incl_prob": lists(
            pa.nulls(n_easy, pa.float64()), incl_prob.take(pa.array(hard.group))
        ),
        "n_requested": pa.array(np.full(len(lengths), n_requested, np.int32)),
        "shortfall_reasons": reasons,
        "shortfall_counts": counts,
    }


def _in_order(easy: GroupLists, hard: GroupLists) -> tuple[pa.Array, Int64s]:
    """Return where the elements of the mixed lists stand, all easy ones before all hard ones.

    Returns:
        The order, and the lengths of the mixed lists. Fills, which lie behind the easy draws of
        their group, come behind its hard negatives.
    """
    lengths = easy.lengths + hard.lengths
    begins, n_easy = begins_of(lengths), easy.groups["n_easy"].to_numpy()
    of_easy = (
        begins[easy.group] + easy.position + np.where(fills(easy), hard.lengths[easy.group], 0)
    )
    of_hard = (begins + n_easy)[hard.group] + hard.position
    order = np.empty(lengths.sum(), np.int64)
    order[of_easy] = np.arange(len(of_easy))
    order[of_hard] = len(of_easy) + np.arange(len(of_hard))
    return pa.array(order), lengths


def _shortfall(groups: pa.Table) -> tuple[pa.ListArray, pa.ListArray]:
    """Return the reasons and the counts of missing negatives; they add up to fill + shortfall."""

    def column(name: str) -> NDArray[Any]:
        values: NDArray[Any] = groups[name].to_numpy()
        return values

    of_hard = column("hard_missing")
    of_easy = column("n_fill") + column("shortfall") - of_hard
    missing = np.stack([of_hard, of_easy], axis=1)
    codes = np.stack([column("hard_reason"), np.full(len(of_hard), CATALOGUE_EXHAUSTED)], axis=1)
    there = missing != 0
    lengths = there.sum(axis=1)
    reasons = pa.array(REASONS).take(pa.array(codes[there]))
    return lists_of(reasons, lengths), lists_of(pa.array(missing[there].astype(np.int32)), lengths)
