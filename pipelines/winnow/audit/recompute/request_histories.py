"""What users did before their requests, told again from the click log, and when requests began."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.known_clicks import known_clicks, left_out_of_state
from winnow.audit.recompute.user_caps import of_some_users
from winnow.spark.broadcast import broadcast

REQUEST = ("user_id", "request_id")


@once
def first_times(evidence: Evidence) -> DataFrame:
    """Return when the first impression of each request with a positive was shown, by the log.

    Every row of the date counts that tells user, request, item and time, whatever is wrong with it.
    An organic positive has no impression: there it is the click.

    Returns:
        One row per (user, request) of training_samples: ``REQUEST``, ``first_us`` (bigint; NULL
        where nothing tells), read back from staging.
    """
    log, day, limits = evidence.logs["impressions"], evidence.day, evidence.scratch.limits
    samples = evidence.staged["training_samples"]
    clicked = F.unix_micros("click_ts")
    if evidence.config.positives.others:
        clicked = F.when(F.col("label_strength") == "organic", clicked)
    else:
        clicked = F.when(F.lit(False), clicked)
    requests = samples.groupBy(*REQUEST).agg(F.min(clicked).alias("clicked_us"))
    side = requests.select(*REQUEST)
    if evidence.n_positives <= limits.broadcast_rows:
        side = broadcast(side, "request_id")
    at = F.col("event_us")
    known = [F.col(name).isNotNull() for name in (*REQUEST, "item_id", "event_us")]
    inside = (at >= day.start_us) & (at < day.end_us) & ~F.col("filtered")
    rows = log.frame.where(reduce(Column.__and__, known, inside))
    shown = rows.join(side, list(REQUEST), how="left_semi").groupBy(*REQUEST)
    both = requests.join(
        shown.agg(F.min("event_us").alias("shown_us")), list(REQUEST), how="left"
    ).select(*REQUEST, F.coalesce("shown_us", "clicked_us").alias("first_us"))
    return evidence.scratch.staged(both, "audited-first-times")


def late_elements(evidence: Evidence) -> int:
    """Count elements of histories at or after the first impression of their request, in all rows.

    A request that the log does not know has an element at least that is too late.
    """
    first = F.col("first_us")
    rows = evidence.staged["request_samples"].select(*REQUEST, "hist_us")
    both = rows.join(first_times(evidence), list(REQUEST), how="left")
    late = F.size(F.filter("hist_us", lambda us: us >= F.col("first_us"))).cast("bigint")
    wrong = F.when(first.isNull(), F.lit(1).cast("bigint")).otherwise(late)
    return int(both.agg(F.coalesce(F.sum(wrong), F.lit(0)).alias("n")).collect()[0]["n"])


def wrong_histories(evidence: Evidence, one_in: int) -> int:
    """Count requests whose history is not what the click log has of their user before them.

    Args:
        evidence: The table and the logs.
        one_in: The requests of one in so many users are looked at.
    """
    length = evidence.config.requests.history_length
    names = ("hist_item_ids", "hist_actions", "hist_us", "hist_left_out", "request_ts")
    rows = of_some_users(evidence.staged["request_samples"], one_in).select(*REQUEST, *names)
    both = rows.join(first_times(evidence), list(REQUEST), how="left").join(
        _clicks_of_users(evidence, one_in), "user_id", how="left"
    )
    left_out = _left_out_before(evidence, one_in)
    both = (
        both.withColumn("n_before", F.lit(0))
        if left_out is None
        else both.join(left_out, "user_id", how="left")
    )
    before = F.filter("clicks", lambda one: one.us < F.col("first_us"))
    rows = both.withColumn("before", before)
    n = F.coalesce(F.size("before"), F.lit(0))
    n = F.when(F.col("before").isNull(), 0).otherwise(n)
    kept = F.slice("before", F.greatest(n - length + 1, F.lit(1)), F.lit(length))
    rows = rows.withColumn("kept", kept).withColumn("n", n)
    types = dict(rows.dtypes)

    def told(field: str, column: str) -> Column:
        wanted = F.transform("kept", lambda one: getattr(one, field))
        none = F.array().cast(types[column])
        return F.col(column).eqNullSafe(F.coalesce(wanted.cast(types[column]), none))

    holds = (
        told("us", "hist_us")
        & told("item", "hist_item_ids")
        & told("action", "hist_actions")
        & (
            F.col("hist_left_out")
            == F.greatest(F.col("n") - length, F.lit(0)) + F.coalesce("n_before", F.lit(0))
        )
        & (F.unix_micros("request_ts") == F.col("first_us"))
    )
    wrong = F.count_if(~F.coalesce(holds, F.lit(False)))
    return int(rows.agg(wrong.alias("n")).collect()[0]["n"])


def _clicks_of_users(evidence: Evidence, one_in: int) -> DataFrame:
    """Return what users did on the dates that histories are of: ``user_id`` and ``clicks``.

    Of one in so many users. ``clicks`` are structs of ``us``, ``item``, ``code`` and ``action``, in
    that order: by time.
    """
    users = evidence.staged["training_samples"].select("user_id").distinct()
    if evidence.n_positives <= evidence.scratch.limits.broadcast_rows:
        users = broadcast(users, "user_id")
    rows = known_clicks(evidence, one_in).join(users, "user_id", how="left_semi")
    one = F.struct("us", "item", "code", "action")
    return rows.groupBy("user_id").agg(F.array_sort(F.collect_list(one)).alias("clicks"))


def _left_out_before(evidence: Evidence, one_in: int) -> DataFrame | None:
    """Return how many clicks of users the earlier state left out; None where there is none."""
    before = evidence.history.before
    if before is None:
        return None
    rows = left_out_of_state(before, evidence, one_in)
    return rows.groupBy("user_id").agg(F.sum("n").alias("n_before"))
