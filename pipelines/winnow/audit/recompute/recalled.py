"""What the ranking log has of the positives' requests, at every stage, valid or not."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.logged_stages import is_of_user
from winnow.contracts.rows import on_date
from winnow.spark.sized import Sized


def recalled_items(evidence: Evidence, negatives: DataFrame) -> DataFrame:
    """Return what may be no draw of a source that is asked for what was not recalled.

    Args:
        evidence: The logs. negatives: What ``negatives_of`` returned.

    Returns:
        ``user_id``, ``request_id``, ``item_id``: the rows of the date whose request and item can
        be read, for each user with a negative of the request that they are of.
    """
    log = evidence.logs["ranking_log"]
    rows = log.frame.where(on_date(log, evidence.day) & ~F.col("filtered"))
    known = rows.where("request_id IS NOT NULL AND item_id IS NOT NULL").select(
        "request_id", "item_id", F.col("user_id").alias("named")
    )
    asked = Sized(negatives.select("user_id", "request_id").distinct(), evidence.n_positives)
    met = known.join(asked.side_of_join("request_id", evidence.scratch.limits), "request_id")
    return met.where(is_of_user(evidence)).select("user_id", "request_id", "item_id")
