"""Whose positive a click makes, where it names another user than the impression that it fits.

After a login in between the impression's user was shown the item, and it is that user's positive.
But where ids of requests count per user, the same id and item stand in the logs of many users, and
only one of them clicked: no other may be given a positive.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.events.attribution import join_keys
from winnow.run import Run
from winnow.spark.sized import Sized


@dataclass(frozen=True)
class Attributed:
    """Which clicks belong to which impressions.

    Attributes:
        pairs: What ``attributed_pairs`` returned, those that count; read back from staging. A click
            on an impression that may become no positive has a pair as well: it is no orphan.
        refused: ``click_key`` of the clicks that fit impressions of other users only and belong to
            none of them; None where there is no such click.
        of_other_user: Pairs that count though the click names another user.
        shared_ids: Ids of requests (or impressions) that several users have; None where clicks and
            impressions agree about every user, or the config has the answer, so nobody looked.
    """

    pairs: Sized
    refused: DataFrame | None = None
    of_other_user: int = 0
    shared_ids: int | None = None


def settled(
    joined: DataFrame,
    impressions: DataFrame,
    run: Run,
    name: str = "pairs",
) -> Attributed:
    """Decide which pairs of an impression and another user's click count.

    A click that fits an impression of its own user belongs to that user alone. Else it counts where
    it fits one user's impressions only, and no id is in several users' impressions (``auto``) or
    the config says that ids are unique (``impression``).

    Args:
        joined: What ``attributed_pairs`` returned, read back from staging.
        impressions: Readable impressions, all that were read: ``user_id`` and the ids.
        run: How clicks find impressions, and where to compute.
        name: What names of staged frames begin with.
    """
    config, scratch, other = run.config, run.scratch, F.col("of_other_user")
    counted = joined.agg(F.count(F.lit(1)).alias("all"), F.count_if(other).alias("other"))
    n_pairs, n_other = counted.collect()[0]
    agreeing = joined.where(~other)
    if not n_other:
        return Attributed(Sized(joined.drop("of_other_user"), n_pairs))
    shared = None
    if config.attribution.users == "auto":
        shared = ids_of_several_users(impressions, join_keys(config)[0])
    lone = joined.where(other).join(
        agreeing.select("click_key").distinct(), "click_key", how="left_anti"
    )
    users = lone.groupBy("click_key").agg(
        F.min("user_key").alias("least"), F.max("user_key").alias("most")
    )
    of_one = F.lit(not shared) & (F.col("least") == F.col("most"))
    verdict = users.select("click_key", of_one.alias("counts"))
    judged = scratch.staged(lone.join(verdict, "click_key"), f"{name}-of-others")
    accepted = judged.where("counts").drop("counts")
    pairs = scratch.staged(
        agreeing.unionByName(accepted).drop("of_other_user"), f"{name}-that-count"
    )
    row = judged.agg(F.count_if("counts").alias("n"), F.count_if(~F.col("counts")).alias("no"))
    n_accepted, n_refused = row.collect()[0]
    refused = judged.where(~F.col("counts")).select("click_key").distinct() if n_refused else None
    counting = Sized(pairs, n_pairs - n_other + n_accepted)
    return Attributed(counting, refused, n_accepted, shared)


def ids_of_several_users(rows: DataFrame, name: str) -> int:
    """Count the ids that rows of several users have.

    Args:
        rows: ``user_id``, and the column of the id.
        name: That column.
    """
    users = rows.where(F.col(name).isNotNull()).groupBy(name)
    several = users.agg((F.min("user_id") != F.max("user_id")).alias("several"))
    return int(several.agg(F.count_if("several").alias("n")).collect()[0]["n"])
