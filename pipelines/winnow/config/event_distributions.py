"""What is drawn from that events of the logs make: exposures, segments of users, markets."""

from typing import NamedTuple

from winnow.config.entries import EasyEntry
from winnow.config.pool_entries import ExposedEntry, MarketColumns, MarketEntry, SegmentEntry


class EventDistributions(NamedTuple):
    """The distributions whose items or weights are known by events, not by the catalogue alone.

    Attributes:
        distributions: All distributions of the config, see ``Negatives.distributions``.
    """

    distributions: tuple[EasyEntry, ...]

    @property
    def exposed_windows(self) -> tuple[int | None, ...]:
        """The ``days`` of the sources that draw from what anybody was shown, each once."""
        found = (e.days for e in self.distributions if isinstance(e, ExposedEntry))
        return tuple(dict.fromkeys(found))

    @property
    def segments(self) -> tuple[tuple[int, str], ...]:
        """Of ``distributions`` by segment, the place and the attribute that tells the segment."""
        of = enumerate(self.distributions)
        return tuple((place, e.attribute) for place, e in of if isinstance(e, SegmentEntry))

    @property
    def segment_attributes(self) -> tuple[str, ...]:
        """The attributes of users that tell the segments of sources, each once."""
        return tuple(dict.fromkeys(attribute for _, attribute in self.segments))

    @property
    def markets(self) -> tuple[tuple[int, MarketColumns], ...]:
        """Of ``distributions`` by market, the place and the columns that tell the market."""
        of = enumerate(self.distributions)
        return tuple((place, e.columns) for place, e in of if isinstance(e, MarketEntry))

    @property
    def market_columns(self) -> tuple[MarketColumns, ...]:
        """What tells the markets of sources, each once."""
        return tuple(dict.fromkeys(columns for _, columns in self.markets))

    @property
    def request_columns(self) -> tuple[str, ...]:
        """The carried columns of impressions that tell the market of a request, each once."""
        return tuple(dict.fromkeys(columns.of_request for columns in self.market_columns))

    @property
    def told_by_positives(self) -> tuple[tuple[int, str], ...]:
        """Of ``distributions`` whose group a column of the positive tells: place and column."""
        return (*self.segments, *((place, columns.of_request) for place, columns in self.markets))
