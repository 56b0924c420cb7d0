"""The negatives of one source that chooses, and their positives, whichever tables are written."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.staged_rows import KEY, source_code
from winnow.config.sources import source_named
from winnow.config.tree import Config

OF_POSITIVE = (*KEY, "number")
"""What tells a row of a positive: its key, and which of its repeated rows it is."""


def negatives_of_source(
    staged: Mapping[str, DataFrame], config: Config, source: str
) -> DataFrame | None:
    """Return the negatives of a source, from the first table that is written and has them.

    Returns:
        One row per negative: ``KEY``, ``number`` (the repeat_idx, else 0), ``shown_us`` (when the
        positive was), ``shuffle_key``, ``neg_item_id``, ``incl_prob``, and ``from_request_id``
        where the table has it. None where no table tells.
    """
    code = source_named(source).code
    if "hard_negatives" in staged:
        rows = staged["hard_negatives"].where(F.col("source") == source)
        return _named(rows, "item_id", F.col("neg_item_id"))
    if "training_samples" in staged:
        samples = staged["training_samples"]
        lists = F.arrays_zip("neg_item_ids", "neg_source", "neg_incl_prob")
        rows = samples.withColumn("of", F.explode(lists)).where(F.col("of.neg_source") == code)
        told = rows.withColumn("incl_prob", F.col("of.neg_incl_prob"))
        return _named(told, "item_id", F.col("of.neg_item_ids"))
    if "training_samples_pointwise" in staged:
        rows = staged["training_samples_pointwise"].where(source_code(config) == code)
        return _named(rows, "pos_item_id", F.col("item_id"))
    return None


def as_positives(rows: DataFrame) -> DataFrame:
    """Return ``OF_POSITIVE``, ``shown_us`` and ``shuffle_key`` of rows of ``positives_of``."""
    # By the pointwise form a positive's item has two names, of which both are the same there.
    return _named(rows, "item_id", None)


def _named(rows: DataFrame, positive: str, negative: Column | None) -> DataFrame:
    number = F.col("repeat_idx") if "repeat_idx" in rows.columns else F.lit(0)
    others: list[Column] = []
    if negative is not None:
        others = [negative.alias("neg_item_id"), F.col("incl_prob")]
        others += [F.col(n) for n in ("from_request_id",) if n in rows.columns]
    return rows.select(
        "user_id",
        "request_id",
        F.col(positive).alias("item_id"),
        number.alias("number"),
        F.unix_micros("impression_ts").alias("shown_us"),
        "shuffle_key",
        *others,
    )
