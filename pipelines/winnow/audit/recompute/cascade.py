"""The rows of cascade_samples, made again from the logs: first by stage, then by item."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.logged_stages import is_of_user, logged_stages
from winnow.audit.recompute.pairs import date_pairs
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many
from winnow.audit.recompute.staged_rows import KEY
from winnow.config.tree import Config
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.rows import on_date
from winnow.spark.broadcast import broadcast

_REQUEST = ("user_id", "request_id")


def one_in_of_cascade(evidence: Evidence) -> int:
    """Return of how many requests one is compared row by row."""
    every = evidence.config.cascade.requests == "all"
    n = evidence.counts["impressions"].valid if every else evidence.n_attributed
    return one_in_so_many(n, evidence.scratch.limits)


def wanted_keys(evidence: Evidence) -> int:
    """Return how many rows cascade_samples must have, of all requests."""
    ranked = _without_others(_ranked(evidence, 1), evidence)
    # Eight bytes a row: distinct hashes prove distinct keys.
    hashes = [rows.select(F.xxhash64(*KEY).alias("hash")) for rows in (ranked, _shown(evidence, 1))]
    return hashes[0].unionByName(hashes[1]).distinct().count()


def wanted_rows_of_cascade(evidence: Evidence, one_in: int) -> DataFrame:
    """Return the rows that cascade_samples must have of one in so many requests.

    Returns:
        ``KEY``, ``rung`` (int), ``known`` (boolean), ``clicked`` (boolean), ``first_us`` (bigint),
        and of each stage ``score_<i>`` (double) and ``place_<i>`` (bigint).
    """
    n_stages = len(evidence.config.funnel.stages)
    ranked = _rows_of_stages(_ranked(evidence, one_in), evidence.config)
    # Looked at three times, and of some requests: so few that they are best written.
    of_stages = evidence.scratch.staged(ranked, "audited-stages")
    values = [
        F.max(F.when(F.col("level") == i, F.col(name))).alias(f"{name}_{i}")
        for i in range(n_stages)
        for name in ("score", "place")
    ]
    items = of_stages.groupBy(*KEY).agg(F.max("reached").alias("level"), *values)
    last_rows = of_stages.select(*KEY, "level", "passed", "unsaid", "fits")
    ran = of_stages.select(*_REQUEST, (F.col("level") - 1).alias("level")).distinct()
    items = items.join(last_rows, [*KEY, "level"], how="left")
    items = items.join(ran.withColumn("next_ran", F.lit(True)), [*_REQUEST, "level"], how="left")
    shown = _shown(evidence, one_in).withColumn("was_shown", F.lit(True))
    both = _without_others(items, evidence).join(shown, list(KEY), how="full")
    is_shown, is_clicked = (F.coalesce(n, F.lit(False)) for n in ("was_shown", "was_clicked"))
    rung = F.when(is_clicked, n_stages + 1).when(is_shown, n_stages).otherwise(F.col("level"))
    return both.select(
        *KEY,
        rung.cast("int").alias("rung"),
        (is_shown | F.coalesce(_is_known(evidence.config), F.lit(False))).alias("known"),
        is_clicked.alias("clicked"),
        "first_us",
        *(f"{name}_{i}" for i in range(n_stages) for name in ("score", "place")),
    )


@once
def delivered_items(evidence: Evidence) -> DataFrame:
    """Return what was delivered in the requests that are asked for, read back from staging.

    Returns:
        One row per ``KEY``: ``first_us`` (bigint, the first showing that counts, or that was
        clicked; NULL where none does), ``was_clicked`` (boolean).
    """
    log, day = evidence.logs["impressions"], evidence.day
    inside = (F.col("shown_us") >= day.start_us) & (F.col("shown_us") < day.end_us)
    pairs = date_pairs(evidence).rows.where(inside)
    clicked = pairs.groupBy(*KEY).agg(F.min("shown_us").alias("clicked_us"))
    known = [F.col(name).isNotNull() for name in (*KEY, "event_us")]
    counts = [F.col("valid")]
    counts += [F.col(CHOSEN)] if log.chooses else []
    counts += [F.coalesce("viewed", F.lit(False))] if "viewed" in log.mapped else []
    rows = log.frame.where(on_date(log, day) & ~F.col("filtered") & reduce(Column.__and__, known))
    few = evidence.n_attributed <= evidence.scratch.limits.broadcast_rows
    if evidence.config.cascade.requests == "clicked":
        requests = pairs.select(*_REQUEST).distinct()
        side = broadcast(requests, "request_id") if few else requests
        rows = rows.join(side, list(_REQUEST), how="left_semi")
    seen = F.when(reduce(Column.__and__, counts), F.col("event_us"))
    delivered = rows.groupBy(*KEY).agg(F.min(seen).alias("seen_us"))
    side = broadcast(clicked, "request_id") if few else clicked
    found = delivered.join(side, list(KEY), how="left").select(
        *KEY,
        F.coalesce("seen_us", "clicked_us").alias("first_us"),
        F.col("clicked_us").isNotNull().alias("was_clicked"),
    )
    return evidence.scratch.staged(found, "audited-deliveries")


def _shown(evidence: Evidence, one_in: int) -> DataFrame:
    return of_some_requests(delivered_items(evidence), one_in).where("first_us IS NOT NULL")


def _ranked(evidence: Evidence, one_in: int) -> DataFrame:
    """Return rows as of ``logged_stages`` of the requests that are asked for, with ``user_id``."""
    requests = _shown(evidence, one_in).select(*_REQUEST).distinct()
    n, limits = evidence.n_attributed, evidence.scratch.limits
    if evidence.config.cascade.requests == "all":
        n = evidence.counts["impressions"].valid
    # Of some requests there are few, whatever the date.
    few = one_in > 1 or n <= limits.broadcast_rows
    side = broadcast(requests, "request_id") if few else requests
    return logged_stages(evidence, one_in).join(side, "request_id").where(is_of_user(evidence))


def _without_others(rows: DataFrame, evidence: Evidence) -> DataFrame:
    """Leave out what was delivered without a showing that counts."""
    others = delivered_items(evidence).where("first_us IS NULL")
    return rows.join(others, list(KEY), how="left_anti")


def _for_a_reason(config: Config) -> Column:
    reasons = config.funnel.cut_reasons
    if reasons is None:
        return F.lit(True)
    return F.coalesce(F.col("cut_reason").isin(*reasons), F.lit(False))


def _rows_of_stages(ranked: DataFrame, config: Config) -> DataFrame:
    """Return what the log's rows of an item in a stage say together.

    Returns:
        One row per item and stage: ``KEY``, ``level``, ``score`` and ``place`` (the best ones),
        ``passed`` (a row says that the item went on), ``unsaid`` (a row says nothing of it),
        ``fits`` (each row lets the item be cut), ``reached`` (the stage that it came to).
    """
    said, score = F.coalesce("passed", F.lit(False)), F.col("score") + F.lit(0.0)
    fits = F.col("valid") & _for_a_reason(config)
    rows = ranked.groupBy(*KEY, "level").agg(
        (F.max(score) if config.funnel.higher_score_is_better else F.min(score)).alias("score"),
        F.min("place").alias("place"),
        F.bool_or(said).alias("passed"),
        F.bool_or(F.col("passed").isNull()).alias("unsaid"),
        F.bool_and(fits).alias("fits"),
    )
    goes_on = F.col("passed") & (F.col("level") < len(config.funnel.stages) - 1)
    if config.funnel.cut_known_by != "passed":
        goes_on = F.lit(False)
    reached = F.when(goes_on, F.col("level") + 1).otherwise(F.col("level"))
    return rows.withColumn("reached", reached)


def _is_known(config: Config) -> Column:
    """Return whether the rows of an item prove that it stopped at its last stage."""
    is_last, how = F.col("level") == len(config.funnel.stages) - 1, config.funnel.cut_known_by
    passed = F.coalesce("passed", F.lit(False))
    # Without a row of the stage it was passed on to it, and nothing is known of it there.
    cut = F.coalesce("fits", F.lit(False))
    if how == "passed":
        return F.when(is_last, ~passed).otherwise(cut & ~passed & ~F.col("unsaid"))
    if how == "membership":
        cut = cut & F.coalesce("next_ran", F.lit(False))
    return F.when(is_last, True).otherwise(cut)


def differs(n_stages: int) -> Column:
    """Return whether a staged row says something else than the row that it must be.

    It is asked of rows with the columns of both (``wanted_rows_of_cascade``).
    """
    same = [
        F.col("stage_reached") == F.col("rung"),
        F.col("stop_known") == F.col("known"),
        (F.col("label") == 1) == F.col("clicked"),
        F.unix_micros("impression_ts").eqNullSafe(F.col("first_us")),
        F.size("stage_scores") == n_stages,
        F.size("stage_ranks") == n_stages,
    ]
    for i in range(n_stages):
        same.append(F.get("stage_scores", F.lit(i)).eqNullSafe(F.col(f"score_{i}")))
        same.append(F.get("stage_ranks", F.lit(i)).cast("bigint").eqNullSafe(F.col(f"place_{i}")))
    return ~F.coalesce(reduce(Column.__and__, same), F.lit(False))
