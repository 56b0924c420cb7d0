"""Logs and settings that make no sense, though every table is as they say."""

from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tests.audit.workbench import Bench, Broken


def _of_one_user(rows: DataFrame, share: float) -> DataFrame:
    """Give so many of the rows to one user."""
    hashed = F.pmod(F.xxhash64("request_id", "item_id"), F.lit(1000))
    mine = F.when(hashed < int(share * 1000), F.lit(1).cast("bigint")).otherwise(F.col("user_id"))
    return rows.select(*(mine.alias(n) if n == "user_id" else F.col(n) for n in rows.columns))


def one_user_has_nearly_every_positive(bench: Bench) -> Broken:
    return Broken(tables={"positives": _of_one_user(bench.tables["positives"], 0.95)})


def one_user_has_a_fifth_of_the_positives(bench: Bench) -> Broken:
    return Broken(tables={"positives": _of_one_user(bench.tables["positives"], 0.2)})


def one_user_was_shown_nearly_everything(bench: Bench) -> Broken:
    return Broken(tables={"ranking_samples": _of_one_user(bench.tables["ranking_samples"], 0.95)})


def every_impression_is_clicked(bench: Bench) -> Broken:
    funnel = bench.audit().funnel
    assert funnel is not None and funnel.clicked is not None
    counts = replace(bench.counts["impressions"], valid=funnel.clicked)
    return Broken(counts={"impressions": counts})


def a_person_is_taken_for_nobody(bench: Bench) -> Broken:
    counts = bench.counts["impressions"]
    lost = counts.valid // 3
    return Broken(
        counts={
            "impressions": replace(
                counts,
                valid=counts.valid - lost,
                filtered=counts.filtered + lost,
                anonymous=counts.anonymous + lost,
                nobody={"-1": 2, "0": lost},
            )
        }
    )


def nobody_is_taken_for_a_person(bench: Bench) -> Broken:
    return Broken(counts={"clicks": replace(bench.counts["clicks"], suspicious={"nan": 20})})
