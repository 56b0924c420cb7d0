"""What the engine counts for the figures: positives, who is forbidden what, requests and stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.contracts.log import Log
from winnow.contracts.rows import on_date, valid_rows
from winnow.explanation.lanes import Lane, ToldByUser
from winnow.run import Run
from winnow.sampler.steps import all_forbidden, ranked_rows
from winnow.sampler.weights import expected_rows


@dataclass(frozen=True)
class Requests:
    """Requests of the date, and those that the ranking log of the date has rows of.

    Attributes:
        shown: Requests of valid impressions. shown_ranked: Those with ranking rows.
        positive: Requests that make a positive. positive_ranked: Those with ranking rows.
        stages: By stage, in how many of the last the ranking log has rows of it, and how many rows.
    """

    shown: int
    shown_ranked: int
    positive: int
    positive_ranked: int
    stages: Mapping[str, tuple[int, int]]


def staged_positives(
    pairs: DataFrame,
    items: pa.Table,
    run: Run,
    by_user: Mapping[str, ToldByUser] = MappingProxyType({}),
) -> DataFrame:
    """Return the positives of the date, with how many rows each is expected to become.

    Args:
        pairs: Those that count and may make positives.
        items: What ``item_table`` returned. run: The date, and where to compute.
        by_user: What ``told_by_users`` returned.

    Returns:
        One row per positive, read back from staging: ``user_key``, ``request_id``, ``item_key``,
        ``rows`` (double), and the columns of lanes that depend on a positive: those of ``items``,
        and ``by_user``.
    """
    shown, rule = F.col("impression_us"), run.config.positives
    since = run.day.hour_us(run.config.popularity.until_hour)
    once = pairs.where((shown >= since) & (shown < run.day.end_us))
    once = once.groupBy("user_key", "request_key", "item_key").agg(
        F.min("request_id").alias("request_id"),
        *(F.min(_told(one)).alias(name) for name, one in by_user.items()),
    )
    of_lanes = _of_lanes(items.column_names)
    known = run.scratch.stored(items.select(["item_key", "keep", "repeats", *of_lanes]), "of-item")
    # An item that is in no table was never clicked before: nothing thins it, and it is cold.
    usual = {"keep": 1.0, "repeats": 1.0} | {n: float(n.startswith("none_")) for n in of_lanes}
    if rule.upsampling is not None:
        usual["repeats"] = float(expected_rows(np.zeros(1, np.int64), rule.upsampling)[0])
    told = [F.coalesce(name, F.lit(value)).alias(name) for name, value in usual.items()]
    found = once.join(known, "item_key", how="left")
    found = found.select("user_key", "request_id", "item_key", *told, *by_user)
    rows = F.col("keep") * F.col("repeats")
    if rule.per_user_cap is not None:
        users = found.groupBy("user_key").agg(F.sum("keep").alias("of_user"))
        found = found.join(users, "user_key")
        rows *= F.least(F.lit(1.0), F.lit(float(rule.per_user_cap)) / F.col("of_user"))
    found = found.select(
        "user_key", "request_id", "item_key", rows.alias("rows"), *of_lanes, *by_user
    )
    return run.scratch.staged(found, "positives-of-date")


def sums_of_draws(
    logs: Mapping[str, Log],
    positives: DataFrame,
    items: pa.Table,
    lanes: Sequence[Lane],
    keys: Sequence[int],
    run: Run,
) -> dict[str, float]:
    """Return what the expected draws of some items are made of, summed up over all positives.

    Args:
        logs: The conformed logs.
        positives: What ``staged_positives`` returned.
        items: What ``item_table`` returned. lanes: Its lanes.
        keys: The items, by key.
        run: The exclusion window, and where to compute.

    Returns:
        ``users``; ``positives``, expected rows; ``positives_<c>``, those of item c;
        ``forbidden_<c>``, the users to whom item c is forbidden; ``using_<i>``, the positives that
        draw from lane i; ``none_<d>``, those that draw from no group of distribution d; and
        ``draws_<c>_<i>``, the sum of 1 / (weight that is allowed) over the positives of lane i to
        whose users item c is not forbidden.
    """
    of_lanes = _of_lanes(positives.columns)
    users = positives.groupBy("user_key").agg(
        F.sum("rows").alias("n"),
        *(F.sum(F.col(name) * F.col("rows")).alias(name) for name in of_lanes),
        *(F.sum(_of(key, "rows")).alias(f"of_{c}") for c, key in enumerate(keys)),
    )
    weights = [f"weight_{i}" for i in range(len(lanes))]
    known = run.scratch.stored(items.select(["item_key", *weights]), "item-weights")
    forbidden = all_forbidden(logs, run).join(
        positives.select("user_key").distinct(), "user_key", how="left_semi"
    )
    of_user = (
        forbidden.select("user_key", "item_key")
        .distinct()
        .join(known, "item_key", how="inner")
        .groupBy("user_key")
        .agg(
            *(F.sum(name).alias(name) for name in weights),
            *(F.max(_of(key)).alias(f"flag_{c}") for c, key in enumerate(keys)),
        )
    )
    rows = users.join(of_user, "user_key", how="left")
    found = [F.count(F.lit(1)).alias("users"), F.sum("n").alias("positives")]
    found += [F.sum(name).alias(name) for name in of_lanes if name.startswith("none_")]
    for i, lane in enumerate(lanes):
        using = F.col(f"uses_{i}") if lane.of_some else F.col("n")
        found.append(F.sum(using).alias(f"using_{i}"))
        left = F.lit(lane.total) - F.coalesce(f"weight_{i}", F.lit(0))
        for c in range(len(keys)):
            drawn = F.when(~_flag(c) & (left > 0), using / left)
            found.append(F.sum(drawn).alias(f"draws_{c}_{i}"))
    for c in range(len(keys)):
        found.append(F.count_if(_flag(c)).alias(f"forbidden_{c}"))
        found.append(F.sum(f"of_{c}").alias(f"positives_{c}"))
    (row,) = rows.agg(*found).collect()
    return {name: float(value or 0.0) for name, value in row.asDict().items()}


def requests_with_rows(logs: Mapping[str, Log], positives: DataFrame, run: Run) -> Requests:
    """Count the date's requests, and those that the ranking log of the date has rows of.

    Args:
        logs: The conformed logs. positives: What ``staged_positives`` returned.
        run: The date and the ladder; of a ranking log that nothing asks for nothing is read.
    """
    log, impressions = logs.get("ranking_log"), logs["impressions"]
    of_date = valid_rows(impressions).where(on_date(impressions, run.day))
    making = positives.select("request_id").distinct().withColumn("makes", F.lit(1))
    both = of_date.select("request_id").distinct().join(making, "request_id", how="left")
    makes, has = F.col("makes").isNotNull(), F.lit(False)
    stages = [stage.name for stage in run.config.ladder]
    found: list[Column] = []
    if log is not None and run.config.negatives.n_of_stages > 0:
        rows = ranked_rows(log, run.config).where(on_date(log, run.day))
        per_stage = (F.count_if(F.col("stage") == name) for name in stages)
        ranked = rows.groupBy("request_id").agg(
            F.count(F.lit(1)).alias("ranked"),
            *(count.alias(f"rows_{i}") for i, count in enumerate(per_stage)),
        )
        both, has = both.join(ranked, "request_id", how="left"), F.col("ranked").isNotNull()
        for i in range(len(stages)):
            count = F.when(makes, F.coalesce(f"rows_{i}", F.lit(0))).otherwise(F.lit(0))
            found += [F.count_if(count > 0).alias(f"n_{i}"), F.sum(count).alias(f"sum_{i}")]
    for name, which in {"shown": F.lit(True), "positive": makes}.items():
        found += [F.count_if(which).alias(name), F.count_if(which & has).alias(f"{name}_ranked")]
    (row,) = both.agg(*found).collect()
    of_stages = {
        stage: (int(row[f"n_{i}"]), int(row[f"sum_{i}"] or 0)) if f"n_{i}" in row else (0, 0)
        for i, stage in enumerate(stages)
    }
    return Requests(
        row["shown"], row["shown_ranked"], row["positive"], row["positive_ranked"], of_stages
    )


def _of_lanes(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name.startswith(("uses_", "none_"))]


def _told(by: ToldByUser) -> Column:
    inside = F.coalesce(F.col(by.attribute).cast("string").isin(*by.texts), F.lit(False))
    return (inside if by.inside else ~inside).cast("double")


def _of(key: int, column: str | None = None) -> Column:
    """Return whether a row is of an item; or what it has in a column if so, else 0."""
    same = F.col("item_key") == F.lit(key)
    return same if column is None else F.when(same, F.col(column)).otherwise(F.lit(0.0))


def _flag(c: int) -> Column:
    return F.coalesce(f"flag_{c}", F.lit(False))
