"""The funnel: in which order ranking stages follow, and how it is known what one of them cut."""

from typing import Literal, Self

from pydantic import Field, model_validator

from winnow.config.model import Frozen, Identifier, named_twice, refuse


class Stage(Frozen):
    """One ranking stage.

    ``order_by`` says what orders the stage's list; where it is not set, the score does where at
    least as many of the stage's rows have one as have a rank.
    """

    name: Identifier
    order_by: Literal["score", "rank"] | None = None


class Funnel(Frozen):
    """The ranking stages in their order, and how a cut is known.

    ``passed``: a column says whether the item went on. ``membership``: an item that is absent from
    the next stage was cut. ``last_stage``: the row carries the last stage that the item reached.
    ``cut_reasons`` keeps only items that were cut for one of these reasons.
    """

    stages: tuple[Stage, ...] = Field(
        default=(Stage(name="coarse"), Stage(name="fine")), max_length=60
    )
    cut_known_by: Literal["passed", "membership", "last_stage"] = "membership"
    cut_reasons: tuple[str, ...] | None = None
    higher_score_is_better: bool = True

    @model_validator(mode="after")
    def _stages_differ(self) -> Self:
        refuse(named_twice([stage.name for stage in self.stages], ("stages",), ("name",)))
        return self

    def level_of(self, stage: str) -> int:
        """Return the place of a stage in the funnel, from 0.

        Raises:
            ValueError: There is no such stage.
        """
        return [one.name for one in self.stages].index(stage)
