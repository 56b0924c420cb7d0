"""Scores of hard negatives and of their positives at one stage, looked up in the log's own rows."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.logged_scores import OF_REQUEST, best_scores
from winnow.audit.recompute.quotas import logged_share, rows_of_pools
from winnow.audit.recompute.request_sample import of_some_requests
from winnow.audit.recompute.staged_rows import KEY
from winnow.config.chosen_entries import StageEntry
from winnow.config.ladder import Rung
from winnow.config.tree import Config


def stages_with_margins(config: Config) -> list[tuple[int, Rung]]:
    """Return the stages of which every entry has a margin, each with its place in the ladder.

    Of a stage whose entries differ, a row does not say by which of them it came.
    """
    return [
        (level, stage)
        for level, stage in enumerate(config.ladder)
        if stage.hard and all(entry.has_margin for entry in stage.hard)
    ]


def near_negatives(evidence: Evidence, hard: DataFrame, one_in: int) -> int:
    """Count the hard negatives that are not worse than their positive by the margin of their stage.

    Those of a positive that the log gives no score at the stage are among them: the margin to it
    is not known.

    Args:
        evidence: The logs and the config.
        hard: What ``hard_of`` returned.
        one_in: Of so many requests one is looked at.
    """
    config = evidence.config
    stages = stages_with_margins(config)
    rows = of_some_requests(hard, one_in)
    best = best_scores(evidence, rows, [level for level, _ in stages], one_in)
    met = rows.join(_of_positives(best), [*KEY], how="left").join(
        best.select(*OF_REQUEST, F.col("item_id").alias("neg_item_id"), *_scores(stages, "own")),
        [*OF_REQUEST, "neg_item_id"],
        how="left",
    )
    worse = [
        (F.col("stage") == stage.name) & _worse(level, stage.hard, config)
        for level, stage in stages
    ]
    judged = F.col("stage").isin(*(stage.name for _, stage in stages))
    return met.where(judged & ~reduce(Column.__or__, worse)).count()


def small_chances(evidence: Evidence, hard: DataFrame, one_in: int) -> int:
    """Count hard negatives whose incl_prob tells of more candidates than lie beyond the margin.

    incl_prob is chosen / candidates. What a pool can have at most is every item of its stages that
    came no further and is worse than the positive by the margin.

    Args:
        evidence, one_in: See ``near_negatives``.
        hard: hard_negatives, with ``incl_prob``.
    """
    config, total = evidence.config, 0
    share = F.lit(logged_share(config))
    stages = stages_with_margins(config)
    rows = of_some_requests(hard, one_in)
    best = best_scores(evidence, rows, [level for level, _ in stages], one_in)
    # Before anything meets the whole lists: most of what was ranked is no positive.
    positives = _of_positives(best).join(rows.select(*KEY).distinct(), [*KEY], how="left_semi")
    of_positives = positives.join(
        best.select(*OF_REQUEST, "deepest", *_scores(stages, "own")),
        [*OF_REQUEST],
    )
    repeats = [name for name in ("repeat_idx",) if name in rows.columns]
    for one, hardness, *_ in rows_of_pools(config):
        entries = [e for i, e in config.negatives.of_stages.items() if i in one.entries]
        names = {entry.stage for entry in entries}
        inside = [(level, stage) for level, stage in stages if stage.name in names]
        if not names or hardness is None or one.selection != "random" or len(inside) < len(names):
            continue
        beyond = [
            (F.col("deepest") == level) & _worse(level, stage.hard, config)
            for level, stage in inside
        ]
        most = of_positives.groupBy(*KEY).agg(
            F.count_if(reduce(Column.__or__, beyond)).alias("most")
        )
        told = rows.where(F.col("stage").isin(*names)).groupBy(*KEY, *repeats)
        pools = told.agg(F.count(F.lit(1)).alias("n"), F.min("incl_prob").alias("chance"))
        wide = F.round(share * F.col("n") / F.col("chance")) > F.coalesce("most", F.lit(0))
        counted = pools.join(most, [*KEY], how="left").where(wide)
        total += int(counted.agg(F.sum("n")).collect()[0][0] or 0)
    return total


def _of_positives(best: DataFrame) -> DataFrame:
    """Return the scores as those of a positive: ``KEY`` and ``positive_<level>``."""
    names = [name for name in best.columns if name.startswith("score_")]
    return best.select(
        *KEY, *(F.col(name).alias(name.replace("score", "positive")) for name in names)
    )


def _scores(stages: Sequence[tuple[int, Rung]], name: str) -> list[Column]:
    return [F.col(f"score_{level}").alias(f"{name}_{level}") for level, _ in stages]


def _worse(level: int, entries: Sequence[StageEntry], config: Config) -> Column:
    """Return whether ``own_<level>`` is worse than ``positive_<level>`` by an entry's margin.

    Never NULL: where a score is missing, it is not.
    """
    own, positive = F.col(f"own_{level}"), F.col(f"positive_{level}")
    higher, found = config.funnel.higher_score_is_better, F.lit(False)
    for entry in entries:
        if entry.absolute_margin is not None:
            by = F.lit(entry.absolute_margin)
            worse = own <= positive - by if higher else own >= positive + by
        else:
            share = F.lit(1.0 - (entry.relative_margin or 0.0))
            worse = own <= positive * share if higher else own * share >= positive
            worse = worse & (positive > 0)
        found = found | F.coalesce(worse, F.lit(False))
    return found
