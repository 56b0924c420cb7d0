"""Hard negatives beside the ranking log, read again: was the item there, and was it cut or low?"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.config.sampling import Hard, Stage
from pipelines.config.tree import Config
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rows import on_date

_MOST_BROADCAST_REQUESTS = 4_000_000


def hard_again(
    ranking_log: Log, hard: DataFrame, config: Config, day: CalendarDay, *, n_positives: int
) -> list[Figure]:
    """Look up every hard negative in the ranking log of its own request and stage.

    Args:
        ranking_log: The log; its frame reads the files again.
        hard: The staged hard_negatives.
        config: The ladder of stages and how a cut is known.
        day: The date.
        n_positives: How many positives there are; few enough requests are broadcast.
    """
    by_score = "score" in ranking_log.mapped
    known = F.col("request_id").isNotNull() & F.col("item_id").isNotNull()
    requests = hard.select("request_id").distinct()
    if n_positives <= _MOST_BROADCAST_REQUESTS:
        requests = F.broadcast(requests)
    rows = ranking_log.frame.where(on_date(ranking_log, day) & ~F.col("filtered") & known)
    readable = rows.join(requests, "request_id", how="left_semi")
    value = F.col("score") if by_score else F.lit(None).cast("double")
    logged = readable.where("valid").select(
        "request_id",
        F.col("item_id").alias("neg_item_id"),
        "stage",
        value.alias("stage_score"),
        _cut(config.hard).alias("cut"),
    )
    unfounded = _without(hard, logged.where("cut"))
    absent = _without(hard, logged) if unfounded else 0
    not_cut = unfounded - absent
    if config.hard.cut_known_by == "membership":
        not_cut += _still_there(hard, readable, config.hard.stages)
    bands = F.coalesce(
        *(F.when(F.col("stage") == s.name, _in_band(s)) for s in config.hard.stages), F.lit(False)
    )
    outside = hard.agg(F.count_if(~F.coalesce(bands, F.lit(False))).alias("outside")).collect()[0]
    return [
        Figure("hard_not_logged", absent),
        Figure("hard_not_cut", not_cut),
        Figure("hard_band_differs", int(outside["outside"])),
    ]


def _without(hard: DataFrame, logged: DataFrame) -> int:
    """Count the hard negatives without a row of the same request, item, stage and score."""
    # One number in place of four columns: 8 bytes a row cross the network.
    key = F.xxhash64(
        "request_id", "neg_item_id", "stage", F.col("stage_score").isNull(), "stage_score"
    ).alias("key")
    return hard.select(key).join(logged.select(key), "key", how="left_anti").count()


def _cut(hard: Hard) -> Column:
    """Return whether a row of the log lets its item be a negative of its stage."""
    verdicts: list[Column] = []
    for stage in hard.stages:
        allowed = F.lit(stage.take != "none")
        if stage.take == "cut" and hard.cut_known_by == "passed":
            allowed = F.coalesce(~F.col("passed"), F.lit(False))
        if stage.take == "cut" and hard.cut_reasons is not None:
            reason = F.coalesce(F.col("cut_reason").isin(*hard.cut_reasons), F.lit(False))
            allowed = allowed & reason
        verdicts.append(F.when(F.col("stage") == stage.name, allowed))
    return F.coalesce(*verdicts, F.lit(False))


def _still_there(hard: DataFrame, readable: DataFrame, stages: Sequence[Stage]) -> int:
    """Count cut negatives whose item the next stage of the request has."""
    following = {
        stage.name: stages[place + 1].name
        for place, stage in enumerate(stages[:-1])
        if stage.take == "cut"
    }
    if not following:
        return 0
    next_stage = F.coalesce(*(F.when(F.col("stage") == a, F.lit(b)) for a, b in following.items()))
    cut = hard.where(F.col("stage").isin(*following)).select(
        F.xxhash64("request_id", "neg_item_id", next_stage).alias("key")
    )
    reached = readable.where(F.col("stage").isin(*following.values())).select(
        F.xxhash64("request_id", "item_id", "stage").alias("key")
    )
    return cut.join(reached, "key", how="left_semi").count()


def _in_band(stage: Stage) -> Column:
    """Return whether rank and size fit together and, for a low stage, lie in its band."""
    rank, size, share = F.col("stage_rank"), F.col("stage_size"), F.col("rank_pct")
    wanted = F.when(size > 1, (rank - 1) / (size - 1)).otherwise(F.lit(0.0))
    fits = (rank >= 1) & (rank <= size) & (F.abs(share - wanted) <= 1e-9)
    if stage.take != "low":
        return fits & F.lit(stage.take == "cut")
    return fits & (share >= stage.band[0] - 1e-9) & (share <= stage.band[1] + 1e-9)
