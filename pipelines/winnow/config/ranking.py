"""Samples for the stages behind retrieval: what ranking_samples tells beyond its labels."""

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from winnow.config.model import (
    Fault,
    Frozen,
    Identifier,
    fault,
    named_twice,
    nearest,
    refuse,
)

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
        stage_scores: Stages of the ladder of which the item's score and rank become columns.
        negative_keep: The chance of a row without a click to be kept; None keeps all.
        examination: How likely each place is looked at; None adds no column.
    """

    stage_scores: tuple[Identifier, ...] = ()
    negative_keep: float | None = Field(default=None, gt=0.0, le=1.0)
    examination: Examination | None = None

    @field_validator("stage_scores")
    @classmethod
    def _columns_differ(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        refuse(named_twice([stage.lower() for stage in stages]))
        return stages

    @property
    def asked_for(self) -> dict[str, tuple[str, ...]]:
        """What columns of ranking_samples are there for, by the ``when`` of its contract."""
        asked = {"negative_keep": self.negative_keep, "examination": self.examination}
        there = {f"ranking.{name}": () for name, part in asked.items() if part is not None}
        scores = {"ranking.stage_scores": self.stage_scores} if self.stage_scores else {}
        return {**scores, **there}


class Cascade(Frozen):
    """What cascade_samples holds.

    Attributes:
        requests: Requests with a click in the attribution window, or all that showed something.
    """

    requests: Literal["clicked", "all"] = "clicked"


def ranking_faults(
    ranking: Ranking, stages: Sequence[str], carried: Collection[str], *, has_log: bool
) -> Iterator[Fault]:
    """Give what a config asks of ranking_samples and its other parts do not allow.

    Args:
        ranking: What is asked for.
        stages: The names of the ladder's stages.
        carried: The columns that are carried to tables.
        has_log: Whether there is a ranking log.
    """
    for index, stage in enumerate(ranking.stage_scores):
        key = ("ranking", "stage_scores", index)
        if not has_log:
            what = "scores of stages come from the ranking log, and logs has no ranking_log"
            yield fault(key, what, stage, next_step="Describe logs.ranking_log.")
        elif stage not in stages:
            known = f"one of {', '.join(stages)}" if stages else None
            what = "the ladder of stages has no such stage"
            yield fault(key, what, stage, known, nearest(stage, stages))
        for column in (f"score_{stage}", f"rank_{stage}"):
            if column.lower() in {name.lower() for name in carried}:
                fix = "Give the other column another name in its log's mapping."
                yield fault(key, f"{column} is a column of the same table already", next_step=fix)


def cascade_faults(
    tables: Sequence[str], stages: Sequence[str], *, has_log: bool
) -> Iterator[Fault]:
    """Give what keeps cascade_samples from being made, where it is asked for.

    Args:
        tables: The tables that are asked for.
        stages: The names of the ladder's stages.
        has_log: Whether there is a ranking log.
    """
    if "cascade_samples" not in tables:
        return
    key = ("tables", tables.index("cascade_samples"))
    if not has_log:
        what = "cascade_samples is made of the ranking log, and logs has no ranking_log"
        yield fault(key, what, next_step="Describe logs.ranking_log, or take the table out.")
    elif not stages:
        yield fault(key, "cascade_samples needs a ladder of stages, and it has none")
