"""Rows of the ranking log as the audit looks at them: how far items came, and by which row."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.request_sample import of_some_requests
from winnow.audit.recompute.stage_rules import stage_rules
from winnow.config.tree import Config
from winnow.contracts.rows import on_date

_HIGHEST_RANK = 2**31 - 2


def logged_stages(evidence: Evidence, one_in: int = 1) -> DataFrame:
    """Return the date's rows of the ranking log whose request, item and stage are known.

    Where a row itself says what was cut, a broken one says nothing.

    Returns:
        ``request_id``, ``item_id``, ``named`` (the row's user), ``level`` (int, the stage's place
        in the ladder), ``score`` (double; NULL for what is no finite number), ``place`` (bigint,
        the rank from 1; NULL for none), ``stage_size``, ``passed``, ``cut_reason``, ``valid``,
        ``stage``.
    """
    log, funnel = evidence.logs["ranking_log"], evidence.config.funnel
    rules = stage_rules(log, evidence.config, evidence.counts["ranking_log"].stages)
    known = F.col("request_id").isNotNull() & F.col("item_id").isNotNull()
    rows = of_some_requests(log.frame, one_in).where(
        on_date(log, evidence.day) & ~F.col("filtered") & known
    )
    if funnel.cut_known_by == "passed":
        rows = rows.where("valid")
    stage = F.col("stage")
    level = F.coalesce(*(F.when(stage == s.name, i) for i, s in enumerate(funnel.stages)))
    first = F.coalesce(
        *(F.when(stage == s.name, int(rules.first_rank[i])) for i, s in enumerate(funnel.stages))
    )
    rank = F.col("rank").cast("bigint") + 1 - first
    score = F.col("score").cast("double")
    infinite = F.isnan(score) | (F.abs(score) == float("inf"))
    return rows.select(
        "request_id",
        "item_id",
        F.col("user_id").alias("named"),
        level.alias("level"),
        F.when(~infinite, score).alias("score"),
        F.when(rank >= 1, F.least(rank, F.lit(_HIGHEST_RANK).cast("bigint"))).alias("place"),
        "stage_size",
        "passed",
        "cut_reason",
        "valid",
        "stage",
    ).where(F.col("level").isNotNull())


def is_of_user(evidence: Evidence) -> Column:
    """Return whether a row of ``logged_stages`` is of the request of ``user_id``."""
    config, log = evidence.config, evidence.logs["ranking_log"]
    if "user_id" not in log.mapped or config.attribution.users == "impression":
        return F.lit(True)
    unnamed = F.lit(config.attribution.users != "agree")
    return F.coalesce(F.col("named") == F.col("user_id"), unnamed)


def lets_be_negative(config: Config) -> Column:
    """Return whether a row of the log lets its item be a negative of its stage."""
    verdicts: list[Column] = []
    for stage in config.ladder:
        allowed = F.lit(stage.take != "none")
        if stage.take == "cut" and config.funnel.cut_known_by == "passed":
            allowed = F.coalesce(~F.col("passed"), F.lit(False))
        if stage.take == "cut" and config.funnel.cut_reasons is not None:
            reason = F.coalesce(F.col("cut_reason").isin(*config.funnel.cut_reasons), F.lit(False))
            allowed = allowed & reason
        verdicts.append(F.when(F.col("stage") == stage.name, allowed))
    return F.coalesce(*verdicts, F.lit(False))
