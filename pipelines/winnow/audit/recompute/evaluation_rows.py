"""evaluation_samples beside the logs: rules that no row of it may break, looked at in all rows."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.forbidding import forbidding_rows
from winnow.audit.recompute.pairs import date_pairs
from winnow.audit.recompute.row_rules import expected_split
from winnow.spark.broadcast import broadcast

TABLE = "evaluation_samples"
REQUEST = ("user_id", "request_id")
_UPPER_53_BITS = 2.0**53


@once
def pairs_held_out(evidence: Evidence) -> DataFrame:
    """Return the pairs of the date, joined again from the logs, of users who are held out.

    Returns:
        ``user_id``, ``request_id``, ``item_id``, ``shown_us``, ``clicked_us`` (bigint), ``action``
        (int), read back from staging.
    """
    config, day, shown = evidence.config, evidence.day, F.col("shown_us")
    rows = date_pairs(evidence).rows.where((shown >= day.start_us) & (shown < day.end_us))
    rows = rows.where(expected_split(config, day).isin("valid", "test"))
    share = config.evaluation.user_share
    if share < 1.0:
        hashed = F.xxhash64(F.lit(config.seed), F.lit("evaluation-users"), "user_id")
        number = F.shiftright(hashed, 11).bitwiseAND(2**53 - 1)
        rows = rows.where(number < F.lit(share * _UPPER_53_BITS))
    columns = (*REQUEST, "item_id", "shown_us", "clicked_us", "action")
    return evidence.scratch.staged(rows.select(*columns), "audited-held-out")


@once
def first_asked(evidence: Evidence) -> DataFrame:
    """Return when the log showed the first impression of each request of the table.

    Every row of the date counts that tells user, request, item and time, whatever is wrong with it.

    Returns:
        ``REQUEST`` of every row, ``first_us`` (bigint, NULL where the log does not know the
        request), read back from staging.
    """
    day, at = evidence.day, F.col("event_us")
    requests = evidence.staged[TABLE].select(*REQUEST).distinct()
    known = F.col("item_id").isNotNull() & ~F.col("filtered")
    inside = (at >= day.start_us) & (at < day.end_us)
    shown = evidence.logs["impressions"].frame.where(known & inside)
    least = (
        shown.join(_side(requests, "request_id", evidence), list(REQUEST), how="left_semi")
        .groupBy(*REQUEST)
        .agg(F.min(at).alias("first_us"))
    )
    both = requests.join(least, list(REQUEST), how="left")
    return evidence.scratch.staged(both, "audited-first-asked")


@once
def items_met(evidence: Evidence) -> DataFrame:
    """Return what users of the table were shown or clicked in the exclusion window, and when.

    Returns:
        ``user_id``, ``item_id``, ``times`` (array<bigint>, none where nothing tells; the earliest
        first), read back from staging.
    """
    logs, config, day, scratch = evidence.logs, evidence.config, evidence.day, evidence.scratch
    shown, clicked = forbidding_rows(logs, config, day, scratch, timed=True)
    users = evidence.staged[TABLE].select("user_id").distinct()
    rows = shown.unionByName(clicked).join(
        _side(users, "user_id", evidence), "user_id", how="left_semi"
    )
    times = F.array_sort(F.collect_set("event_us")).alias("times")
    return scratch.staged(rows.groupBy("user_id", "item_id").agg(times), "audited-met")


def other_requests(evidence: Evidence) -> int:
    """Count requests that the table lacks, or has though they are not held out or not clicked.

    And rows that say another number of requests of their user, or are not marked as some of them.
    """
    most = evidence.config.evaluation.requests_per_user
    wanted = pairs_held_out(evidence).select(*REQUEST).distinct()
    n_of_user = F.count(F.lit(1)).over(Window.partitionBy("user_id"))
    wanted = wanted.select(*REQUEST, n_of_user.alias("wanted"))
    truncated = F.lit(False)
    if most is not None:
        seed = F.lit(evidence.config.seed)
        choice = F.xxhash64(seed, F.lit("evaluation-requests"), *REQUEST)
        order = Window.partitionBy("user_id").orderBy(choice, "request_id")
        numbered = wanted.withColumn("number", F.row_number().over(order))
        wanted = numbered.where(F.col("number") <= most).drop("number")
        truncated = F.col("wanted") > most
    found = evidence.staged[TABLE].select(*REQUEST, "user_requests", "requests_truncated")
    both = wanted.join(found, list(REQUEST), how="full")
    right = (F.col("user_requests") == F.col("wanted")) & (F.col("requests_truncated") == truncated)
    return both.where(~F.coalesce(right, F.lit(False))).count()


def trained_rows(evidence: Evidence) -> int:
    """Count rows of a date or user that the config does not hold out, whatever they say."""
    held = expected_split(evidence.config, evidence.day).isin("valid", "test")
    of_date = F.col("ds") == F.lit(evidence.day.date)
    rows = evidence.staged[TABLE]
    return rows.where(~(F.coalesce(held & of_date, F.lit(False)))).count()


def early_positives(evidence: Evidence) -> int:
    """Count positives that are said, or known, to be of before their request."""
    first = F.col("first_us")

    def early(name: str) -> Column:
        return F.size(F.filter(name, lambda us: us < first)).cast("bigint")

    rows = evidence.staged[TABLE].select(*REQUEST, "pos_shown_us", "pos_click_us")
    both = rows.join(first_asked(evidence), list(REQUEST), how="left")
    wrong = F.when(first.isNull(), F.lit(1).cast("bigint")).otherwise(
        early("pos_shown_us") + early("pos_click_us")
    )
    return int(both.agg(F.coalesce(F.sum(wrong), F.lit(0)).alias("n")).collect()[0]["n"])


def late_seen(evidence: Evidence) -> int:
    """Count items of seen lists that the user had not met before the request, by the log."""
    listed = _elements(evidence, "seen_item_ids").join(
        first_asked(evidence), list(REQUEST), how="left"
    )
    both = listed.join(items_met(evidence), ["user_id", "item_id"], how="left")
    before = F.element_at("times", 1) < F.col("first_us")
    known = F.when(F.size("times") > 0, before)
    return both.where(~F.coalesce(known, F.lit(False))).count()


def negatives_met(evidence: Evidence) -> int:
    """Count negatives that the user was shown or clicked in the exclusion window, at any time."""
    drawn = _elements(evidence, "neg_item_ids")
    return drawn.join(items_met(evidence), ["user_id", "item_id"], how="left_semi").count()


def _elements(evidence: Evidence, name: str) -> DataFrame:
    return evidence.staged[TABLE].select(*REQUEST, F.explode(name).alias("item_id"))


def _side(rows: DataFrame, on: str, evidence: Evidence) -> DataFrame:
    few = evidence.n_positives <= evidence.scratch.limits.broadcast_rows
    return broadcast(rows, on) if few else rows
