"""The stages' scores and ranks in ranking_samples, beside the ranking log's own rows."""

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.logged_stages import is_of_user, logged_stages
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many, requests_note
from winnow.spark.broadcast import broadcast

STAGE_SCORES_DIFFER = none_of(
    "stage_scores_differ",
    TABLES,
    "rows of ranking_samples whose score or rank of a stage is not the best that the ranking log "
    "has of their request and item",
)
STAGE_SCORES_MISSING = at_most(
    "stage_scores_missing",
    TABLES,
    "share",
    "rows of ranking_samples of which the ranking log has neither score nor rank in the stage",
    warn=0.5,
)

_ROW = ("impression_id", "user_id", "request_id", "item_id")


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the scores, where any were asked for."""
    stages = evidence.config.ranking.stage_scores
    if "ranking_samples" in evidence.staged and stages:
        yield Measurement(
            [
                STAGE_SCORES_DIFFER.promised(),
                *(STAGE_SCORES_MISSING.promised(stage) for stage in stages),
            ],
            lambda: score_figures(evidence),
        )


def score_figures(evidence: Evidence) -> list[Figure]:
    """Look at each stated score and rank: does a row of the log have it, and none a better one?

    All rows of a request are looked at, or none: of many rows those of one in so many requests.
    """
    stages, limits = evidence.config.ranking.stage_scores, evidence.scratch.limits
    one_in = one_in_so_many(evidence.counts["impressions"].valid, limits)
    rows = of_some_requests(evidence.staged["ranking_samples"], one_in)
    stated = _stated(rows, evidence)
    # Of some requests, so they are few whatever the date.
    asked = broadcast(stated, "request_id")
    on = ["request_id", "item_id", "level"]
    met = logged_stages(evidence, one_in).join(asked, on).where(is_of_user(evidence))
    found = met.groupBy("row", "level").agg(
        *_seen("score", higher=evidence.config.funnel.higher_score_is_better),
        *_seen("place", higher=False),
    )
    joined = stated.select("row", "level", "stated_score", "stated_place")
    wrong = joined.join(found, ["row", "level"], how="left").where(
        _is_wrong("score") | _is_wrong("place")
    )
    n_wrong = wrong.select("row").distinct().count()
    missing = [
        F.count_if(F.col(f"score_{s}").isNull() & F.col(f"rank_{s}").isNull()).alias(f"m{i}")
        for i, s in enumerate(stages)
    ]
    counted = rows.agg(F.count(F.lit(1)).alias("n"), *missing).collect()[0]
    note, total = requests_note(one_in), counted["n"]
    return [
        STAGE_SCORES_DIFFER.figure(n_wrong, detail=note),
        *(
            STAGE_SCORES_MISSING.figure(
                counted[f"m{i}"] / max(total, 1), stage, f"{counted[f'm{i}']:,} of {total:,} rows"
            )
            for i, stage in enumerate(stages)
        ),
    ]


def _stated(rows: DataFrame, evidence: Evidence) -> DataFrame:
    """Return one row per row and stage: what it states."""
    levels = {stage.name: i for i, stage in enumerate(evidence.config.funnel.stages)}
    stated = F.array(
        *(
            F.struct(
                F.lit(levels[stage]).alias("level"),
                F.col(f"score_{stage}").alias("score"),
                F.col(f"rank_{stage}").cast("bigint").alias("place"),
            )
            for stage in evidence.config.ranking.stage_scores
        )
    )
    long = rows.select(
        "request_id",
        "user_id",
        "item_id",
        F.xxhash64(*_ROW).alias("row"),
        F.explode(stated).alias("of"),
    )
    return long.select(
        "request_id",
        "user_id",
        "item_id",
        "row",
        F.col("of.level").alias("level"),
        F.col("of.score").alias("stated_score"),
        F.col("of.place").alias("stated_place"),
    )


def _seen(name: str, *, higher: bool) -> tuple[Column, ...]:
    """Return of the log's rows how many have a value, the stated one, and a better one."""
    value, stated = F.col(name), F.col(f"stated_{name}")
    better = value > stated if higher else value < stated
    return (
        F.count(value).alias(f"{name}_known"),
        F.count_if(F.coalesce(value == stated, F.lit(False))).alias(f"{name}_equal"),
        F.count_if(F.coalesce(better, F.lit(False))).alias(f"{name}_better"),
    )


def _is_wrong(name: str) -> Column:
    none = F.lit(0)
    known, equal, better = (
        F.coalesce(f"{name}_{what}", none) for what in ("known", "equal", "better")
    )
    stated = F.col(f"stated_{name}").isNotNull()
    return F.when(stated, (equal == 0) | (better > 0)).otherwise(known > 0)
