"""item_stats: each item of the catalogue with its clicks, its weight, and its in-batch share."""

from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.catalogue.draw_table import Catalogue
from pipelines.contracts.tables import TableContract

FIRST_INDEX = 3
"""Item indices start here: 0 to 2 stay free for padding, NULL and unknown ids."""


def catalogue_table(catalogue: Catalogue, eligibility: pa.Table) -> pa.Table:
    """Return the catalogue with what item_stats tells of it: one row per item, by ``item_id``.

    Args:
        catalogue: The built catalogue.
        eligibility: One row per item of it, sorted by ``item_id``: ``item_id``,
            ``eligible_from``, ``eligible_to``.
    """
    weights = catalogue.draws.weights
    # Most clicked first, ties by item id: ids are sorted, and the sort is stable.
    by_clicks = np.argsort(-catalogue.clicks, kind="stable")
    index = np.empty(len(weights), np.int64)
    index[by_clicks] = np.arange(FIRST_INDEX, FIRST_INDEX + len(weights))
    return pa.table(
        {
            "item_id": catalogue.ids,
            "item_idx": pa.array(index),
            "clicks": pa.array(catalogue.clicks),
            "weight": pa.array(weights),
            "q": pa.array(weights / max(catalogue.total_weight, 1)),
            "eligible_from": eligibility["eligible_from"],
            "eligible_to": eligibility["eligible_to"],
        }
    )


def item_stats(
    catalogue: DataFrame,
    impressions: DataFrame,
    positives: DataFrame,
    contract: TableContract,
    day: date,
    *,
    n_positives: int,
) -> DataFrame:
    """Return one row per item of the catalogue, in the contract's columns.

    Args:
        catalogue: The rows of ``catalogue_table``.
        impressions: Valid, de-duplicated impressions of the date: ``item_id``.
        positives: Kept positives of the date: ``item_id``.
        contract: The contract of item_stats.
        day: The date.
        n_positives: How many kept positives there are, of any item.
    """
    shown = impressions.groupBy("item_id").agg(F.count(F.lit(1)).alias("impressions"))
    kept = positives.groupBy("item_id").agg(F.count(F.lit(1)).alias("positives"))
    counted = catalogue.join(shown, "item_id", how="left").join(kept, "item_id", how="left")
    zero = F.lit(0).cast("bigint")
    return (
        counted.select(
            "*",
            F.lit(day).alias("ds"),
        )
        .select(
            *(
                F.coalesce(name, zero).alias(name) if name in {"impressions", "positives"} else name
                for name in contract.names
                if name != "in_batch_q"
            ),
            (F.coalesce("positives", zero) / F.lit(max(n_positives, 1))).alias("in_batch_q"),
        )
        .select(*contract.names)
    )
