"""What may stand in the lists of easy and hard negatives: one class per source."""

import math
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from winnow.config.entry import Entry
from winnow.config.model import Fault, Identifier, fault, nearest, refuse
from winnow.config.pool_entries import ExposedEntry, SegmentEntry
from winnow.config.sources import BUILT_IN, EASY_FILL, own_source

Selection = Literal["random", "top", "tail"]
Pair = tuple[float, float]


_ALL = (0.0, 1.0)
_ENDS: dict[str, tuple[float, float, str]] = {
    "band": (0.0, 1.0, "two ratios in [0, 1], the lower first"),
    "ranks": (1, 2**31 - 1, "two ranks from 1 for the best, the lower first"),
    "scores": (-math.inf, math.inf, "two scores, the lower first"),
}


class PopularityEntry(Entry):
    """Drawn from the whole catalogue, by (clicks + smoothing)^alpha."""

    source: Literal["popularity"]
    alpha: float = Field(default=0.75, ge=0.0, le=4.0)


class UniformEntry(Entry):
    """Drawn from the whole catalogue, every item as likely as every other."""

    source: Literal["uniform"]


class HotEntry(Entry):
    """Drawn from the most clicked items alone, by (clicks + smoothing)^alpha.

    ``top`` is a share of the clicked items of the catalogue; at least one item is among them.
    """

    source: Literal["hot"]
    top: float = Field(default=0.01, gt=0.0, le=1.0)
    alpha: float = Field(default=0.75, ge=0.0, le=4.0)


class ColdEntry(Entry):
    """Drawn evenly from the items with few clicks, and those that have become valid lately.

    An item is one of them with at most ``most_clicks``, or where its period begins on one of the
    last ``new_days`` dates, the build's among them; 0 takes none for being new.
    """

    source: Literal["cold"]
    most_clicks: int = Field(default=0, ge=0)
    new_days: int = Field(default=0, ge=0, le=365)


class AttributeEntry(Entry):
    """Drawn from the items that share the positive's value of attributes, by popularity^alpha.

    ``attributes`` are carried columns of the items log (``logs.items.carry``); an item shares all
    of them. ``prefix`` takes that many leading elements of attributes that are lists, such as the
    levels of a semantic id.
    """

    source: Literal["same_attribute"]
    attributes: tuple[Identifier, ...] = Field(min_length=1, max_length=8)
    prefix: int | None = Field(default=None, ge=1, le=64)
    alpha: float = Field(default=0.75, ge=0.0, le=4.0)


class OwnEntry(Entry):
    """Drawn by a source of the user's own (entry point ``winnow.sources``), by its settings."""

    source: Identifier
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_registered(self) -> Self:
        own = own_source(self.source)
        if own is None:
            known = sorted(name for name, of in BUILT_IN.items() if of.drawn and name != EASY_FILL)
            what, expected = "the source is not known", f"one of {', '.join(known)}"
            refuse([fault(("source",), what, self.source, expected, nearest(self.source, known))])
        else:
            try:
                own.parsed(self.settings)
            except ValidationError as error:
                refuse(_below_settings(error))
        return self


class _OfStage(Entry):
    """Items of a stage's list, by how good they are: by one of three bands, or all of them.

    ``band``: rank percentiles, 0 for the best item of the list, 1 for the worst. ``ranks``: ranks
    from 1, the best. ``scores``: scores. Both ends belong to a band.
    """

    usual_band: ClassVar[Pair] = _ALL
    stage: Identifier
    band: Pair | None = None
    ranks: tuple[int, int] | None = None
    scores: Pair | None = None
    selection: Selection = "random"

    @model_validator(mode="after")
    def _one_band(self) -> Self:
        given = [n for n in ("band", "ranks", "scores") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are different bands: leave one in")
        for name in given:
            low, high = getattr(self, name)
            least, most, expected = _ENDS[name]
            if not least <= low <= high <= most:
                what = "the value does not fit"
                refuse([fault((name,), what, str([low, high]), expected)])
        return self

    @property
    def needs_order(self) -> bool:
        """Whether the position of an item in the stage's list decides if it is taken."""
        return self.ranks is not None or (self.percentiles != (0.0, 1.0) and self.scores is None)

    @property
    def takes_all(self) -> bool:
        """Whether every item of the stage that may be a negative lies in its band."""
        return self.percentiles == _ALL and self.ranks is None and self.scores is None

    @property
    def percentiles(self) -> Pair:
        """The band of rank percentiles; all of them where another band is given."""
        if self.ranks is not None or self.scores is not None:
            return _ALL
        return self.usual_band if self.band is None else self.band


class CutEntry(_OfStage):
    """Items of the same request that a stage dropped."""

    source: Literal["cut"]


class LowEntry(_OfStage):
    """Items of the same request that lie low in a stage's list: in its lower half, if not said."""

    usual_band: ClassVar[Pair] = (0.5, 1.0)
    source: Literal["low"]


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
}
_HARD: dict[str, type[Entry]] = {"cut": CutEntry, "low": LowEntry}


def _easy_class(value: Any) -> str:
    """Return the class that is meant, so that a wrong entry is explained by this one alone."""
    if isinstance(value, Entry):
        return type(value).__name__
    name = value.get("source") if isinstance(value, dict) else None
    return _EASY.get(name if isinstance(name, str) else "", OwnEntry).__name__


def _hard_class(value: Any) -> str:
    if isinstance(value, Entry):
        return type(value).__name__
    name = value.get("source") if isinstance(value, dict) else None
    return _HARD.get(name if isinstance(name, str) else "", CutEntry).__name__


EasyEntry = Annotated[
    Annotated[PopularityEntry, Tag("PopularityEntry")]
    | Annotated[UniformEntry, Tag("UniformEntry")]
    | Annotated[HotEntry, Tag("HotEntry")]
    | Annotated[ColdEntry, Tag("ColdEntry")]
    | Annotated[AttributeEntry, Tag("AttributeEntry")]
    | Annotated[ExposedEntry, Tag("ExposedEntry")]
    | Annotated[SegmentEntry, Tag("SegmentEntry")]
    | Annotated[OwnEntry, Tag("OwnEntry")],
    Discriminator(_easy_class),
]
"""One source of easy negatives."""

HardEntry = Annotated[
    Annotated[CutEntry, Tag("CutEntry")] | Annotated[LowEntry, Tag("LowEntry")],
    Discriminator(_hard_class),
]
"""One source of hard negatives."""
