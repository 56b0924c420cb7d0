"""Whether the chances that a positive's hard negatives tell are possible ones."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.quotas import PoolRows, is_of_pool, rows_of_pools, zipped_negatives
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

    It is drawn / pool for each of them, times the share of rows that the log keeps, and NULL for
    the others. A pool that gave fewer than were asked for gave all that it had.
    """
    n_hard, known = F.col("n_hard"), F.col("known_chances")
    pools = rows_of_pools(config)
    if len(pools) > 1:
        return _evenly_by_pool(pools, config)
    if all(one.pool.selection != "random" for one in pools):
        return known == 0
    share = F.lit(pools[0].logged)
    least, most = F.col("least_chance"), F.col("most_chance")
    pool = n_hard * share / least
    whole = F.abs(pool - F.round(pool)) <= 1e-6 * pool
    possible = (least > 0) & (least == most) & (most <= share) & whole
    all_chosen = (n_hard == config.negatives.n_hard) | (least == share)
    complete = (known == n_hard) & (F.col("hard_chances") == n_hard)
    return F.when(n_hard == 0, known == 0).otherwise(complete & possible & all_chosen)


def _evenly_by_pool(pools: Sequence[PoolRows], config: Config) -> Column:
    """Return the same where each pool has a chance of its own, and no other negative has one."""
    fits, n_known = F.lit(True), F.lit(0)
    for one in pools:
        if one.hardness is None:
            continue
        pool, share = one.pool, F.lit(one.logged)
        both = zipped_negatives(config, "neg_incl_prob")
        # Not getField of the list: Sail takes that for a place in it.
        own = F.filter(both, is_of_pool(one, config))
        of_pool = F.transform(own, lambda row: row["neg_incl_prob"])
        n, known = F.size(of_pool), F.size(F.array_compact(of_pool))
        if pool.selection != "random":
            fits = fits & (known == 0)
            continue
        least, most = F.array_min(of_pool), F.array_max(of_pool)
        size = n * share / least
        whole = F.abs(size - F.round(size)) <= 1e-6 * size
        possible = (known == n) & (least == most) & (least > 0) & (most <= share) & whole
        all_chosen = (n == pool.asked) | (least == share)
        fits = fits & F.when(n == 0, F.lit(True)).otherwise(possible & all_chosen)
        n_known = n_known + n
    if all(one.hardness is not None for one in pools):
        return fits & (F.col("known_chances") == n_known)
    # Of pools that share a stage no row tells which of them it is of.
    share = F.lit(max(one.logged for one in pools))
    inside = F.coalesce((F.col("least_chance") > 0) & (F.col("most_chance") <= share), F.lit(True))
    return fits & inside & (F.col("known_chances") == F.col("hard_chances"))
