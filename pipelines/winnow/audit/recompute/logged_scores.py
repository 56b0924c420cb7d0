"""The best scores that the ranking log's own rows give the items of some requests."""

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.logged_stages import is_of_user, logged_stages
from winnow.spark.broadcast import broadcast

OF_REQUEST = ("user_id", "request_id")


def best_scores(
    evidence: Evidence, rows: DataFrame, levels: Collection[int], one_in: int
) -> DataFrame:
    """Return of each logged item of the rows' requests its best scores and its deepest stage.

    Args:
        evidence: The logs and the config.
        rows: What has ``user_id`` and ``request_id``, of one in so many requests.
        levels: The places in the ladder of the stages whose scores are asked for.
        one_in: See ``rows``.

    Returns:
        ``user_id``, ``request_id``, ``item_id``, ``deepest`` (int), and for each level
        ``score_<level>`` (double, NULL where the item has none).
    """
    best = F.max if evidence.config.funnel.higher_score_is_better else F.min
    requests = broadcast(rows.select(*OF_REQUEST).distinct(), "request_id")
    met = logged_stages(evidence, one_in).join(requests, "request_id").where(is_of_user(evidence))
    return met.groupBy(*OF_REQUEST, "item_id").agg(
        F.max("level").alias("deepest"),
        *(
            best(F.when(F.col("level") == level, F.col("score"))).alias(f"score_{level}")
            for level in levels
        ),
    )
