"""What holds for all negatives of a recipe."""

from typing import NamedTuple


class SamplingSpec(NamedTuple):
    """What holds for all negatives.

    Attributes:
        fills: Whether the last source of draws stands in for what is missing.
        mixture: Whether it is asked how likely a draw is of all sources together.
        max_rejections: Rejected draws before the exact complement is drawn from.
        higher_is_better: Whether a higher score is a better one.
        cut_by_absence: Whether a cut is known by the item's absence from the next stage.
        by_last_stage: Whether an item has a row only of the last stage that it reached.
        sampled: Whether the ranking log holds only some rows of a request.
        logged_share: How likely it holds a row of a request.
    """

    fills: bool
    mixture: bool
    max_rejections: int
    higher_is_better: bool
    cut_by_absence: bool
    by_last_stage: bool
    sampled: bool
    logged_share: float = 1.0
