"""Whether a positive has more negatives of a source, or of a stage's, than it was asked for."""

from collections.abc import Collection
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.config.tree import Config


def exceeds_quota(config: Config) -> Column:
    """Return whether a source of a positive gave more than it was asked for.

    With one source of draws and one pool there is nothing that the counts do not tell.
    """
    negatives, found = config.negatives, [F.lit(False)]
    several = len(negatives.easy) > 1
    for source in negatives.drawn if several else ():
        if source.asked:
            found.append(_of_code(source.code) > source.asked)
    stages = [stage.name for stage in config.ladder if stage.take != "none"]
    for pool in negatives.pools if len(negatives.pools) > 1 else ():
        hardness = {stages.index(negatives.hard[i].stage) + 1 for i in pool.entries}
        alone = all(
            i in pool.entries
            for i, entry in enumerate(negatives.hard)
            if stages.index(entry.stage) + 1 in hardness
        )
        if alone:  # else pools share a stage, and a row does not tell which of them it is of
            found.append(_of_hardness(hardness) > pool.asked)
    return reduce(Column.__or__, found)


def _of_hardness(hardness: Collection[int]) -> Column:
    return F.size(F.filter("neg_hardness", lambda one: one.isin(*hardness)))


def _of_code(code: int) -> Column:
    return F.size(F.filter("neg_source", lambda source: source == code))
