"""Whether the chances that a positive's hard negatives tell are possible ones."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config


def with_chances(samples: DataFrame) -> DataFrame:
    """Add what ``drawn_evenly`` needs, each list looked at once.

    ``known_chances`` counts the negatives that tell a chance; of the hard ones ``hard_chances``
    does, and ``least_chance`` and ``most_chance`` are the ends.
    """
    hard = F.slice("neg_incl_prob", F.col("n_easy") + F.lit(1), F.col("n_hard"))
    with_hard = samples.select("*", hard.alias("hard_incl_prob"))
    return with_hard.select(
        "*",
        F.size(F.array_compact("neg_incl_prob")).alias("known_chances"),
        F.size(F.array_compact("hard_incl_prob")).alias("hard_chances"),
        F.array_min("hard_incl_prob").alias("least_chance"),
        F.array_max("hard_incl_prob").alias("most_chance"),
    )


def drawn_evenly(config: Config) -> Column:
    """Return whether the hard negatives of a positive tell one possible chance to be chosen.

    It is drawn / pool for each of them, and NULL for the others. A pool that gave fewer than were
    asked for gave all that it had.
    """
    n_hard, known = F.col("n_hard"), F.col("known_chances")
    ways = {pool.selection == "random" for pool in config.negatives.pools}
    if ways == {False}:
        return known == 0
    least, most = F.col("least_chance"), F.col("most_chance")
    pool = n_hard / least
    whole = F.abs(pool - F.round(pool)) <= 1e-6 * pool
    if len(config.negatives.pools) > 1:
        # Each pool has a chance of its own; of some, where others are chosen otherwise.
        all_known = known == n_hard if ways == {True} else known <= n_hard
        return all_known & F.coalesce((least > 0) & (most <= 1), known == 0)
    possible = (least > 0) & (least == most) & (most <= 1) & whole
    all_chosen = (n_hard == config.negatives.n_hard) | (least == 1)
    complete = (known == n_hard) & (F.col("hard_chances") == n_hard)
    return F.when(n_hard == 0, known == 0).otherwise(complete & possible & all_chosen)
