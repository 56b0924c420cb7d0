"""Easy sources that count events of the logs: impressions of anybody, clicks of a segment."""

from typing import Literal

from pydantic import Field

from winnow.config.entry import DrawnEntry
from winnow.config.model import Identifier


class ExposedEntry(DrawnEntry):
    """Drawn from the items that anybody was shown on the dates before, by impressions^alpha.

    ``days`` is how many dates; without it they are those of the popularity window.
    """

    source: Literal["exposed"]
    days: int | None = Field(default=None, ge=1, le=365)
    alpha: float = Field(default=0.0, ge=0.0, le=4.0)


class SegmentEntry(DrawnEntry):
    """Drawn from the whole catalogue by how popular an item is in the segment of the user.

    ``attribute`` is a carried column of the users log (``logs.users.carry``); users with one value
    of it are a segment, and a positive's draws are by (f in its user's segment + smoothing)^alpha.
    """

    source: Literal["segment"]
    attribute: Identifier
    alpha: float = Field(default=0.75, ge=0.0, le=4.0)
