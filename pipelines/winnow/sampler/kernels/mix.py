"""Why negatives are missing."""

from winnow.arrays.compiled import inlined

REASONS = (
    "request_not_logged",
    "pool_too_small",
    "all_forbidden",
    "catalogue_exhausted",
    "group_unknown",
    "group_exhausted",
    "positive_not_scored",
    "recall_unknown",
    "nothing_rejected",
    "no_other_request",
)
"""Why negatives were missing; a reason's code is its index.

request_not_logged: the request has no ranking rows. pool_too_small: its log, or what the user
rejected, gave fewer allowed candidates than wanted. all_forbidden: there were candidates, but the
user was shown or clicked every one of them (of what the user rejected: clicked), or none is in the
catalogue. catalogue_exhausted: the catalogue without the forbidden set is empty. group_unknown:
nothing says which group of the catalogue the positive draws from. group_exhausted: that group
without the forbidden set is empty. positive_not_scored: a margin to the positive's score was asked
for, and it has none at the stage. recall_unknown: draws must not be of what was recalled, and the
ranking log has nothing of the request. nothing_rejected: the user had rejected nothing before the
positive was shown. no_other_request: the user had no other request around the positive that has
ranking rows.
"""

REQUEST_NOT_LOGGED, POOL_TOO_SMALL, ALL_FORBIDDEN = range(3)
CATALOGUE_EXHAUSTED, GROUP_UNKNOWN, GROUP_EXHAUSTED = range(3, 6)
POSITIVE_NOT_SCORED, RECALL_UNKNOWN, NOTHING_REJECTED, NO_OTHER_REQUEST = range(6, 10)


@inlined
def hard_reason(n_rows, n_before, n_pool, n_unscored):  # type: ignore[no-untyped-def]
    """Return the code of why a request gives too few hard negatives.

    Args:
        n_rows: Ranking rows of the request. n_before: Candidates before exclusion. n_pool: After.
        n_unscored: Of those after, the ones that no positive's score says the margin of.
    """
    if n_rows == 0:
        return REQUEST_NOT_LOGGED
    if n_before > 0 and n_pool == 0:
        return ALL_FORBIDDEN
    if n_unscored > 0:
        return POSITIVE_NOT_SCORED
    return POOL_TOO_SMALL


@inlined
def feedback_reason(n_before, n_pool):  # type: ignore[no-untyped-def]
    """Return the code of why a user's rejections give too few negatives.

    Args:
        n_before: Items rejected before the positive was shown. n_pool: Those that may be chosen.
    """
    if n_before == 0:
        return NOTHING_REJECTED
    return ALL_FORBIDDEN if n_pool == 0 else POOL_TOO_SMALL


@inlined
def other_requests_reason(n_requests, n_before, n_after):  # type: ignore[no-untyped-def]
    """Return the code of why a user's other requests give too few negatives.

    Args:
        n_requests: Other requests with ranking rows. n_before: Their candidates before exclusion.
        n_after: Those of them that are allowed.
    """
    if n_requests == 0:
        return NO_OTHER_REQUEST
    return ALL_FORBIDDEN if n_before > 0 and n_after == 0 else POOL_TOO_SMALL
