"""training_samples: one row per positive with its negatives in the order easy, hard, fill."""

import numpy as np
import pyarrow as pa

from winnow.arrays.lists import lists_of
from winnow.sampler.group_columns import missing_column
from winnow.sampler.kernels.mix import REASONS
from winnow.tables.group_lists import GroupLists, Int64s, begins_of
from winnow.tables.sources import SOURCE_FILL, StageSources, is_one_of


def listwise_columns(
    easy: GroupLists,
    hard: GroupLists,
    stages: StageSources,
    n_requested: int,
    distinct: tuple[int, ...] = (),
) -> dict[str, pa.Array]:
    """Return what training_samples adds to the columns of sample groups.

    Args:
        easy, hard: The lists of p groups.
        stages: The stages.
        n_requested: The negatives that were asked for.
        distinct: The codes of the sources that repeat no item of a positive.

    Returns:
        ``negative_lists``, ``n_requested``, ``shortfall_reasons``, ``shortfall_counts``.
    """
    asked = pa.array(np.full(len(easy.groups), n_requested, np.int32))
    reasons, counts = _shortfall(easy.groups)
    of_missing = {"shortfall_reasons": reasons, "shortfall_counts": counts}
    return negative_lists(easy, hard, stages, distinct) | {"n_requested": asked} | of_missing


def negative_lists(
    easy: GroupLists, hard: GroupLists, stages: StageSources, distinct: tuple[int, ...] = ()
) -> dict[str, pa.ListArray]:
    """Return the negatives of positives, all kinds in one list.

    Args:
        easy, hard: The lists of p groups, which tell ``n_easy`` as well.
        stages: The stages.
        distinct: The codes of the sources that repeat no item of a positive.

    Returns:
        ``neg_item_ids``, ``neg_source`` (int8), ``neg_hardness`` (int8, 0 for easy), ``neg_log_q``
        and ``neg_incl_prob`` (float64, NULL where not defined), and ``neg_mixture_log_q`` where
        the draws tell it, ``neg_log_q_conditional`` (bool, NULL for hard) where a source is
        distinct: lists, the i-th elements of which belong together.
    """
    order, lengths = _in_order(easy, hard)
    n_easy, n_hard = len(easy.group), len(hard.group)
    no_draw = pa.nulls(n_hard, pa.float64())

    def lists(of_easy: pa.Array, of_hard: pa.Array) -> pa.ListArray:
        return lists_of(pa.concat_arrays([of_easy, of_hard]).take(order), lengths)

    hardness = stages.hardness_of(hard.elements("stage"))
    found = {
        "neg_item_ids": lists(easy.elements("item_ids"), hard.elements("item_ids")),
        "neg_source": lists(easy.elements("source"), hard.elements("source")),
        "neg_hardness": lists(pa.array(np.zeros(n_easy, np.int8)), hardness),
        "neg_log_q": lists(easy.elements("log_q"), no_draw),
        "neg_incl_prob": lists(pa.nulls(n_easy, pa.float64()), hard.elements("incl_prob")),
    }
    if "mixture_log_q" in easy.kind.values:
        found["neg_mixture_log_q"] = lists(easy.elements("mixture_log_q"), no_draw)
    if distinct:
        conditional = is_one_of(easy.elements("source"), distinct)
        found["neg_log_q_conditional"] = lists(conditional, pa.nulls(n_hard, pa.bool_()))
    return found


def _in_order(easy: GroupLists, hard: GroupLists) -> tuple[pa.Array, Int64s]:
    """Return where the elements of the mixed lists stand, all easy ones before all hard ones.

    Returns:
        The order, and the lengths of the mixed lists. Fills, which lie behind the easy draws of
        their group, come behind its hard negatives.
    """
    lengths = easy.lengths + hard.lengths
    begins, n_easy = begins_of(lengths), easy.groups["n_easy"].to_numpy()
    fills = easy.elements("source").to_numpy() == SOURCE_FILL
    of_easy = begins[easy.group] + easy.position + np.where(fills, hard.lengths[easy.group], 0)
    of_hard = (begins + n_easy)[hard.group] + hard.position
    order = np.empty(lengths.sum(), np.int64)
    order[of_easy] = np.arange(len(of_easy))
    order[of_hard] = len(of_easy) + np.arange(len(of_hard))
    return pa.array(order), lengths


def _shortfall(groups: pa.Table) -> tuple[pa.ListArray, pa.ListArray]:
    """Return the reasons and the counts of missing negatives; they add up to fill + shortfall."""
    missing = np.stack([groups[missing_column(reason)].to_numpy() for reason in REASONS], axis=1)
    there = missing != 0
    lengths, codes = there.sum(axis=1), np.nonzero(there)[1]
    reasons = pa.array(REASONS).take(pa.array(codes))
    return lists_of(reasons, lengths), lists_of(pa.array(missing[there].astype(np.int32)), lengths)
