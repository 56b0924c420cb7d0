"""How many negatives of which source a positive has, beside what it was asked for."""

from collections.abc import Callable, Collection
from functools import reduce
from typing import NamedTuple

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.audit.recompute.staged_rows import codes_of
from winnow.config.asked_negatives import Pool
from winnow.config.sources import EASY_FILL, source_named
from winnow.config.tree import Config


class PoolRows(NamedTuple):
    """A pool, and by which hardness its negatives are known among those of a positive.

    Attributes:
        pool: What is asked of it.
        hardness: Of its stages; None where another pool takes from one of them, so that no row
            tells which of the two it is of. Of what the user rejected it is one that no stage has.
        logged: How likely its log has a candidate.
        code: The source's, where it tells the pool, and not the hardness: of other requests.
    """

    pool: Pool
    hardness: tuple[int, ...] | None
    logged: float = 1.0
    code: int | None = None


def rows_of_pools(config: Config) -> list[PoolRows]:
    """Return the pools of hard negatives, in their order: those of stages, then of feedback."""
    negatives = config.negatives
    stages = [stage.name for stage in config.ladder if stage.take != "none"]
    found, taking, logged = [], negatives.of_stages, logged_share(config)
    for pool in negatives.pools:
        own = {taking[i].stage for i in pool.entries}
        others = {e.stage for i, e in taking.items() if i not in pool.entries}
        hardness = tuple(stages.index(stage) + 1 for stage in stages if stage in own)
        found.append(PoolRows(pool, None if own & others else hardness, logged))
    if negatives.feedback is not None:
        asked, place, entry = negatives.feedback
        rejected = Pool(asked, entry.selection, (place,))
        found.append(PoolRows(rejected, (hardness_of_feedback(config),)))
    if negatives.other_requests is not None:
        number, place, source = negatives.other_requests
        pool = Pool(number, source.selection, (place,))
        found.append(PoolRows(pool, (), code=source_named(source.source).code))
    return found


def is_of_pool(one: PoolRows, config: Config) -> Callable[[Column], Column]:
    """Return what says of one of ``zipped_negatives`` whether it is of a pool."""
    hardness, others = one.hardness or (), config.negatives.other_requests

    def is_inside(row: Column) -> Column:
        if one.code is not None:
            return row["neg_source"] == F.lit(one.code)
        inside = row["neg_hardness"].isin(*hardness)
        if others is None:
            return inside
        return inside & (row["neg_source"] != F.lit(source_named(others.entry.source).code))

    return is_inside


def zipped_negatives(config: Config, *more: str) -> Column:
    """Return the negatives of a positive with what tells their pools, and more of their lists."""
    told = ["neg_hardness"]
    if config.negatives.other_requests is not None:
        told = ["neg_source", *told]
    return F.arrays_zip(*told, *more)


def hardness_of_feedback(config: Config) -> int:
    """Return the hardness of what the user rejected: one more than of the last stage that gives."""
    return 1 + sum(stage.take != "none" for stage in config.ladder)


def logged_share(config: Config) -> float:
    """Return how likely a row of a request is in the ranking log, as far as the config says."""
    log = config.logs.ranking_log
    return 1.0 if log is None or log.log_sample_rate is None else log.log_sample_rate


def exceeds_quota(config: Config) -> Column:
    """Return whether the sources of a positive's negatives are not those that its counts tell.

    Fills, easy and hard ones are as many as the positive says; no source of draws, and no pool that
    is known by its stages, gave more than it was asked for.
    """
    negatives, fill = config.negatives, source_named(EASY_FILL).code
    easy = [source for source in negatives.drawn if source.code != fill]
    hard = {code for name, code in codes_of(config).items() if name in _hard_names(config)}
    found = [
        _of_codes({fill}) != F.col("n_fill"),
        _of_codes({source.code for source in easy}) != F.col("n_easy"),
        _of_codes(hard) != F.col("n_hard"),
    ]
    found += [_of_codes({source.code}) > source.asked for source in easy if len(easy) > 1]
    if negatives.feedback is not None:
        # What calls itself otherwise would be looked for in another log.
        code = source_named(negatives.feedback.entry.source).code
        found.append(_of_codes({code}) != _of_hardness((hardness_of_feedback(config),)))
    pools = rows_of_pools(config)
    for one in pools if len(pools) > 1 else ():
        if one.hardness is not None:
            own = F.filter(zipped_negatives(config), is_of_pool(one, config))
            found.append(F.size(own) > one.pool.asked)
    return reduce(Column.__or__, found)


def _hard_names(config: Config) -> set[str]:
    return {entry.source for entry in config.negatives.hard}


def _of_hardness(hardness: Collection[int]) -> Column:
    return F.size(F.filter("neg_hardness", lambda one: one.isin(*hardness)))


def _of_codes(codes: Collection[int]) -> Column:
    if not codes:
        return F.lit(0)
    return F.size(F.filter("neg_source", lambda source: source.isin(*codes)))
