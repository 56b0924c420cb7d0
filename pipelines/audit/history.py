"""A release beside the earlier ones: volumes, and the distribution of its items."""

from collections.abc import Mapping, Sequence

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.audit.statistics import robust_distance, stability_index

LEAST_RELEASES = 4
"""With fewer earlier releases there is no telling what is usual, and volumes are not judged."""

MOST_RELEASES = 14
"""So many of the newest earlier releases are looked at."""


def volume_of(
    positives: DataFrame, item_stats: DataFrame, *, exposed: int, clicked: int
) -> dict[str, float]:
    """Return the figures that later releases are compared with.

    Returns:
        ``positives`` and ``exposed`` rows, ``click_rate`` (clicked / exposed), ``users`` with a
        positive, and ``items`` that were shown.
    """
    counts = positives.agg(
        F.count(F.lit(1)).alias("rows"), F.count_distinct("user_id").alias("users")
    ).collect()[0]
    shown = item_stats.where(F.col("impressions") > 0).count()
    return {
        "positives": float(counts["rows"]),
        "exposed": float(exposed),
        "click_rate": clicked / exposed if exposed else 0.0,
        "users": float(counts["users"]),
        "items": float(shown),
    }


def volume_figures(
    volume: Mapping[str, float], earlier: Sequence[Mapping[str, float]]
) -> list[Figure]:
    """Compare a release's volume with the median of earlier ones.

    Args:
        volume: What ``volume_of`` returned.
        earlier: The same of earlier releases of other dates, the newest last; those that lack a
            figure are left out for it.
    """
    figures = []
    for name, value in volume.items():
        known = [one[name] for one in earlier if name in one][-MOST_RELEASES:]
        if len(known) < LEAST_RELEASES:
            continue
        past = np.array(known, np.float64)
        detail = f"{value:,.6g}, the median of {len(past)} releases is {np.median(past):,.6g}"
        figures.append(
            Figure("volume_deviation", robust_distance(value, past), name, detail=detail)
        )
    return figures


def drift_figures(item_stats: DataFrame, before: DataFrame | None) -> list[Figure]:
    """Compare how positives spread over items with the release before.

    Items are ordered by how popular they were before that release: a bin's share of positives then
    only moves when the users do.

    Args:
        item_stats: Staged: ``item_id``, ``positives``.
        before: The same of the earlier release, and ``clicks``; None where there is none.
    """
    if before is None:
        return []
    then = before.select("item_id", F.col("positives").alias("then"), "clicks")
    joined = (
        item_stats.select("item_id", F.col("positives").alias("now"))
        .join(then, "item_id", how="full")
        .groupBy("clicks")
        .agg(F.sum("now").alias("now"), F.sum("then").alias("then"))
        .orderBy(F.desc_nulls_last("clicks"))
        .select(*(F.coalesce(name, F.lit(0)).alias(name) for name in ("now", "then")))
        .toArrow()
    )
    now, past = (joined[name].to_numpy().astype(np.float64) for name in ("now", "then"))
    detail = f"{now.sum():,.0f} positives after {past.sum():,.0f}"
    return [Figure("item_drift", stability_index(past, now), detail=detail)]
