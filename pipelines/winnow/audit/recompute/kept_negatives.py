"""The rows without a click that ranking_samples keeps of the impression log, by its keyed hash."""

from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.request_sample import of_some_requests
from winnow.config.tree import Config
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.rows import on_date

_KEY = ("impression_id", "user_id", "request_id", "item_id")
_UPPER_53_BITS = 2.0**53


def below_negative_keep(config: Config) -> Column:
    """Return whether the hash of an impression's keys keeps it though it was not clicked."""
    hashed = F.xxhash64(F.lit(config.seed), F.lit("negative_keep"), *_KEY)
    number = F.shiftright(hashed, 11).bitwiseAND(2**53 - 1)
    return number < F.lit((config.ranking.negative_keep or 1.0) * _UPPER_53_BITS)


@once
def wanted_ranking_rows(evidence: Evidence) -> int:
    """Return how many rows ranking_samples must have where rows without a click are sampled.

    Those of the impression log that the hash keeps, each key once, and the clicked ones that it
    does not: that every clicked row is there is another gate.
    """
    below, label = below_negative_keep(evidence.config), F.col("label")
    hashes = impressions_of_log(evidence).where(below).select(_hash()).distinct().count()
    clicked = evidence.staged["ranking_samples"].where((label == 1) & ~below).count()
    return int(hashes + clicked)


def shown_and_kept(evidence: Evidence, one_in: int) -> tuple[int, int]:
    """Count rows without a click in one of so many requests: by the log, and those that stayed."""
    ranking = of_some_requests(evidence.staged["ranking_samples"], one_in)
    label = F.col("label")
    clicked = ranking.where(label == 1).select(_hash())
    shown = of_some_requests(impressions_of_log(evidence), one_in).select(_hash()).distinct()
    row: Any = ranking.agg(F.count_if(label == 0).alias("kept")).collect()[0]
    return shown.join(clicked, "hash", how="left_anti").count(), row["kept"]


def impressions_of_log(evidence: Evidence) -> DataFrame:
    """Return the date's valid impressions that ranking_samples may hold, duplicates included."""
    log = evidence.logs["impressions"]
    rows = log.frame.where(on_date(log, evidence.day) & F.col("valid"))
    if log.chooses:
        rows = rows.where(CHOSEN)
    return rows.where(F.coalesce("viewed", F.lit(False))) if "viewed" in log.mapped else rows


def _hash() -> Column:
    return F.xxhash64(*_KEY).alias("hash")
