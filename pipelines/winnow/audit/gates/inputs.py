"""Where the rows of each log went: accounted for, few of them rejected, all in quarantine."""

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame

from winnow.audit.evidence import Evidence
from winnow.audit.gate import INPUTS, Figure, Measurement, at_least, at_most, none_of
from winnow.contracts.counts import RowCounts
from winnow.dates import DateRange

ROWS_UNACCOUNTED = none_of(
    "rows_unaccounted",
    INPUTS,
    "rows read that are neither valid, duplicate, rejected, filtered nor of another date",
)
QUARANTINE_DIFFERS = none_of(
    "quarantine_differs",
    INPUTS,
    "rows in the table rejected, less those that the rules of the log rejected",
)
CLICKS_UNACCOUNTED = none_of(
    "clicks_unaccounted",
    INPUTS,
    "valid clicks of the date that are neither joined to an impression, nor organic where these "
    "are asked for, nor rejected (orphan, user_differs)",
)
REJECTED_SHARE = at_most(
    "rejected_share",
    INPUTS,
    "share",
    "rejected rows among all rows of the date that are not filtered",
    warn=0.05,
    fail=0.5,
)
REJECTED_REASON_SHARE = at_most(
    "rejected_reason_share",
    INPUTS,
    "share",
    "rows rejected for this reason among all rows of the date that are not filtered",
    warn=0.05,
    fail=0.5,
)
HISTORY_SHARE = at_least(
    "history_share",
    INPUTS,
    "share",
    "dates of the popularity window that the click log has",
    warn=1.0,
)
EXPOSED_HISTORY_SHARE = at_least(
    "exposed_history_share",
    INPUTS,
    "share",
    "dates of the longest window of exposed sources that the impression log has",
    warn=1.0,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the logs as they were counted."""
    counts, rejected = evidence.counts, evidence.staged["rejected"]
    yield Measurement(
        [CLICKS_UNACCOUNTED.promised()],
        lambda: input_figures(
            counts, rejected, n_attributed=evidence.n_attributed + evidence.n_organic
        ),
    )
    share = evidence.history_share
    if share is not None:
        yield Measurement([HISTORY_SHARE.promised()], lambda: HISTORY_SHARE.figure(share))
    usual = evidence.config.popularity.window_days
    longest = max((n or usual for n in evidence.config.exposed_windows), default=0)
    dates = evidence.logs["impressions"].dates
    if longest and dates is not None:
        window = DateRange(evidence.day.shifted(-longest).date, evidence.day.shifted(-1).date)
        found = len(set(dates) & set(window)) / longest
        yield Measurement(
            [EXPOSED_HISTORY_SHARE.promised()],
            lambda: EXPOSED_HISTORY_SHARE.figure(found, detail=f"{longest} dates"),
        )


def input_figures(
    counts: Mapping[str, RowCounts], rejected: DataFrame, *, n_attributed: int
) -> list[Figure]:
    """Check that every row of every log is somewhere, and weigh what was rejected.

    Args:
        counts: Where the rows of each log went, orphans among the rejected.
        rejected: The staged table.
        n_attributed: Clicks of the date that were joined to an impression, or are organic.
    """
    kept = {row["log"]: row["count"] for row in rejected.groupBy("log").count().collect()}
    figures = [CLICKS_UNACCOUNTED.figure(n_attributed - counts["clicks"].valid)]
    for log in sorted({*counts, *kept}):
        count = counts.get(log)
        if count is None:
            figures.append(QUARANTINE_DIFFERS.figure(kept[log], log, detail="no such log"))
            continue
        parts = count.valid + count.duplicate + count.rejected + count.filtered + count.other_date
        own = count.valid + count.duplicate + count.rejected
        figures += [
            ROWS_UNACCOUNTED.figure(count.read - parts, log),
            QUARANTINE_DIFFERS.figure(kept.get(log, 0) - count.rejected, log),
            REJECTED_SHARE.figure(
                count.rejected / own if own else 0.0,
                log,
                detail=f"{count.rejected:,} of {own:,} rows",
            ),
        ]
        figures += [
            REJECTED_REASON_SHARE.figure(rows / own, f"{log}.{reason}", detail=f"{rows:,} rows")
            for reason, rows in sorted(count.reasons.items())
        ]
    return figures
