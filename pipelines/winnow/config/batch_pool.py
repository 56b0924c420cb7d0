"""Pools of batches: draws from the catalogue that all rows of a batch share as negatives."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from winnow.config.asked_negatives import Drawn
from winnow.config.drawn_sources import drawn_sources
from winnow.config.entries import (
    ColdEntry,
    HotEntry,
    OwnEntry,
    PopularityEntry,
    UniformEntry,
    require_registered,
)
from winnow.config.entry import Entry, class_by_source
from winnow.config.model import Fault, Frozen, fault, refuse
from winnow.config.pool_entries import ExposedEntry
from winnow.config.sources import MOST_OF_ONE

_OF_ALL: dict[str, type[Entry]] = {
    "popularity": PopularityEntry,
    "uniform": UniformEntry,
    "hot": HotEntry,
    "cold": ColdEntry,
    "exposed": ExposedEntry,
}

_OF_POSITIVES = ("same_attribute", "segment", "market")
"""Sources of which the positive decides what is drawn from: a pool has none."""


class OwnPoolEntry(OwnEntry):
    """Drawn by a source of the user's own, of which the positive decides nothing."""

    @model_validator(mode="after")
    def _is_registered(self) -> Self:
        if self.source in _OF_POSITIVES:
            what = "what it draws from depends on the positive, and a pool is shared by many"
            refuse([fault(("source",), what, self.source, f"one of {', '.join(sorted(_OF_ALL))}")])
        require_registered(self, sorted(_OF_ALL))
        return self


PoolEntry = Annotated[
    Annotated[PopularityEntry, Tag("PopularityEntry")]
    | Annotated[UniformEntry, Tag("UniformEntry")]
    | Annotated[HotEntry, Tag("HotEntry")]
    | Annotated[ColdEntry, Tag("ColdEntry")]
    | Annotated[ExposedEntry, Tag("ExposedEntry")]
    | Annotated[OwnPoolEntry, Tag("OwnPoolEntry")],
    Discriminator(class_by_source(_OF_ALL, OwnPoolEntry)),
]
"""One source of the draws of a pool."""


class BatchPool(Frozen):
    """Draws that the rows of a batch share, so that items which no batch has are negatives too.

    Attributes:
        sources: What is drawn from, and how many draws of a pool each source gives.
        batches: So many neighbouring batches have one pool.
    """

    sources: tuple[PoolEntry, ...] = Field(max_length=20)
    batches: int = Field(default=1, ge=1, le=100_000)

    @model_validator(mode="after")
    def _says_how_many(self) -> Self:
        if not self.sources:
            refuse([fault(("sources",), "a pool is drawn from a source, and there is none")])
        refuse(one for place, entry in enumerate(self.sources) for one in _faults(place, entry))
        names = [entry.source for entry in self.sources]
        refuse(
            fault(("sources", place), f"{name} is named more than {MOST_OF_ONE} times")
            for place, name in enumerate(names)
            if names[: place + 1].count(name) == MOST_OF_ONE + 1
        )
        return self

    def drawn(self, distributions: Sequence[str]) -> tuple[Drawn, ...]:
        """Return the sources in their order, each with its draws of a pool.

        Args:
            distributions: What is drawn from, each once, see ``DrawnEntry.distribution``.
        """
        return drawn_sources(
            self.sources, [one.count or 0 for one in self.sources], None, distributions
        )


def _faults(place: int, entry: PoolEntry) -> list[Fault]:
    """Return what is wrong with an entry that a positive's own negatives might have."""
    found = []
    if entry.count is None:
        fix = "Give it a count."
        what = "a pool has so many draws of a source, and nothing to share in"
        found.append(fault(("sources", place), what, next_step=fix))
    for name in ("not_recalled", "distinct"):
        if getattr(entry, name):
            what = f"{name} is about one positive, and a pool is shared by many"
            found.append(fault(("sources", place, name), what, "true", "false"))
    return found
