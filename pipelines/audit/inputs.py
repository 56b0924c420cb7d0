"""Where the rows of each log went: accounted for, few of them rejected, all in quarantine."""

from collections.abc import Mapping

from pyspark.sql import DataFrame

from pipelines.audit.figures import Figure
from pipelines.audit.staged.some_requests import of_some_requests, one_in_so_many
from pipelines.contracts.counts import RowCounts


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


def logged_requests(positives: DataFrame, ranking_log: DataFrame, *, n_positives: int) -> Figure:
    """Measure how many requests with a positive have ranking rows.

    Args:
        positives: ``request_id``.
        ranking_log: Rows of the date: ``request_id``.
        n_positives: How many positives there are; of many, some requests tell the share.
    """
    one_in = one_in_so_many(n_positives)
    ranking_log = of_some_requests(ranking_log, one_in)
    asked = of_some_requests(positives, one_in).select("request_id").distinct()
    known = asked.join(ranking_log.select("request_id").distinct(), "request_id", how="left_semi")
    total, found = asked.count(), known.count()
    share = found / total if total else 1.0
    return Figure("logged_request_share", share, detail=f"{found:,} of {total:,} requests")
