"""Where the rows of each log went: accounted for, few of them rejected, all in quarantine."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.figure import Figure
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many
from winnow.contracts.counts import RowCounts


def input_figures(
    counts: Mapping[str, RowCounts], rejected: DataFrame, *, n_attributed: int
) -> list[Figure]:
    """Check that every row of every log is somewhere, and weigh what was rejected.

    Args:
        counts: Where the rows of each log went, orphans among the rejected.
        rejected: The staged table.
        n_attributed: Clicks of the date that were joined to an impression.
    """
    kept = {row["log"]: row["count"] for row in rejected.groupBy("log").count().collect()}
    figures = [Figure("clicks_unaccounted", n_attributed - counts["clicks"].valid)]
    for log in sorted({*counts, *kept}):
        count = counts.get(log)
        if count is None:
            figures.append(Figure("quarantine_differs", kept[log], log, detail="no such log"))
            continue
        parts = count.valid + count.duplicate + count.rejected + count.filtered + count.other_date
        own = count.valid + count.duplicate + count.rejected
        figures += [
            Figure("rows_unaccounted", count.read - parts, log),
            Figure("quarantine_differs", kept.get(log, 0) - count.rejected, log),
            Figure(
                "rejected_share",
                count.rejected / own if own else 0.0,
                log,
                detail=f"{count.rejected:,} of {own:,} rows",
            ),
        ]
        figures += [
            Figure("rejected_reason_share", rows / own, f"{log}.{reason}", detail=f"{rows:,} rows")
            for reason, rows in sorted(count.reasons.items())
        ]
    return figures


def logged_requests(
    positives: DataFrame, ranking_log: DataFrame, *, n_positives: int, by_user: bool = False
) -> Figure:
    """Measure how many requests with a positive have ranking rows.

    Args:
        positives: ``user_id``, ``request_id``.
        ranking_log: Rows of the date: ``user_id``, ``request_id``.
        n_positives: How many positives there are; of many, some requests tell the share.
        by_user: Whether rows that name another user are of another request.
    """
    one_in = one_in_so_many(n_positives)
    ranking_log = of_some_requests(ranking_log, one_in)
    asked = of_some_requests(positives, one_in).select("request_id", "user_id").distinct()
    named = ranking_log.select("request_id", F.col("user_id").alias("named")).distinct()
    if by_user:
        is_own = F.coalesce(F.col("user_id") == F.col("named"), F.lit(True))
        known = asked.join(named, "request_id").where(is_own).select(*asked.columns).distinct()
    else:
        known = asked.join(named.select("request_id").distinct(), "request_id", how="left_semi")
    total, found = asked.count(), known.count()
    share = found / total if total else 1.0
    return Figure("logged_request_share", share, detail=f"{found:,} of {total:,} requests")


def shared_requests(positives: DataFrame, impressions: DataFrame, *, n_positives: int) -> Figure:
    """Measure how many request ids of positives are ids of several users' requests.

    Args:
        positives: ``request_id``.
        impressions: Rows of the log: ``request_id``, ``user_id``, NULL where not known.
        n_positives: How many positives there are; of many, some requests tell the share.
    """
    one_in = one_in_so_many(n_positives)
    asked = of_some_requests(positives, one_in).select("request_id").distinct()
    shown = of_some_requests(impressions.where("user_id IS NOT NULL"), one_in)
    users = shown.join(asked, "request_id", how="left_semi").groupBy("request_id")
    several = users.agg((F.min("user_id") != F.max("user_id")).alias("several"))
    total, shared = asked.count(), several.where("several").count()
    detail = f"{shared:,} of {total:,} request ids"
    return Figure("requests_of_several_users", shared / total if total else 0.0, detail=detail)
