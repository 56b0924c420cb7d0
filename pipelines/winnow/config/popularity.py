"""What makes an item popular: which events count, since when, until when, and how much."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from winnow.config.model import Frozen

DAY_BEFORE = "day_before"


def _is_until(text: str) -> str:
    if text != DAY_BEFORE and not re.fullmatch(r"(0[1-9]|1[0-9]|2[0-3]):00", text):
        raise ValueError(f"must be {DAY_BEFORE}, or a full hour of the date from 01:00 to 23:00")
    return text


class Popularity(Frozen):
    """Events per item before the samples; ``smoothing`` is added to every item's count.

    ``of``: every click counts 1; or every impression does; or every user who clicked; or every
    action does, as much as ``positives.weights`` says.

    ``clicks``: ``all`` valid clicks count, with an impression or not; or only ``attributed`` ones;
    or only those on a ``chosen`` impression (``positives.where``). The last two have to join the
    clicks of the whole window with its impressions.

    ``half_life_days``: what happened so many dates before the newest that counts is worth half.

    ``until``: the end of the day before, or an hour of the date: then positives begin at that hour.
    """

    window_days: int = Field(default=30, ge=1, le=365)
    smoothing: float = Field(default=1.0, gt=0.0, le=1e6)
    of: Literal["clicks", "impressions", "users", "actions"] = "clicks"
    clicks: Literal["all", "attributed", "chosen"] = "all"
    half_life_days: float | None = Field(default=None, ge=0.25, le=3650.0)
    until: Annotated[str, AfterValidator(_is_until)] = DAY_BEFORE
    on_short_history: Literal["warn", "fail"] = "warn"

    @property
    def is_clicks(self) -> bool:
        """Whether an item is as popular as the clicks that it has."""
        return self.of == "clicks" and self.half_life_days is None

    @property
    def until_hour(self) -> int:
        """The hour of the date at which counting ends and positives begin."""
        return 0 if self.until == DAY_BEFORE else int(self.until[:2])
