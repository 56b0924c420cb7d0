"""What makes no sense though no row is wrong: users that mean nobody, all that is shown clicked."""

import math
from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import INPUTS, Figure, Gate, Measurement, at_most
from winnow.audit.recompute.compared_positives import compared_positives
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many, requests_note
from winnow.audit.recompute.staged_rows import positives_of
from winnow.contracts.counts import RowCounts
from winnow.contracts.rows import on_date

ANONYMOUS_SHARE = at_most(
    "anonymous_share",
    INPUTS,
    "share",
    "rows that one entry of identity.anonymous_values drops, among all rows of the date that "
    "`where` keeps: it may be a person",
    warn=0.05,
)
SUSPICIOUS_USER_SHARE = at_most(
    "suspicious_user_share",
    INPUTS,
    "share",
    "rows of users whose id may mean nobody (nan, undefined, an all-zero UUID, ...) and is not in "
    "identity.anonymous_values",
    warn=0.001,
)
CLICKED_SHARE = at_most(
    "clicked_share",
    INPUTS,
    "share",
    "shown items of the date that were clicked: where nearly all are, the log holds clicks only, "
    "or every candidate was taken as clicked",
    warn=0.9,
)
TOP_USER_SHARE = at_most(
    "top_user_share",
    INPUTS,
    "share",
    "rows that a single user holds, beyond an even share and what chance gives: it may stand for "
    "many",
    warn=0.1,
    fail=0.25,
)

FEWEST_ROWS = 50
"""Of fewer rows nothing is unbelievable."""

_FEWEST_OF_A_VALUE = 3
_OF_NOBODY = ("items", "item_aliases")
_STANDARD_ERRORS = 4


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure who is shown and who clicks."""
    counts, positives = evidence.counts, positives_of(evidence.staged)
    logs = [ANONYMOUS_SHARE.promised(log) for log in sorted(counts) if log not in _OF_NOBODY]
    yield Measurement(logs, lambda: nobody_figures(counts))
    n_shown, limits = counts["impressions"].valid, evidence.scratch.limits
    yield Measurement(
        [TOP_USER_SHARE.promised("impressions")],
        lambda: top_user_share(_shown(evidence), "impressions", one_in_so_many(n_shown, limits)),
    )
    if positives is not None:
        rows, n = positives.rows, evidence.n_positives
        yield Measurement(
            [TOP_USER_SHARE.promised("positives")],
            lambda: top_user_share(rows, "positives", one_in_so_many(n, limits)),
        )
        yield Measurement([CLICKED_SHARE.promised()], lambda: _clicked(evidence))


def _shown(evidence: Evidence) -> DataFrame:
    """Return what was shown; where no table has all impressions, by the log."""
    whole = evidence.config.ranking.negative_keep is None
    if whole and "ranking_samples" in evidence.staged:
        return evidence.staged["ranking_samples"]
    log = evidence.logs["impressions"]
    return log.frame.where(on_date(log, evidence.day) & F.col("valid"))


def _clicked(evidence: Evidence) -> Figure:
    shown = evidence.counts["impressions"]
    clicked = compared_positives(evidence).counts.all_candidates
    return clicked_share(clicked, shown.valid - shown.not_chosen)


def clicked_share(clicked: int, exposed: int) -> Figure:
    """Measure how many of the shown items were clicked.

    Args:
        clicked: Shown and clicked items of the date, before down-sampling.
        exposed: Valid impressions of the date that may become positives.
    """
    judged = exposed >= FEWEST_ROWS
    detail = f"{clicked:,} of {exposed:,} impressions{'' if judged else ', too few to judge'}"
    return CLICKED_SHARE.figure(clicked / exposed if judged else 0.0, detail=detail)


def nobody_figures(counts: Mapping[str, RowCounts]) -> list[Figure]:
    """Weigh the rows whose user means nobody by the config, and those whose user may.

    Args:
        counts: Where the rows of each log went.
    """
    figures = []
    for log, count in sorted(counts.items()):
        if log in _OF_NOBODY:
            continue
        kept = count.valid + count.duplicate
        n_rows = kept + count.rejected + count.anonymous
        most, rows = max(count.nobody.items(), key=lambda one: one[1], default=("", 0))
        anonymous = (
            f"identity.anonymous_values has '{most}', which {rows:,} of {n_rows:,} rows have as "
            "their user; if that is a person, take it out"
        )
        suspicious = sum(count.suspicious.values())
        named = ", ".join(f"'{value}' {n:,}" for value, n in count.suspicious.items())
        odd = f"rows by user: {named}; if these mean nobody, add them to identity.anonymous_values"
        figures += [
            _share_of(ANONYMOUS_SHARE, log, rows, n_rows, anonymous),
            _share_of(SUSPICIOUS_USER_SHARE, log, suspicious, kept, odd),
        ]
    return figures


def _share_of(gate: Gate, log: str, rows: int, of_rows: int, detail: str) -> Figure:
    if rows == 0:
        return gate.figure(0.0, log)
    share = rows / of_rows if rows >= _FEWEST_OF_A_VALUE else 0.0
    return gate.figure(share, log, detail=detail)


def top_user_share(rows: DataFrame, subject: str, one_in: int = 1) -> Figure:
    """Measure what one user holds of the rows beyond an even share and what chance gives.

    Args:
        rows: ``user_id`` and ``request_id``.
        subject: What the rows are: ``positives`` or ``impressions``.
        one_in: One in so many requests tells the share.
    """
    per_user = of_some_requests(rows, one_in).groupBy("user_id").agg(F.count("*").alias("n"))
    found = per_user.agg(
        F.sum("n").alias("rows"),
        F.count("*").alias("users"),
        F.max(F.struct("n", F.col("user_id").cast("string").alias("user"))).alias("top"),
    ).collect()[0]
    total, users = found["rows"] or 0, found["users"]
    if total < FEWEST_ROWS:
        return TOP_USER_SHARE.figure(0.0, subject, detail=f"{total:,} rows, too few to judge")
    top = found["top"]
    even = 1 / users
    chance = _STANDARD_ERRORS * math.sqrt(even * (1 - even) / total)
    looked = requests_note(one_in)
    detail = f"user '{top['user']}' has {top['n']:,} of {total:,} rows of {users:,} users"
    return TOP_USER_SHARE.figure(
        max(0.0, top["n"] / total - even - chance),
        subject,
        detail=f"{detail}, {looked}" if looked else detail,
    )
