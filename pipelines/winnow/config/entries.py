"""What may stand in the list of easy negatives: one class per source."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from winnow.config.entry import DrawnEntry, Entry, class_by_source
from winnow.config.model import Fault, Identifier, fault, nearest, refuse
from winnow.config.pool_entries import ExposedEntry, MarketEntry, SegmentEntry
from winnow.config.sources import BUILT_IN, EASY_FILL, own_source


class PopularityEntry(DrawnEntry):
    """Drawn from the whole catalogue, by (clicks + smoothing)^alpha."""

    source: Literal["popularity"]
    alpha: float = Field(default=0.75, ge=0.0, le=4.0)


class UniformEntry(DrawnEntry):
    """Drawn from the whole catalogue, every item as likely as every other."""

    source: Literal["uniform"]


class HotEntry(DrawnEntry):
    """Drawn from the most clicked items alone, by (clicks + smoothing)^alpha.

    ``top`` is a share of the clicked items of the catalogue; at least one item is among them.
    """

    source: Literal["hot"]
    top: float = Field(default=0.01, gt=0.0, le=1.0)
    alpha: float = Field(default=0.75, ge=0.0, le=4.0)


class ColdEntry(DrawnEntry):
    """Drawn evenly from the items with few clicks, and those that have become valid lately.

    An item is one of them with at most ``most_clicks``, or where its period begins on one of the
    last ``new_days`` dates, the build's among them; 0 takes none for being new.
    """

    source: Literal["cold"]
    most_clicks: int = Field(default=0, ge=0)
    new_days: int = Field(default=0, ge=0, le=365)


class AttributeEntry(DrawnEntry):
    """Drawn from the items that share the positive's value of attributes, by popularity^alpha.

    ``attributes`` are carried columns of the items log (``logs.items.carry``); an item shares all
    of them. ``prefix`` takes that many leading elements of attributes that are lists, such as the
    levels of a semantic id.
    """

    source: Literal["same_attribute"]
    attributes: tuple[Identifier, ...] = Field(min_length=1, max_length=8)
    prefix: int | None = Field(default=None, ge=1, le=64)
    alpha: float = Field(default=0.75, ge=0.0, le=4.0)


class OwnEntry(DrawnEntry):
    """Drawn by a source of the user's own (entry point ``winnow.sources``), by its settings."""

    source: Identifier
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_registered(self) -> Self:
        known = (name for name, of in BUILT_IN.items() if of.drawn and name != EASY_FILL)
        require_registered(self, sorted(known))
        return self


def require_registered(entry: OwnEntry, known: Sequence[str]) -> None:
    """Refuse an entry whose source is not registered, or whose settings are none of it.

    Args:
        entry: The entry. known: The sources that come with Winnow and may stand in its place.
    """
    own = own_source(entry.source)
    if own is None:
        what, expected = "the source is not known", f"one of {', '.join(known)}"
        refuse([fault(("source",), what, entry.source, expected, nearest(entry.source, known))])
    else:
        try:
            own.parsed(entry.settings)
        except ValidationError as error:
            refuse(_below_settings(error))


def _below_settings(error: ValidationError) -> list[Fault]:
    return [
        fault(("settings", *found["loc"]), found["msg"].lower(), str(found["input"]))
        for found in error.errors(include_url=False)
    ]


_EASY: dict[str, type[Entry]] = {
    "popularity": PopularityEntry,
    "uniform": UniformEntry,
    "hot": HotEntry,
    "cold": ColdEntry,
    "same_attribute": AttributeEntry,
    "exposed": ExposedEntry,
    "segment": SegmentEntry,
    "market": MarketEntry,
}


EasyEntry = Annotated[
    Annotated[PopularityEntry, Tag("PopularityEntry")]
    | Annotated[UniformEntry, Tag("UniformEntry")]
    | Annotated[HotEntry, Tag("HotEntry")]
    | Annotated[ColdEntry, Tag("ColdEntry")]
    | Annotated[AttributeEntry, Tag("AttributeEntry")]
    | Annotated[ExposedEntry, Tag("ExposedEntry")]
    | Annotated[SegmentEntry, Tag("SegmentEntry")]
    | Annotated[MarketEntry, Tag("MarketEntry")]
    | Annotated[OwnEntry, Tag("OwnEntry")],
    Discriminator(class_by_source(_EASY, OwnEntry)),
]
"""One source of easy negatives."""
