"""What makes no sense though no row is wrong: users that mean nobody, all that is shown clicked."""

import math
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.figure import Figure
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many, told_of_some
from winnow.contracts.counts import RowCounts

FEWEST_ROWS = 50
"""Of fewer rows nothing is unbelievable."""

_FEWEST_OF_A_VALUE = 3
_STANDARD_ERRORS = 4


def clicked_share(clicked: int, exposed: int) -> Figure:
    """Measure how many of the shown items were clicked.

    Args:
        clicked: Shown and clicked items of the date, before down-sampling.
        exposed: Valid impressions of the date that may become positives.
    """
    judged = exposed >= FEWEST_ROWS
    detail = f"{clicked:,} of {exposed:,} impressions{'' if judged else ', too few to judge'}"
    return Figure("clicked_share", clicked / exposed if judged else 0.0, detail=detail)


def nobody_figures(counts: Mapping[str, RowCounts]) -> list[Figure]:
    """Weigh the rows whose user means nobody by the config, and those whose user may.

    Args:
        counts: Where the rows of each log went.
    """
    figures = []
    for log, count in sorted(counts.items()):
        if log == "items":
            continue
        kept = count.valid + count.duplicate
        told = kept + count.rejected + count.anonymous
        most, rows = max(count.nobody.items(), key=lambda one: one[1], default=("", 0))
        anonymous = (
            f"identity.anonymous_values has '{most}', which {rows:,} of {told:,} rows have as "
            "their user; if that is a person, take it out"
        )
        suspicious = sum(count.suspicious.values())
        named = ", ".join(f"'{value}' {n:,}" for value, n in count.suspicious.items())
        odd = f"rows by user: {named}; if these mean nobody, add them to identity.anonymous_values"
        figures += [
            _share_of("anonymous_share", log, rows, told, anonymous),
            _share_of("suspicious_user_share", log, suspicious, kept, odd),
        ]
    return figures


def _share_of(rule: str, log: str, rows: int, of_rows: int, detail: str) -> Figure:
    if rows == 0:
        return Figure(rule, 0.0, log)
    share = rows / of_rows if rows >= _FEWEST_OF_A_VALUE else 0.0
    return Figure(rule, share, log, detail=detail)


def top_user_share(rows: DataFrame, subject: str, n_rows: int) -> Figure:
    """Measure what one user holds of the rows beyond an even share and what chance gives.

    Args:
        rows: ``user_id`` and ``request_id``.
        subject: What the rows are: ``positives`` or ``impressions``.
        n_rows: About how many there are; of many, some requests tell the share.
    """
    one_in = one_in_so_many(n_rows)
    per_user = of_some_requests(rows, one_in).groupBy("user_id").agg(F.count("*").alias("n"))
    found = per_user.agg(
        F.sum("n").alias("rows"),
        F.count("*").alias("users"),
        F.max(F.struct("n", F.col("user_id").cast("string").alias("user"))).alias("top"),
    ).collect()[0]
    total, users = found["rows"] or 0, found["users"]
    if total < FEWEST_ROWS:
        return Figure("top_user_share", 0.0, subject, detail=f"{total:,} rows, too few to judge")
    top = found["top"]
    even = 1 / users
    chance = _STANDARD_ERRORS * math.sqrt(even * (1 - even) / total)
    looked = told_of_some(one_in)
    detail = f"user '{top['user']}' has {top['n']:,} of {total:,} rows of {users:,} users"
    return Figure(
        "top_user_share",
        max(0.0, top["n"] / total - even - chance),
        subject,
        detail=f"{detail}, {looked}" if looked else detail,
    )
