"""training_samples_pointwise: the listwise rows made long, one row per positive or negative."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.assembly.tables import SOURCE_NAMES
from pipelines.contracts.tables import TableContract

_LISTS = ("neg_item_ids", "neg_source", "neg_hardness", "neg_log_q", "neg_incl_prob")


def pointwise(training_samples: DataFrame, contract: TableContract) -> DataFrame:
    """Return one row per positive and one per negative, in the contract's columns.

    Args:
        training_samples: The listwise table.
        contract: The contract of training_samples_pointwise. ``draw_no`` counts from 0 within a
            source: fills continue after the easy draws, as in easy_negatives.
    """
    shared = [
        name
        for name in contract.names
        if name in training_samples.columns and name not in {"item_id", *_LISTS}
    ]
    base = training_samples.withColumn("pos_item_id", F.col("item_id"))
    positives = base.select(
        *shared,
        "pos_item_id",
        "item_id",
        F.lit(1).alias("label"),
        F.lit("positive").alias("source"),
        F.lit(0).alias("draw_no"),
        F.lit(None).cast("tinyint").alias("hardness"),
        F.lit(None).cast("double").alias("log_q"),
        F.lit(None).cast("double").alias("incl_prob"),
    )
    long = base.select(
        *shared, "pos_item_id", "n_easy", "n_hard", F.posexplode(F.arrays_zip(*_LISTS))
    )
    source = F.coalesce(
        *(F.when(F.col("col.neg_source") == i, name) for i, name in enumerate(SOURCE_NAMES))
    )
    place = F.col("pos")
    # Hard negatives lie between easy and fill in the list; both kinds count from their own start.
    draw_no = (
        F.when(place < F.col("n_easy"), place)
        .when(place < F.col("n_easy") + F.col("n_hard"), place - F.col("n_easy"))
        .otherwise(place - F.col("n_hard"))
    )
    negatives = long.select(
        *shared,
        "pos_item_id",
        F.col("col.neg_item_ids").alias("item_id"),
        F.lit(0).alias("label"),
        source.alias("source"),
        draw_no.alias("draw_no"),
        F.col("col.neg_hardness").alias("hardness"),
        F.col("col.neg_log_q").alias("log_q"),
        F.col("col.neg_incl_prob").alias("incl_prob"),
    )
    return positives.unionByName(negatives).select(*contract.names)
