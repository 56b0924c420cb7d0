"""The mix: how many easy, hard and fill negatives a positive gets, and what fell short, and why."""

from winnow.arrays.compiled import inlined

REASONS = (
    "request_not_logged",
    "pool_too_small",
    "all_forbidden",
    "catalogue_exhausted",
)
"""Why negatives were missing; a reason's code is its index.

request_not_logged: the request has no ranking rows. pool_too_small: its log gave fewer allowed
candidates than wanted. all_forbidden: there were candidates, but the user was shown or clicked
every one of them, or none is in the catalogue. catalogue_exhausted: the catalogue without the
forbidden set is empty.
"""

REQUEST_NOT_LOGGED, POOL_TOO_SMALL, ALL_FORBIDDEN, CATALOGUE_EXHAUSTED = range(4)


@inlined
def hard_reason(n_rows, n_before, n_pool):  # type: ignore[no-untyped-def]
    """Return the code of why a request gives too few hard negatives.

    Args:
        n_rows: Ranking rows of the request. n_before: Candidates before exclusion. n_pool: After.
    """
    if n_rows == 0:
        return REQUEST_NOT_LOGGED
    if n_before > 0 and n_pool == 0:
        return ALL_FORBIDDEN
    return POOL_TOO_SMALL


@inlined
def mixed(n_easy_wanted, n_hard_wanted, n_hard, fill, can_draw):  # type: ignore[no-untyped-def]
    """Return (n_easy, n_fill, shortfall) of a positive.

    n_easy + n_hard + n_fill + shortfall = n_easy_wanted + n_hard_wanted, always.

    Args:
        n_easy_wanted, n_hard_wanted: The mix that was asked for.
        n_hard: How many hard negatives there are.
        fill: Whether missing hard negatives are filled with easy ones.
        can_draw: Whether the catalogue without the forbidden set holds anything.
    """
    missing = n_hard_wanted - n_hard
    n_easy = n_easy_wanted if can_draw else 0
    n_fill = missing if can_draw and fill else 0
    return n_easy, n_fill, n_easy_wanted + n_hard_wanted - n_easy - n_hard - n_fill
