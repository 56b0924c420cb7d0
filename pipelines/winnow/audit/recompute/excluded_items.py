"""Lists of what is forbidden to users, the latest first, made once more by the engine."""

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.user_caps import of_some_users
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast

if TYPE_CHECKING:
    from winnow.config.tree import IdType


def differing_lists(
    rows: DataFrame, forbidding: DataFrame, item: "IdType", at_most: int, one_in: int
) -> int:
    """Count the rows of 1 in so many users that do not list what is forbidden to their user.

    Args:
        rows: ``user_id``, ``exclude_item_ids``, ``exclude_truncated``.
        forbidding: What ``forbidding_rows`` returned, with times, in one frame.
        item: The type of item ids. at_most: How many items a list has.
        one_in: A power of two.
    """
    some = of_some_users(rows, one_in)
    users = broadcast(some.select("user_id").distinct(), "user_id")
    last = F.struct(
        # What has no time comes behind all that has one.
        F.coalesce(-F.max("event_us"), F.lit(2**62)).alias("before"),
        key_of("item_id", item).alias("key"),
        "item_id",
    )
    wanted = (
        of_some_users(forbidding, one_in)
        .join(users, "user_id", how="left_semi")
        .groupBy("user_id", "item_id")
        .agg(last.alias("last"))
        .groupBy("user_id")
        .agg(F.sort_array(F.collect_list("last")).alias("all"))
        .select(
            "user_id",
            F.slice(F.col("all.item_id"), 1, at_most).alias("items"),
            (F.size("all") > at_most).alias("cut"),
        )
    )
    same = (F.col("items") == F.col("exclude_item_ids")) & (
        F.col("cut") == F.col("exclude_truncated")
    )
    told = some.select("user_id", "exclude_item_ids", "exclude_truncated")
    both = told.join(wanted, "user_id", how="left")
    return both.where(~F.coalesce(same, F.lit(False))).count()
