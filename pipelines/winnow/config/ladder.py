"""The ladder: each stage of the funnel with what hard negatives take from it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from winnow.config.chosen_entries import StageEntry
from winnow.config.funnel import Funnel
from winnow.config.negatives import Negatives


class Rung(NamedTuple):
    """A stage and what is taken from it.

    Attributes:
        name: The stage's name, as in the ranking log.
        order_by: What orders its list; None where the log decides.
        take: ``cut`` what the stage dropped, ``low`` what it ranked low, ``none`` nothing.
        entries: The places in ``negatives.hard`` of what takes from it.
        hard: The same entries.
    """

    name: str
    order_by: Literal["score", "rank"] | None
    take: Literal["cut", "low", "none"]
    entries: tuple[int, ...]
    hard: tuple[StageEntry, ...]

    @property
    def needs_places(self) -> bool:
        """Whether the position of an item in the stage's list decides if it is taken."""
        return any(entry.needs_order for entry in self.hard)

    @property
    def selects(self) -> bool:
        """Whether the position decides which of the candidates are chosen."""
        return any(entry.selection in ("top", "tail") for entry in self.hard)


def ladder_of(funnel: Funnel, negatives: Negatives) -> tuple[Rung, ...]:
    """Return the stages of the funnel, in its order, with what is taken from each."""
    return tuple(
        _rung(stage.name, stage.order_by, list(_taking(stage.name, negatives)))
        for stage in funnel.stages
    )


def _taking(stage: str, negatives: Negatives) -> Iterable[tuple[int, StageEntry]]:
    return ((i, entry) for i, entry in negatives.of_stages.items() if entry.stage == stage)


def _rung(
    name: str, order_by: Literal["score", "rank"] | None, taking: list[tuple[int, StageEntry]]
) -> Rung:
    take = taking[0][1].source if taking else "none"
    return Rung(name, order_by, take, tuple(i for i, _ in taking), tuple(e for _, e in taking))
