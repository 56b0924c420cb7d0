"""item_stats: each item of the catalogue with its clicks, its weight, and its in-batch share."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.contracts.tables import TableContract
from winnow.run import Run
from winnow.spark.broadcast import broadcast
from winnow.spark.sized import Sized


def item_stats(
    catalogue: DataFrame,
    impressions: Sized,
    positives: Sized,
    contract: TableContract,
    run: Run,
    n_items: int,
) -> DataFrame:
    """Return one row per item of the catalogue, in the contract's columns.

    Of a vast catalogue in its order, where the items that were shown are few enough to be copied to
    every task: then the catalogue is not shuffled to them.

    Args:
        catalogue: The rows of ``catalogue_table``.
        impressions: Valid, de-duplicated impressions of the date: ``item_id``.
        positives: Kept positives of the date, of any item: ``item_id``; how many they are is exact:
            ``in_batch_q`` is a share of them.
        contract: The contract of item_stats.
        run: The date, and where to compute.
        n_items: How many items the catalogue has.
    """
    shown = _counted(impressions, "impressions", run, n_items)
    kept = _counted(positives, "positives", run, n_items)
    counted = catalogue.join(shown, "item_id", how="left").join(kept, "item_id", how="left")
    zero = F.lit(0).cast("bigint")
    return (
        counted.select(
            "*",
            F.lit(run.day.date).alias("ds"),
        )
        .select(
            *(
                F.coalesce(name, zero).alias(name) if name in {"impressions", "positives"} else name
                for name in contract.names
                if name != "in_batch_q"
            ),
            (F.coalesce("positives", zero) / F.lit(max(positives.rows, 1))).alias("in_batch_q"),
        )
        .select(*contract.names)
    )


def _counted(rows: Sized, name: str, run: Run, n_items: int) -> DataFrame:
    """Return how many rows there are of each item, by the name, as the side of a join."""
    counts = rows.frame.groupBy("item_id").agg(F.count(F.lit(1)).alias(name))
    if n_items <= run.limits.audited_items:
        return counts
    # From files, whose rows the engine knows: it copies no side to all tasks that may be large.
    counts = run.scratch.staged(counts, f"items-with-{name}")
    few = counts.count() <= run.limits.broadcast_rows
    return broadcast(counts, "item_id") if few else counts
