"""Hard negatives beside the ranking log, read again: was the item there, and was it cut or low?"""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.audit.hard_ranks import wrong_ranks
from pipelines.config.sampling import Hard, Stage
from pipelines.config.tree import Config
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rows import on_date

_MOST_BROADCAST_KEYS = 8_000_000
_COUNTS = ("wanted", "own", "later", "proof")
_FLAGS = ("logged", "cut", "uncut", "reached")


def hard_again(
    ranking_log: Log, hard: DataFrame, config: Config, day: CalendarDay, *, n_positives: int
) -> list[Figure]:
    """Look up every hard negative in the ranking log of its own request and stage.

    Args:
        ranking_log: The log; its frame reads the files again.
        hard: The hard negatives: ``request_id``, ``neg_item_id``, ``stage``, and rank and score
            where the table has them (``staged_rows.hard_of``).
        config: The ladder of stages and how a cut is known.
        day: The date.
        n_positives: How many positives there are; the keys of few enough negatives are broadcast.
    """
    known = F.col("request_id").isNotNull() & F.col("item_id").isNotNull()
    of_ladder = F.col("stage").isin(*(stage.name for stage in config.hard.stages))
    rows = ranking_log.frame.where(
        on_date(ranking_log, day) & ~F.col("filtered") & known & of_ladder
    )
    if config.hard.cut_known_by != "membership":
        rows = rows.where("valid")
    scored = "score" in ranking_log.mapped
    counts = _counted(hard, rows, config, scored=scored, n_positives=n_positives)
    figures = [
        Figure("hard_not_logged", counts["absent"]),
        Figure("hard_not_cut", counts["not_cut"]),
        Figure("hard_went_on", counts["went_on"]),
    ]
    if "stage_rank" not in hard.columns:
        return figures
    bands = F.coalesce(
        *(F.when(F.col("stage") == s.name, _in_band(s)) for s in config.hard.stages), F.lit(False)
    )
    outside = hard.agg(F.count_if(~F.coalesce(bands, F.lit(False))).alias("outside")).collect()[0]
    wrong, detail = wrong_ranks(hard, rows, config, by_score=scored)
    return [
        *figures,
        Figure("hard_band_differs", int(outside["outside"])),
        Figure("hard_rank_differs", wrong, detail=detail),
    ]


def _counted(
    hard: DataFrame, rows: DataFrame, config: Config, *, scored: bool, n_positives: int
) -> dict[str, int]:
    """Put hard negatives and ranking rows together by hashes of what must be equal, in one pass.

    One 64-bit number and a few flags cross the network in place of all columns. A row and its
    value have one key; a row and its stage, whatever the value, have another.
    """
    ladder, requests = config.hard, hard.select("request_id").distinct()
    item_of_hard = hard.select(F.xxhash64("request_id", "neg_item_id").alias("pair")).distinct()
    if n_positives * config.mix.n_hard <= _MOST_BROADCAST_KEYS:
        requests, item_of_hard = F.broadcast(requests), F.broadcast(item_of_hard)
    of_requests = rows.join(requests, "request_id", how="left_semi")
    # Most rows of a request are of items that were not drawn: they are gone before they cross.
    rows = rows.withColumn("pair", F.xxhash64("request_id", "item_id"))
    rows = rows.join(item_of_hard, "pair", how="left_semi")
    score_known = scored and "stage_score" in hard.columns
    deeper = {
        stage.name: [later.name for later in ladder.stages[place + 1 :]]
        for place, stage in enumerate(ladder.stages)
    }

    def exact(item: str, score: str) -> Column:
        value = F.col(score) if score_known else F.lit(None).cast("double")
        return F.xxhash64("request_id", item, "stage", value.isNull(), value)

    def of_stage(item: str, stage: Column | str = "stage") -> Column:
        return F.xxhash64("request_id", item, stage)

    def values(key: Column, **given: Column | int) -> list[Column]:
        # NULL where a part says nothing: engines agree on what may be NULL in a union then.
        columns = {name: given.get(name) for name in (*_COUNTS, *_FLAGS)}
        flags = {n: F.when(v, 1) if isinstance(v, Column) else F.lit(v) for n, v in columns.items()}
        return [key.alias("key"), *(c.cast("int").alias(n) for n, c in flags.items())]

    def keyed(frame: DataFrame, key: Column, **given: Column | int) -> DataFrame:
        return frame.select(*values(key, **given))

    def twice(frame: DataFrame, one: list[Column], other: list[Column]) -> DataFrame:
        # A union would read the log, and judge its rows, twice.
        both = F.explode(F.array(F.struct(*one), F.struct(*other))).alias("row")
        return frame.select(both).select("row.*")

    valid, cut = F.col("valid"), F.col("valid") & _cut(ladder)
    exploded = hard.withColumn("later_stage", F.explode(_by_stage(deeper)))
    parts = [
        keyed(hard, exact("neg_item_id", "stage_score"), wanted=1),
        keyed(hard, of_stage("neg_item_id"), own=1),
        keyed(exploded, of_stage("neg_item_id", "later_stage"), later=1),
        twice(
            rows,
            values(exact("item_id", "score"), logged=valid, cut=cut),
            values(of_stage("item_id"), cut=cut, uncut=valid & ~_cut(ladder), reached=1),
        ),
    ]
    if ladder.cut_known_by == "membership":
        # Absence from a stage that never ran for the request proves no cut.
        following = {s.name: deeper[s.name][:1] for s in ladder.stages if s.take == "cut"}
        proved = hard.withColumn("later_stage", F.explode(_by_stage(following)))
        parts += [
            keyed(proved, F.xxhash64("request_id", "later_stage"), proof=1),
            keyed(of_requests, F.xxhash64("request_id", "stage"), reached=1).distinct(),
        ]
    met = (
        reduce(DataFrame.unionByName, parts)
        .groupBy("key")
        .agg(
            *(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in _COUNTS),
            *(F.coalesce(F.max(name), F.lit(0)).alias(name) for name in _FLAGS),
        )
    )

    def total(of: str, where: Column) -> Column:
        return F.coalesce(F.sum(F.when(where, F.col(of))), F.lit(0))

    logged, was_cut = F.col("logged") == 1, F.col("cut") == 1
    not_cut = (
        total("wanted", logged & ~was_cut)
        + total("own", was_cut & (F.col("uncut") == 1))
        + total("proof", F.col("reached") == 0)
    )
    row = met.agg(
        total("wanted", ~logged).alias("absent"),
        not_cut.alias("not_cut"),
        total("later", F.col("reached") == 1).alias("went_on"),
    ).collect()[0]
    return {name: int(row[name]) for name in ("absent", "not_cut", "went_on")}


def _by_stage(names: dict[str, list[str]]) -> Column:
    none = F.array().cast("array<string>")
    cases = [
        F.when(F.col("stage") == stage, F.array(*map(F.lit, later)))
        for stage, later in names.items()
        if later
    ]
    return F.coalesce(*cases, none)


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
