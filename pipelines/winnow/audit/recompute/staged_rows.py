"""The positives and negatives of a build, whichever of its tables are written."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.config.tree import Config

KEY = ("user_id", "request_id", "item_id")

CODE_OF = {"popularity": 0, "easy_fill": 1, "cut": 2, "low": 3}
"""neg_source in training_samples of each ``source`` in the long tables."""

NEGATIVE_LISTS = ("neg_item_ids", "neg_source", "neg_hardness", "neg_log_q", "neg_incl_prob")
"""The lists of training_samples with one element per negative."""


@dataclass(frozen=True)
class StagedPositives:
    """The positives.

    Attributes:
        rows: One row per positive: ``KEY``, and what else the table knows of them.
        complete: Whether a positive without negatives would be among them.
    """

    rows: DataFrame
    complete: bool


def source_code() -> Column:
    """Return the code of the column ``source``, int; NULL for a name that is none."""
    return F.coalesce(*(F.when(F.col("source") == n, F.lit(c)) for n, c in CODE_OF.items()))


def positives_of(staged: Mapping[str, DataFrame]) -> StagedPositives | None:
    """Return the positives from the table that knows most of them; None where none is written."""
    for name in ("positives", "training_samples"):
        if name in staged:
            return StagedPositives(staged[name], complete=True)
    if "training_samples_pointwise" in staged:
        rows = staged["training_samples_pointwise"].where("label = 1")
        return StagedPositives(rows, complete=True)
    keys = [
        staged[name].select(*KEY) for name in ("easy_negatives", "hard_negatives") if name in staged
    ]
    if not keys:
        return None
    both = keys[0] if len(keys) == 1 else keys[0].unionByName(keys[1])
    return StagedPositives(both.distinct(), complete=False)


def negatives_of(staged: Mapping[str, DataFrame]) -> DataFrame | None:
    """Return every staged negative once: ``user_id``, and lists of ids, sources and log_q.

    training_samples holds them as lists; without it a long table does, as lists of one. None
    where no table with negatives is written. That the long tables hold the same rows as
    training_samples is another gate (``agreement``).
    """
    if "training_samples" in staged:
        return staged["training_samples"].select(
            "user_id", "neg_item_ids", "neg_source", "neg_log_q"
        )
    if "training_samples_pointwise" in staged:
        rows = staged["training_samples_pointwise"].where("label = 0")
        return _as_lists(rows, "item_id", F.col("log_q"))
    parts = [
        _as_lists(staged[name], "neg_item_id", log_q)
        for name, log_q in (("easy_negatives", F.col("log_q")), ("hard_negatives", F.lit(None)))
        if name in staged
    ]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


def _as_lists(rows: DataFrame, item: str, log_q: Column) -> DataFrame:
    return rows.select(
        "user_id",
        F.array(item).alias("neg_item_ids"),
        F.array(source_code().cast("tinyint")).alias("neg_source"),
        F.array(log_q.cast("double")).alias("neg_log_q"),
    )


def hard_of(staged: Mapping[str, DataFrame], config: Config) -> DataFrame | None:
    """Return the hard negatives: ``user_id``, ``request_id``, ``neg_item_id``, ``stage``, and more.

    hard_negatives knows rank and score of each; the other tables know its stage by its hardness.
    None where no table with hard negatives is written.
    """
    if "hard_negatives" in staged:
        return staged["hard_negatives"]
    stages = [stage.name for stage in config.ladder if stage.take != "none"]
    if not stages:
        return None
    named = (F.when(F.col("hardness") == i, F.lit(n)) for i, n in enumerate(stages, start=1))
    stage = F.coalesce(*named).alias("stage")
    if "training_samples" in staged:
        lists = F.explode(F.arrays_zip("neg_item_ids", "neg_source", "neg_hardness")).alias("row")
        rows = staged["training_samples"].select("user_id", "request_id", lists)
        hard = rows.where("row.neg_source >= 2").select(
            "user_id",
            "request_id",
            F.col("row.neg_item_ids").alias("neg_item_id"),
            F.col("row.neg_hardness").alias("hardness"),
        )
    elif "training_samples_pointwise" in staged:
        rows = staged["training_samples_pointwise"].where(source_code() >= 2)
        hard = rows.select(
            "user_id", "request_id", F.col("item_id").alias("neg_item_id"), "hardness"
        )
    else:
        return None
    return hard.select("user_id", "request_id", "neg_item_id", stage)


def can_have_hard(evidence: Evidence) -> bool:
    """Return whether hard negatives were asked for, and a table that is written tells of them."""
    return (
        "ranking_log" in evidence.logs
        and evidence.config.negatives.n_hard > 0
        and hard_of(evidence.staged, evidence.config) is not None
    )
