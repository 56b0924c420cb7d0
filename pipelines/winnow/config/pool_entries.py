"""Easy sources that count events of the logs: of anybody, of a segment, in a market."""

from typing import Literal, NamedTuple

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


class MarketColumns(NamedTuple):
    """The columns that tell markets.

    Attributes:
        of_request: Carried column of the impressions. of_items: Carried column of the items log.
        of_clicks: Carried column of the click log; None where a click's impression tells it.
    """

    of_request: str
    of_items: str
    of_clicks: str | None


class MarketEntry(DrawnEntry):
    """Drawn from the items that are sold in the market of the request, by popularity there.

    ``of_request`` is a carried column of the impressions (``carry``), ``of_items`` one of the items
    log (``logs.items.carry``): a value or a list of values, and of several rows of an item those of
    all of them. A click is of the market of its impression; with ``of_clicks``, a carried column of
    the click log, of the one that it names itself.
    """

    source: Literal["market"]
    of_request: Identifier
    of_items: Identifier
    of_clicks: Identifier | None = None
    alpha: float = Field(default=0.75, ge=0.0, le=4.0)

    @property
    def columns(self) -> MarketColumns:
        """What tells markets: entries that agree in it share all that is counted."""
        return MarketColumns(self.of_request, self.of_items, self.of_clicks)
