"""A choice of positives that chooses nothing: its values may be written otherwise in the log."""

from winnow.config.positives import Positives
from winnow.contracts.counts import RowCounts


def choice_without_effect(positives: Positives, shown: RowCounts) -> tuple[str, ...]:
    """Return a warning where ``positives.where_not`` leaves no impression of the date out.

    Where ``positives.where`` takes none there is no positive, and a gate says so. But of
    ``where_not: {holdout: [true]}`` and a log that writes ``yes`` nobody would hear.

    Args:
        positives: The choice.
        shown: The counts of the impressions.
    """
    if positives.where or not positives.where_not or shown.not_chosen or not shown.valid:
        return ()
    values = "; ".join(
        f"{column} is never {' or '.join(map(repr, values))}"
        for column, values in positives.where_not.items()
    )
    return (
        f"positives.where_not leaves none of the {shown.valid:,} impressions of the date out: "
        f"{values}",
    )
