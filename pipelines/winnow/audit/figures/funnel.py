"""From rows in the logs to samples, as one record."""

from collections.abc import Mapping

from winnow.audit.record import Funnel, LogRows
from winnow.contracts.counts import RowCounts


def funnel_of(counts: Mapping[str, RowCounts], sums: Mapping[str, int], clicked: int) -> Funnel:
    """Return the funnel of a date.

    Args:
        counts: Where the rows of each log went.
        sums: Positives and negatives, as ``mix.mix_figures`` returns them.
        clicked: Candidates before down-sampling.
    """
    logs = {
        name: LogRows(
            read=count.read,
            valid=count.valid,
            duplicate=count.duplicate,
            rejected=count.rejected,
            filtered=count.filtered,
            other_date=count.other_date,
            reasons=count.reasons,
        )
        for name, count in counts.items()
    }
    parts = {name: sums.get(name, 0) for name in ("easy", "hard", "fill", "shortfall")}
    return Funnel(
        logs=logs,
        exposed=counts["impressions"].valid,
        clicked=clicked,
        kept=sums["positives"],
        requested=sums.get("requested", sum(parts.values())),
        **parts,
    )
