"""Whose clicks count: users that disagree, ids that several users share, ids used once more."""

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import HARD, INPUTS, Figure, Measurement, at_most
from winnow.audit.recompute.pairs import date_pairs
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many
from winnow.audit.recompute.staged_rows import can_have_hard, positives_of

CLICKS_OF_OTHER_USERS = at_most(
    "clicks_of_other_users",
    INPUTS,
    "share",
    "clicks that name another user than the impression that they count for, as after a login in "
    "between, among all that were joined",
    warn=0.05,
)
SHARED_IDS = at_most(
    "shared_ids",
    INPUTS,
    "ids",
    "request ids (impression ids, where clicks join on them) that several users have in the "
    "impression log, looked for where a click names another user than the impression that it "
    "fits: such clicks count for nobody, unless attribution.users has another answer",
    warn=0,
)
REQUESTS_OF_SEVERAL_USERS = at_most(
    "requests_of_several_users",
    HARD,
    "share",
    "request ids of positives that the impression log has for several users, while the ranking log "
    "names no user: whose candidates they were is not known (map ranking_log.user_id, or say "
    "attribution.users: impression)",
    warn=0.0,
    fail=0.01,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure who clicked what others were shown, where a table holds clicked items."""
    positives, users = positives_of(evidence.staged), evidence.config.attribution.users
    if positives is not None or "ranking_samples" in evidence.staged:
        yield Measurement([CLICKS_OF_OTHER_USERS.promised()], lambda: _of_others(evidence))
    if positives is None or not can_have_hard(evidence) or users == "impression":
        return
    if "user_id" not in evidence.logs["ranking_log"].mapped:
        rows, log = positives.rows, evidence.logs["impressions"]
        if evidence.config.positives.organic is not None:
            # Their request ids are made up, so that no two share one.
            rows = rows.where(F.col("label_strength") != "organic")
        shown = log.frame.where(~F.col("filtered"))
        one_in = one_in_so_many(evidence.n_positives, evidence.scratch.limits)
        yield Measurement(
            [REQUESTS_OF_SEVERAL_USERS.promised()], lambda: shared_requests(rows, shown, one_in)
        )


def _of_others(evidence: Evidence) -> list[Figure]:
    """Tell of the clicks that name another user than the impression that they fit."""
    pairs = date_pairs(evidence)
    joined, others = max(evidence.n_attributed, 1), pairs.of_other_user
    share = CLICKS_OF_OTHER_USERS.figure(others / joined, detail=f"{others:,} clicks")
    if pairs.shared_ids is None:
        return [share]
    refused = evidence.counts["clicks"].reasons.get("user_differs", 0)
    detail = f"{refused:,} clicks rejected as user_differs" if pairs.shared_ids else ""
    return [share, SHARED_IDS.figure(pairs.shared_ids, detail=detail)]


def shared_requests(positives: DataFrame, impressions: DataFrame, one_in: int = 1) -> Figure:
    """Measure how many request ids of positives are ids of several users' requests.

    Args:
        positives: ``request_id``.
        impressions: Rows of the log: ``request_id``, ``user_id``, NULL where not known.
        one_in: One in so many requests tells the share.
    """
    asked = of_some_requests(positives, one_in).select("request_id").distinct()
    shown = of_some_requests(impressions.where("user_id IS NOT NULL"), one_in)
    users = shown.join(asked, "request_id", how="left_semi").groupBy("request_id")
    several = users.agg((F.min("user_id") != F.max("user_id")).alias("several"))
    total, shared = asked.count(), several.where("several").count()
    detail = f"{shared:,} of {total:,} request ids"
    return REQUESTS_OF_SEVERAL_USERS.figure(shared / total if total else 0.0, detail=detail)
