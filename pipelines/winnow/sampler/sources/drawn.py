"""What a source of draws is: groups of the catalogue with weights, and which one a positive uses.

All sources are one kernel: a weighted draw with replacement from a group of the catalogue, given
the user's forbidden set. A source says, once a date, what its groups are; it never sees a draw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.config.model import Frozen
from winnow.config.pool_entries import MarketColumns
from winnow.config.sources import register_own
from winnow.dates import CalendarDay

NO_BEGIN = -(2**63)
"""When an item became valid of which nothing says it."""


@dataclass(frozen=True)
class Segments:
    """How popular items are within the segments of users that one attribute makes.

    Attributes:
        values: The attribute's values as text, ascending: a segment's number is its place.
        segment: int32, the segment of each count, ascending, shape (k,).
        item: int32 code of the item, shape (k,).
        popularity: f within the segment, shape (k,); of what is not here it is 0.
    """

    values: Sequence[str]
    segment: NDArray[np.int32]
    item: NDArray[np.int32]
    popularity: NDArray[Any]


@dataclass(frozen=True)
class Markets:
    """Which items are sold in which markets, and how popular they are there.

    Attributes:
        values: The markets with an item, as text, ascending: a market's number is its place.
        market: int32, the market of each item that is sold in it, ascending, shape (k,).
        item: int32 code of the item, ascending within a market, shape (k,).
        popularity: f within the market, shape (k,).
    """

    values: Sequence[str]
    market: NDArray[np.int32]
    item: NDArray[np.int32]
    popularity: NDArray[Any]


@dataclass(frozen=True)
class CatalogueItems:
    """The items of the catalogue of a date, as the logs have them; an item's place is its code.

    Attributes:
        ids: Item ids (int64 or string), ascending, shape (n,).
        clicks: int64, clicks in the popularity window, shape (n,).
        smoothing: What is added to the popularity of every item.
        since_us: int64, when the item's period of the date begins, in microseconds since
            1970-01-01 UTC; the least number where nothing says it, shape (n,).
        day: The date that samples are made of.
        attributes: By name: carried columns of the items log, shape (n,), NULL where not known.
        popular_by: What makes an item popular, whole or not, where that is not its clicks.
        impressions: By the ``days`` of each ``exposed`` source: int64, impressions of anybody on
            so many dates before the date, shape (n,).
        segments: By each attribute of users that a ``segment`` source names.
        markets: By the columns that tell the markets of a ``market`` source.
    """

    ids: pa.Array
    clicks: NDArray[np.int64]
    smoothing: float
    since_us: NDArray[np.int64]
    day: CalendarDay
    attributes: Mapping[str, pa.Array] = field(default_factory=dict)
    popular_by: NDArray[Any] | None = None
    impressions: Mapping[int | None, NDArray[np.int64]] = field(default_factory=dict)
    segments: Mapping[str, Segments] = field(default_factory=dict)
    markets: Mapping[MarketColumns, Markets] = field(default_factory=dict)

    @property
    def popularity(self) -> NDArray[Any]:
        """What makes each item popular, f, shape (n,)."""
        return self.clicks if self.popular_by is None else self.popular_by

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.ids)


@dataclass(frozen=True)
class Group:
    """Items to draw from.

    Attributes:
        codes: int32, ascending; None is the whole catalogue.
        weights: int64, each at least 1; their sum below 2^52, and below 2^61 / number of items.
    """

    codes: NDArray[np.int32] | None
    weights: NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """The groups of a source.

    Attributes:
        groups: At least one item in each.
        of_item: int32, shape (n,): the group that a positive of each item draws from, -1 where
            none. None where every positive draws from the first group.
        of_user: Of each group, the text that a column of the positive has, an attribute of its user
            or the market of its request, to draw from it; None where no such column decides. A
            source has one of the two at most.
    """

    groups: Sequence[Group]
    of_item: NDArray[np.int32] | None = None
    of_user: Sequence[str] | None = None


class DrawnSource(Protocol):
    """A source of draws.

    Attributes:
        name: As in ``negatives.easy`` and in the column ``source``.
        code: As in ``neg_source``. Of a source of the user's own from 16 to 31. Both never change.
        Settings: The model of its settings.
    """

    name: ClassVar[str]
    code: ClassVar[int]
    Settings: ClassVar[type[Frozen]]

    @staticmethod
    def groups(settings: Any, items: CatalogueItems) -> Groups:
        """Return what is drawn from; called on the driver, once a date, and by the audit.

        Args:
            settings: What the config says, a ``Settings``.
            items: The catalogue.
        """


Source = TypeVar("Source", bound=type[Any])
"""A class that is a ``DrawnSource``."""


def register(source: Source) -> Source:
    """Add a source of one's own, so that a config can name it; to be used as a decorator.

    A source that an installed package brings is an entry point of ``winnow.sources`` instead.

    Raises:
        ValueError: Another source has its name or its code.
    """
    register_own(source.name, source.code, source.Settings, source)
    return source


GroupsOf = Callable[[Any, CatalogueItems], Groups]
"""What makes the groups of a built-in source out of its entry in the config."""
