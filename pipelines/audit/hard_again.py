"""Hard negatives beside the ranking log, read again: was the item there, and was it cut or low?"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.audit.hard_pass import HardRows, hard_counts
from pipelines.config.sampling import Hard, Stage
from pipelines.config.tree import Config
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rows import on_date

MOST_POSITIVES = 200_000
"""The requests of about so many positives are looked up, chosen by their hash; fewer all are."""


def hard_again(
    ranking_log: Log, hard: DataFrame, config: Config, day: CalendarDay, *, n_positives: int
) -> list[Figure]:
    """Look up hard negatives in the ranking log of their own request and stage.

    All those of a request are looked up, or none. Up to ``MOST_POSITIVES`` positives it is every
    request; above, one in so many, so that the cost ends growing: what is wrong in one request of
    ten thousand is still found some twenty times.

    Args:
        ranking_log: The log; its frame reads the files again.
        hard: The hard negatives: ``request_id``, ``neg_item_id``, ``stage``, and rank and score
            where the table has them (``staged_rows.hard_of``).
        config: The ladder of stages and how a cut is known.
        day: The date.
        n_positives: How many positives there are; their requests are broadcast if they are few.
    """
    known = F.col("request_id").isNotNull() & F.col("item_id").isNotNull()
    of_ladder = F.col("stage").isin(*(stage.name for stage in config.hard.stages))
    rows = ranking_log.frame.where(
        on_date(ranking_log, day) & ~F.col("filtered") & known & of_ladder
    )
    if config.hard.cut_known_by != "membership":
        rows = rows.where("valid")
    by_score = "score" in ranking_log.mapped
    logged = rows.select(
        "request_id",
        "item_id",
        "stage",
        F.col("score" if by_score else "rank").cast("double").alias("value"),
        (F.col("valid") & _cut(config.hard)).alias("cut"),
    )
    one_in = max(1, -(-n_positives // MOST_POSITIVES))
    n_rows = (ranking_log.about_rows + n_positives * config.mix.n_hard) // one_in
    counts = hard_counts(
        HardRows(_of_some(logged, one_in), _of_some(hard, one_in), n_rows, n_positives // one_in),
        config,
        by_score=by_score,
    )
    detail = f"looked at 1 in {one_in} requests" if one_in > 1 else ""
    figures = [
        Figure("hard_not_logged", counts.absent, detail=detail),
        Figure("hard_not_cut", counts.not_cut, detail=detail),
        Figure("hard_went_on", counts.went_on, detail=detail),
    ]
    if "stage_rank" not in hard.columns:
        return figures
    bands = F.coalesce(
        *(F.when(F.col("stage") == s.name, _in_band(s)) for s in config.hard.stages), F.lit(False)
    )
    outside = hard.agg(F.count_if(~F.coalesce(bands, F.lit(False))).alias("outside")).collect()[0]
    return [
        *figures,
        Figure("hard_band_differs", int(outside["outside"])),
        Figure("hard_rank_differs", counts.rank, detail=detail),
    ]


def _of_some(rows: DataFrame, one_in: int) -> DataFrame:
    """Return the rows of one in so many requests, the same ones whatever they are rows of."""
    if one_in == 1:
        return rows
    turn = F.pmod(F.xxhash64(F.lit("audit"), F.col("request_id")), F.lit(one_in))
    return rows.where(turn == 0)


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


def _in_band(stage: Stage) -> Column:
    """Return whether rank and size fit together and, for a low stage, lie in its band."""
    rank, size, share = F.col("stage_rank"), F.col("stage_size"), F.col("rank_pct")
    wanted = F.when(size > 1, (rank - 1) / (size - 1)).otherwise(F.lit(0.0))
    fits = (rank >= 1) & (rank <= size) & (F.abs(share - wanted) <= 1e-9)
    source = F.col("source") == stage.take
    if stage.take != "low":
        return fits & source & F.lit(stage.take == "cut")
    return fits & source & (share >= stage.band[0] - 1e-9) & (share <= stage.band[1] + 1e-9)
