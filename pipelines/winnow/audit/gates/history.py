"""A release beside the earlier ones: volumes, and the distribution of its items."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.gate import HISTORY, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.compared_positives import compared_positives
from winnow.audit.recompute.staged_rows import positives_of
from winnow.audit.statistics import robust_distance, stability_index

HISTORY_UNREAD = none_of(
    "history_unread",
    HISTORY,
    "measurements against earlier releases that broke",
    "measurements",
)
VOLUME_DEVIATION = at_most(
    "volume_deviation",
    HISTORY,
    "robust sd",
    "ratio to the median of earlier releases, up or down, in units of how far they lie from it "
    "themselves",
    warn=6.0,
    fail=30.0,
)
ITEM_DRIFT = at_most(
    "item_drift",
    HISTORY,
    "PSI",
    "population stability index of positives by popularity of their items, against the release of "
    "the date before, beyond what chance among users gives",
    warn=0.25,
    fail=2.0,
)

LEAST_RELEASES = 4
"""With fewer earlier releases there is no telling what is usual, and volumes are not judged."""

MOST_RELEASES = 14
"""So many of the newest earlier releases are looked at."""


LEAST_USERS = 100
"""With fewer users' worth of positives, on either side, how they spread is mostly chance."""

EFFECTIVE_USERS = "effective_users"
"""So many users with one positive each would tell as much of how positives spread over items."""


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the positives beside those of earlier dates."""
    if positives_of(evidence.staged) is not None:
        yield Measurement([HISTORY_UNREAD.promised()], lambda: _against_earlier(evidence))


def _against_earlier(evidence: Evidence) -> list[Figure]:
    volume, stats = date_volume(evidence), evidence.staged["item_stats"]
    return [
        HISTORY_UNREAD.figure(0),
        *volume_figures(volume, evidence.earlier),
        *drift_figures(stats, evidence.items_before, volume, evidence.earlier),
    ]


@once
def date_volume(evidence: Evidence) -> dict[str, float]:
    """Return ``volume_of`` the date; there must be positives."""
    positives = positives_of(evidence.staged)
    assert positives is not None
    return volume_of(
        positives.rows,
        evidence.staged["item_stats"],
        exposed=evidence.counts["impressions"].valid,
        clicked=compared_positives(evidence).counts.all_candidates,
    )


def volume_of(
    positives: DataFrame, item_stats: DataFrame, *, exposed: int, clicked: int
) -> dict[str, float]:
    """Return the figures that later releases are compared with.

    Returns:
        ``positives`` and ``exposed`` rows, ``click_rate`` (clicked / exposed), ``users`` with a
        positive, ``effective_users`` (the square of the positives over the sum of squares of each
        user's), and ``items`` that were shown.
    """
    of_users = positives.groupBy("user_id").agg(F.count(F.lit(1)).cast("double").alias("own"))
    counts = of_users.agg(
        F.coalesce(F.sum("own"), F.lit(0.0)).alias("rows"),
        F.count(F.lit(1)).alias("users"),
        F.coalesce(F.sum(F.col("own") * F.col("own")), F.lit(1.0)).alias("squares"),
    ).collect()[0]
    shown = item_stats.where(F.col("impressions") > 0).count()
    return {
        "positives": float(counts["rows"]),
        "exposed": float(exposed),
        "click_rate": clicked / exposed if exposed else 0.0,
        "users": float(counts["users"]),
        EFFECTIVE_USERS: float(counts["rows"] ** 2 / counts["squares"]),
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
        if name == EFFECTIVE_USERS:
            continue
        known = [one[name] for one in earlier if name in one][-MOST_RELEASES:]
        if len(known) < LEAST_RELEASES:
            continue
        past = np.array(known, np.float64)
        detail = f"{value:,.6g}, the median of {len(past)} releases is {np.median(past):,.6g}"
        figures.append(VOLUME_DEVIATION.figure(robust_distance(value, past), name, detail=detail))
    return figures


def drift_figures(
    item_stats: DataFrame,
    before: DataFrame | None,
    volume: Mapping[str, float],
    earlier: Sequence[Mapping[str, float]],
) -> list[Figure]:
    """Compare how positives spread over items with the release of the date before.

    Items are ordered by how popular they were before that release: a bin's share of positives then
    only moves when the users do. An item that is new since then was as popular as one without a
    click. Positives come in sessions: what one user clicks is alike, so chance is measured by
    users, not by positives.

    Args:
        item_stats: Staged: ``item_id``, ``positives``.
        before: The same of the earlier release, and ``clicks``; None where there is none.
        volume: What ``volume_of`` returned.
        earlier: The same of the releases of earlier dates, the newest last: the last one is that
            of ``before``.

    Returns:
        Nothing with fewer than four earlier dates, or too few users on either side.
    """
    if before is None or len(earlier) < LEAST_RELEASES:
        return []
    users, users_then = (one.get(EFFECTIVE_USERS, 0.0) for one in (volume, earlier[-1]))
    if min(users, users_then) < LEAST_USERS:
        return []
    # What has neither adds nothing to any bin, and is in the one of an item that was not there.
    told = before.where((F.col("positives") > 0) | (F.col("clicks") > 0))
    then = told.select("item_id", F.col("positives").alias("then"), "clicks")
    joined = (
        item_stats.where("positives > 0")
        .select("item_id", F.col("positives").alias("now"))
        .join(then, "item_id", how="full")
        .groupBy(F.coalesce("clicks", F.lit(0)).alias("clicks"))
        .agg(F.sum("now").alias("now"), F.sum("then").alias("then"))
        .orderBy(F.desc("clicks"))
        .select(*(F.coalesce(name, F.lit(0)).alias(name) for name in ("now", "then")))
        .toArrow()
    )
    now, past = (joined[name].to_numpy().astype(np.float64) for name in ("now", "then"))
    detail = f"{now.sum():,.0f} positives after {past.sum():,.0f}"
    index = stability_index(past, now, effective=(users_then, users))
    return [ITEM_DRIFT.figure(index, detail=detail)]
