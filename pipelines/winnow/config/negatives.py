"""How many negatives a positive gets, and of which sources."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from winnow.config.asked_negatives import AskedFeedback, AskedOthers, Drawn, Pool
from winnow.config.chosen_entries import (
    CutEntry,
    FeedbackEntry,
    HardEntry,
    LowEntry,
    OtherRequestsEntry,
    StageEntry,
)
from winnow.config.drawn_sources import drawn_sources
from winnow.config.entries import EasyEntry, PopularityEntry, UniformEntry
from winnow.config.event_distributions import EventDistributions
from winnow.config.model import Frozen, Identifier, fault, nearest, refuse
from winnow.config.quotas import Numbers, numbers_of
from winnow.config.sources import MOST_OF_ONE


class Fill(Frozen):
    """Draws of this source stand in for what the others could not give, flagged easy_fill."""

    fill: Identifier


class Negatives(Frozen):
    """How many negatives a positive gets, of which sources, and what stands in for missing ones.

    Hard sources without a number share candidates: each is as likely as any other.
    """

    per_positive: int = Field(default=20, ge=1, le=10_000)
    easy: tuple[EasyEntry, ...] = Field(
        default=(PopularityEntry(source="popularity"),), max_length=20
    )
    hard: tuple[HardEntry, ...] = Field(
        default=(CutEntry(source="cut", stage="coarse"), LowEntry(source="low", stage="fine")),
        max_length=60,
    )
    on_shortfall: Literal["leave"] | Fill = Fill(fill="popularity")
    max_rejections: int = Field(default=16, ge=0, le=1000)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        found = self.numbers.total
        if found != self.per_positive:
            what = "the sources do not add up to the negatives of a positive"
            fix = "Leave the number out of one of them: it gets what the others leave."
            expected = f"{self.per_positive}, as per_positive says"
            refuse([fault((), what, str(found), expected, fix)])
        return self

    @model_validator(mode="after")
    def _few_of_one(self) -> Self:
        names = [entry.source for entry in self.easy]
        refuse(
            fault(("easy", i), f"{name} is named more than {MOST_OF_ONE} times")
            for i, name in enumerate(names)
            if names[: i + 1].count(name) == MOST_OF_ONE + 1
        )
        return self

    @model_validator(mode="after")
    def _can_fill(self) -> Self:
        if isinstance(self.on_shortfall, Fill):
            name, known = self.on_shortfall.fill, {*_WHOLE, *(e.source for e in self.easy)}
            if name not in known:
                what, expected = "no such source", f"one of {', '.join(sorted(known))}"
                key = ("on_shortfall", "fill")
                refuse([fault(key, what, name, expected, nearest(name, known))])
        return self

    @model_validator(mode="after")
    def _pool_is_chosen_alike(self) -> Self:
        ways = {entry.selection for entry in self.of_stages.values() if entry.quota.open}
        if len(ways) > 1:
            what = (
                "hard sources without a number share their candidates, and their selections differ"
            )
            fix = "Give each a share or a count, or all the same selection."
            refuse([fault(("hard",), what, ", ".join(sorted(ways)), next_step=fix)])
        by = {(e.stage, e.temperature) for e in self.of_stages.values() if e.quota.open}
        if ways == {"score"} and len(by) > 1:
            what = (
                "hard sources without a number share their candidates, and scores of stages do "
                "not compare"
            )
            found = ", ".join(sorted({stage for stage, _ in by}))
            fix = "Give each a share or a count; those of one stage the same temperature."
            refuse([fault(("hard",), what, found, next_step=fix)])
        return self

    @model_validator(mode="after")
    def _of_users_are_asked_once(self) -> Self:
        fixes = {
            "negative_feedback": "Give one of them a larger count, and all the types.",
            "other_requests": "Give one of them a larger count.",
        }
        names = [entry.source for entry in self.hard]
        refuse(
            fault(("hard", i), f"{name} is named more than once", next_step=fixes[name])
            for i, name in enumerate(names)
            if name in fixes and name in names[:i]
        )
        return self

    @model_validator(mode="after")
    def _other_requests_have_rules(self) -> Self:
        if self.other_requests is not None and self.n_of_stages == 0:
            what = "it takes what cut and low take, of other requests, and hard asks for neither"
            fix = "Add cut or low sources, with a number or what others leave."
            refuse([fault(("hard", self.other_requests.place), what, next_step=fix)])
        return self

    @property
    def of_stages(self) -> Mapping[int, StageEntry]:
        """The hard sources that take from the lists of stages, by their places in ``hard``."""
        named = enumerate(self.hard)
        return {i: entry for i, entry in named if isinstance(entry, CutEntry | LowEntry)}

    @property
    def n_of_stages(self) -> int:
        """Hard negatives of a positive that come from the lists of stages."""
        return sum(pool.asked for pool in self.pools)

    @property
    def feedback(self) -> AskedFeedback | None:
        """What is asked for of items that the user rejected; None where nothing is."""
        for i, (entry, count) in enumerate(zip(self.hard, self.numbers.hard, strict=True)):
            if isinstance(entry, FeedbackEntry) and count > 0:
                return AskedFeedback(count, i, entry)
        return None

    @property
    def other_requests(self) -> AskedOthers | None:
        """What is asked for of the lists of the user's other requests; None where nothing is."""
        for i, (entry, count) in enumerate(zip(self.hard, self.numbers.hard, strict=True)):
            if isinstance(entry, OtherRequestsEntry) and count > 0:
                return AskedOthers(count, i, entry)
        return None

    @property
    def numbers(self) -> Numbers:
        """How many negatives each source is asked for."""
        easy, hard = ([entry.quota for entry in entries] for entries in (self.easy, self.hard))
        return numbers_of(self.per_positive, easy, hard)

    @property
    def n_easy(self) -> int:
        """Easy negatives of a positive, fills not counted."""
        return sum(self.numbers.easy)

    @property
    def n_hard(self) -> int:
        """Hard negatives of a positive."""
        return sum(self.numbers.hard) + self.numbers.pool

    @property
    def fills(self) -> bool:
        """Whether draws stand in for negatives that are missing."""
        return isinstance(self.on_shortfall, Fill)

    @property
    def main(self) -> EasyEntry:
        """The source whose weights stand in item_stats, and whose q in ``pos_log_q``.

        The first that draws from the whole catalogue, so that every item has a weight.
        """
        whole = [entry for entry in self.easy if entry.source in _WHOLE]
        return whole[0] if whole else _WHOLE["popularity"]

    @property
    def alpha(self) -> float:
        """The exponent of the main source's weights; 0 where all are equal."""
        return self.main.alpha if isinstance(self.main, PopularityEntry) else 0.0

    @property
    def of_fills(self) -> EasyEntry | None:
        """What fills draw as: the first easy entry of the name; None where nothing fills."""
        if not isinstance(self.on_shortfall, Fill):
            return None
        name = self.on_shortfall.fill
        return next((entry for entry in self.easy if entry.source == name), _WHOLE.get(name))

    @property
    def distributions(self) -> tuple[EasyEntry, ...]:
        """The different distributions that draws come from, the main one first."""
        fills = [self.of_fills] if self.of_fills else []
        found = {entry.distribution: entry for entry in (self.main, *self.easy, *fills)}
        return tuple(found.values())

    @property
    def of_events(self) -> EventDistributions:
        """Those of them that events of the logs make."""
        return EventDistributions(self.distributions)

    @property
    def fills_from_everything(self) -> bool:
        """Whether the source of fills draws from the whole catalogue."""
        return self.of_fills is not None and self.of_fills.source in _WHOLE

    @property
    def mixture(self) -> tuple[str, ...]:
        """The columns that hold how likely a draw is of all sources together: of several, one.

        Draws without repetition are not alike, so there is no such chance of one of them.
        """
        return ("mixture",) if self.chances > 1 and not self.distinct else ()

    @property
    def chances(self) -> int:
        """How many different distributions there are, given what each forbids."""
        drawn = {(source.distribution, source.not_recalled) for source in self.drawn}
        places = {place for place, _ in drawn}
        return len(drawn) + len(self.distributions) - len(places)

    @property
    def not_recalled(self) -> bool:
        """Whether the ranking log forbids a source of draws what it has of a request."""
        return any(source.not_recalled for source in self.drawn)

    @property
    def distinct(self) -> bool:
        """Whether a source of draws gives no item of a positive twice."""
        return any(source.distinct for source in self.drawn)

    @property
    def reads_ranking(self) -> bool:
        """Whether rows of the ranking log decide which negatives a positive gets."""
        return self.n_of_stages > 0 or self.not_recalled

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """The sources of draws in their order; the last one is that of fills, if there is one."""
        keys = [entry.distribution for entry in self.distributions]
        return drawn_sources(self.easy, self.numbers.easy, self.of_fills, keys)

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Which hard negatives of stages are chosen together, in the order of first sources."""
        open_ones = tuple(i for i, entry in self.of_stages.items() if entry.quota.open)
        found = []
        for i, entry in self.of_stages.items():
            count = self.numbers.hard[i]
            if i in open_ones[:1]:
                found.append(Pool(self.numbers.pool, entry.selection, open_ones))
            elif i not in open_ones:
                found.append(Pool(count, entry.selection, (i,)))
        return tuple(found)


_WHOLE: dict[str, EasyEntry] = {
    "popularity": PopularityEntry(source="popularity"),
    "uniform": UniformEntry(source="uniform"),
}
"""Sources that fill though no easy entry names them: they draw from the whole catalogue."""
