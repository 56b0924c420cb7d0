"""item_stats: each item of the catalogue with its clicks, its weight, and its in-batch share."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.contracts.tables import TableContract


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
        positives: Kept positives of the date, of any item: ``item_id``.
        contract: The contract of item_stats.
        day: The date.
        n_positives: How many they are, exactly: ``in_batch_q`` is a share of them.
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
