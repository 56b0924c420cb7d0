"""From rows in the logs to samples, as one record."""

from collections.abc import Mapping

from winnow.audit.record import Funnel
from winnow.contracts.counts import RowCounts


def funnel_of(
    counts: Mapping[str, RowCounts], sums: Mapping[str, int], clicked: int | None
) -> Funnel:
    """Return the funnel of a date.

    Args:
        counts: Where the rows of each log went.
        sums: Positives and negatives, as ``mix.given_negatives`` returns them.
        clicked: Candidates before down-sampling; None where they are not known.
    """
    parts = {name: sums.get(name, 0) for name in ("easy", "hard", "fill", "shortfall")}
    return Funnel(
        logs=dict(counts),
        exposed=counts["impressions"].valid,
        clicked=clicked,
        kept=sums["positives"],
        requested=sums.get("requested", sum(parts.values())),
        **parts,
    )
