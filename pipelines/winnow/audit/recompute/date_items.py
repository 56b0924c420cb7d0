"""The items of a date as the audit knows them: one by one, or of a vast catalogue the told ones."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.counted_items import items_of, recomputed_items, stated_items
from winnow.audit.recompute.index_order import stand_in_order
from winnow.audit.recompute.item_counts import item_counts
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.untouched import FIRST_INDEX, may_be_summed, parted, same_catalogue


@once
def date_items(evidence: Evidence) -> Items:
    """Return ``recomputed_items`` of the evidence; of a vast catalogue those that something tells.

    What is not told of is left out only where all is right with it: each mistake is counted item
    by item.
    """
    logs, stats, config = evidence.logs, evidence.staged["item_stats"], evidence.config
    day, scratch = evidence.day, evidence.scratch
    if may_be_summed(evidence) and same_catalogue(evidence):
        counted = scratch.staged(item_counts(logs, config, day, scratch), "audited-counts")
        told, untouched = parted(evidence, counted, stated_items(stats, config))
        items = replace(items_of(counted, told, None, config, scratch), untouched=untouched)
        items = replace(items, place=np.where(items.clicks > 0, items.place, _by_index(items)))
        if _all_right(items, stats):
            return items
    return recomputed_items(logs, stats, config, day, scratch)


def _by_index(items: Items) -> NDArray[np.int64]:
    return np.where(items.listed, items.index - FIRST_INDEX, -1)


def _all_right(items: Items, item_stats: DataFrame) -> bool:
    """Return whether item_stats has the right clicks, and those without any in the right order.

    And whether the untouched ones have their share of the weights as q.
    """
    others, listed = items.untouched, items.listed
    share = others.weight / max(items.total_weight, 1.0)
    ends = (others.least_q, others.most_q)
    shares = all(bool((np.abs(q - share) <= 1e-9 * share).all()) for q in ends)
    if not shares or (listed & (items.stated != items.clicks)).any():
        return False
    first = FIRST_INDEX + int((listed & (items.clicks > 0)).sum())
    unclicked = item_stats.where("clicks = 0").select("item_id", F.col("item_idx").alias("index"))
    return stand_in_order(unclicked, first, FIRST_INDEX + int(listed.sum()) + others.items)
