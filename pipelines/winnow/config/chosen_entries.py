"""What may stand in the list of hard negatives: one class per source."""

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from winnow.config.entry import Entry, class_by_source
from winnow.config.model import Identifier, fault, refuse

Selection = Literal["random", "top", "tail", "score"]
Pair = tuple[float, float]

_ALL = (0.0, 1.0)
_ENDS: dict[str, tuple[float, float, str]] = {
    "band": (0.0, 1.0, "two ratios in [0, 1], the lower first"),
    "ranks": (1, 2**31 - 1, "two ranks from 1 for the best, the lower first"),
    "scores": (-math.inf, math.inf, "two scores, the lower first"),
}


class _OfStage(Entry):
    """Items of a stage's list, by how good they are: by one of three bands, or all of them.

    ``band``: rank percentiles, 0 for the best item of the list, 1 for the worst. ``ranks``: ranks
    from 1, the best. ``scores``: scores. Both ends belong to a band.

    A margin leaves out what scored nearly as well as the positive did at the same stage, or better:
    with ``absolute_margin`` it must be worse by so much, with ``relative_margin`` by that share of
    the positive's score. With ``selection: score`` an item is chosen with a weight of
    exp(score / ``temperature``), 1 where it is not said, without repetition.
    """

    usual_band: ClassVar[Pair] = _ALL
    stage: Identifier
    band: Pair | None = None
    ranks: tuple[int, int] | None = None
    scores: Pair | None = None
    absolute_margin: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    relative_margin: float | None = Field(default=None, ge=0.0, lt=1.0)
    selection: Selection = "random"
    temperature: float | None = Field(default=None, ge=1e-6, le=1e6)

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

    @model_validator(mode="after")
    def _one_margin(self) -> Self:
        if self.absolute_margin is not None and self.relative_margin is not None:
            raise ValueError("absolute_margin and relative_margin are two margins: leave one out")
        return self

    @model_validator(mode="after")
    def _temperature_of_scores(self) -> Self:
        if self.temperature is not None and self.selection != "score":
            what, fix = "only selection score has one", "Set selection: score, or leave it out."
            refuse([fault(("temperature",), what, f"{self.temperature:g}", next_step=fix)])
        return self

    @property
    def needs_scores(self) -> str | None:
        """The key for which the stage must have scores; None where it need not."""
        if self.selection == "score":
            return "selection"
        return self.margin_key if self.has_margin else None

    @property
    def margin_key(self) -> str:
        """The key of the margin that is set; that of the other one where none is."""
        return "absolute_margin" if self.relative_margin is None else "relative_margin"

    @property
    def has_margin(self) -> bool:
        """Whether an item must be worse than the positive by some margin."""
        return self.absolute_margin is not None or self.relative_margin is not None

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


class FeedbackEntry(Entry):
    """Items that the positive's user rejected, before the positive was shown.

    Rejections of the build's date and of so many ``days`` before it count; with ``types`` those of
    one of these alone. An item that the user clicked as well is none of them. ``recent`` chooses
    the latest first.
    """

    source: Literal["negative_feedback"]
    days: int = Field(default=30, ge=0, le=365)
    types: tuple[str, ...] | None = Field(default=None, min_length=1)
    selection: Literal["random", "recent"] = "random"

    @model_validator(mode="after")
    def _has_a_number(self) -> Self:
        if self.quota.open:
            what = "few users reject anything, so it cannot share what other sources leave"
            refuse([fault((), what, next_step="Say how many: count: 2, or a share.")])
        return self


class OtherRequestsEntry(Entry):
    """Items that another request of the user could give as negatives by ``cut`` and ``low``.

    Requests of the build's date count that were shown at most so many ``hours`` before the positive
    was, or on ``either`` side of it. ``nearest`` chooses from the request that was shown nearest in
    time first.
    """

    source: Literal["other_requests"]
    hours: int = Field(default=24, ge=1, le=24)
    side: Literal["before", "either"] = "before"
    selection: Literal["random", "nearest"] = "random"

    @model_validator(mode="after")
    def _has_a_number(self) -> Self:
        if self.quota.open:
            what = "many users have one request a date, so it cannot share what other sources leave"
            refuse([fault((), what, next_step="Say how many: count: 2, or a share.")])
        return self


_HARD: dict[str, type[Entry]] = {
    "cut": CutEntry,
    "low": LowEntry,
    "negative_feedback": FeedbackEntry,
    "other_requests": OtherRequestsEntry,
}

StageEntry = CutEntry | LowEntry
"""One source of hard negatives that takes items of the request from a stage's list."""

HardEntry = Annotated[
    Annotated[CutEntry, Tag("CutEntry")]
    | Annotated[LowEntry, Tag("LowEntry")]
    | Annotated[FeedbackEntry, Tag("FeedbackEntry")]
    | Annotated[OtherRequestsEntry, Tag("OtherRequestsEntry")],
    Discriminator(class_by_source(_HARD, CutEntry)),
]
"""One source of hard negatives."""
