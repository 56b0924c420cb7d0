"""What makes an item popular: which clicks count, and since when."""

from typing import Literal

from pydantic import Field

from winnow.config.model import Frozen


class Popularity(Frozen):
    """Clicks per item before the build's date; ``smoothing`` is added to every item's count.

    ``clicks``: ``all`` valid clicks count, with an impression or not; or only ``attributed`` ones;
    or only those on a ``chosen`` impression (``positives.where``). The last two have to join the
    clicks of the whole window with its impressions.
    """

    window_days: int = Field(default=30, ge=1, le=365)
    smoothing: float = Field(default=1.0, gt=0.0, le=1e6)
    clicks: Literal["all", "attributed", "chosen"] = "all"
    on_short_history: Literal["warn", "fail"] = "warn"
