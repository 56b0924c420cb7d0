"""Samples for the stages behind retrieval: what ranking_samples tells beyond its labels."""

from typing import Annotated, Literal

from pydantic import Field

from winnow.config.model import Frozen

Probability = Annotated[float, Field(gt=0.0, le=1.0)]


class Examination(Frozen):
    """How likely a place of the shown list is looked at: a table that is given, never estimated.

    Attributes:
        probabilities: Of the first place, of the next one, and so on.
        first_position: The ``position`` of the first place in the impression log.
    """

    probabilities: tuple[Probability, ...] = Field(min_length=1, max_length=200)
    first_position: Literal[0, 1] = 1


class Ranking(Frozen):
    """What ranking_samples holds beyond all impressions and their labels.

    Attributes:
        negative_keep: The chance of a row without a click to be kept; None keeps all.
        examination: How likely each place is looked at; None adds no column.
    """

    negative_keep: float | None = Field(default=None, gt=0.0, le=1.0)
    examination: Examination | None = None

    @property
    def asked_for(self) -> dict[str, tuple[str, ...]]:
        """What columns of ranking_samples are there for, by the ``when`` of its contract."""
        asked = {"negative_keep": self.negative_keep, "examination": self.examination}
        return {f"ranking.{name}": () for name, part in asked.items() if part is not None}
