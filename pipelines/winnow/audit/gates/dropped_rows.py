"""Negatives that their user was shown in rows which the log's ``where`` says are no impressions."""

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import EASY, Figure, Measurement, at_most
from winnow.audit.recompute.staged_rows import negatives_of
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.dates import CalendarDay

NEGATIVES_IN_DROPPED_ROWS = at_most(
    "negatives_in_dropped_rows",
    EASY,
    "negatives",
    "negatives, easy or hard, that their user has in the exclusion window in rows which "
    "logs.impressions.where drops: it is for rows that are no impressions; to take positives from "
    "some of them, use positives.where",
    warn=0,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the negatives, where the impression log has a ``where``."""
    negatives, log = negatives_of(evidence.staged, evidence.config), evidence.logs["impressions"]
    if negatives is not None and drops_rows(evidence.config):
        yield Measurement(
            [NEGATIVES_IN_DROPPED_ROWS.promised()],
            lambda: dropped_figure(negatives, log, evidence.config, evidence.day),
        )


def drops_rows(config: Config) -> bool:
    """Return whether the impression log has a ``where``: else no row is dropped by one."""
    log = config.logs.resolved("impressions")
    return log is not None and bool(log.where)


def dropped_figure(
    negatives: DataFrame, impressions: Log, config: Config, day: CalendarDay
) -> Figure:
    """Count negatives that a dropped row of the exclusion window has with their user.

    Args:
        negatives: What ``negatives_of`` returned: ``user_id``, ``neg_item_ids``.
        impressions: The log; its frame reads the files again.
        config: How far the exclusion looks.
        day: The date.
    """
    reach, at = config.exclusion, F.col("event_us")
    since = day.shifted(-reach.exposure_lookback_days).start_us
    until = day.shifted(reach.lookahead_days).end_us
    readable = F.col("user_id").isNotNull() & F.col("item_id").isNotNull()
    dropped = impressions.frame.where(
        F.col("filtered") & ~F.col("anonymous") & readable & (at >= since) & (at < until)
    )
    pair = ["user_id", "item_id"]
    rows = negatives.select("user_id", F.explode("neg_item_ids").alias("item_id"))
    found = rows.join(dropped.select(*pair).distinct(), pair, how="left_semi").count()
    return NEGATIVES_IN_DROPPED_ROWS.figure(found)
