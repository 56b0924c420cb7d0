"""What is written of a negative: the codes and names of its source, and of the stage it is from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.arrays.text_codes import named
from winnow.tables.group_lists import GroupLists

if TYPE_CHECKING:
    from winnow.config.tree import Config

SOURCE_EASY, SOURCE_FILL, SOURCE_CUT, SOURCE_LOW = 0, 1, 2, 3
"""The codes of neg_source in training_samples."""

SOURCE_NAMES = ("popularity", "easy_fill", "cut", "low")
"""The same as names, by code, for the tables with one row per negative."""


@dataclass(frozen=True)
class StageSources:
    """What is written of a stage's negatives, by the stage's level in the ladder, from 0.

    Attributes:
        names: The stages' names.
        sources: The codes of the sources; None where nothing is taken from the stage.
        hardness: The rank among the stages that give negatives, from 1; None likewise.
    """

    names: tuple[str, ...]
    sources: tuple[int | None, ...]
    hardness: tuple[int | None, ...]

    @classmethod
    def of(cls, config: "Config") -> Self:
        """Take from the config what the ladder of stages is."""
        codes = {"cut": SOURCE_CUT, "low": SOURCE_LOW}
        sources = tuple(codes.get(stage.take) for stage in config.ladder)
        giving = [level for level, source in enumerate(sources) if source is not None]
        return cls(
            names=tuple(stage.name for stage in config.ladder),
            sources=sources,
            hardness=tuple(
                giving.index(level) + 1 if level in giving else None
                for level in range(len(sources))
            ),
        )

    def source_of(self, stage: pa.Array) -> pa.Array:
        """Return the sources of negatives by the levels of their stages, int8."""
        return pa.array(self.sources, pa.int8()).take(stage)

    def hardness_of(self, stage: pa.Array) -> pa.Array:
        """Return the hardness of negatives by the levels of their stages, int8."""
        return pa.array(self.hardness, pa.int8()).take(stage)

    def name_of(self, stage: pa.Array) -> pa.Array:
        """Return the names of the stages of negatives by their levels, string by dictionary."""
        return named(stage, self.names)


def fills(easy: GroupLists) -> NDArray[np.bool_]:
    """Return of each draw whether it stands in for a hard negative: these lie behind the others."""
    stands_in: NDArray[np.bool_] = easy.position >= easy.of_group("n_easy")
    return stands_in


def sources_of_draws(easy: GroupLists) -> pa.Array:
    """Return the source of each draw from the catalogue, int8."""
    return pa.array(np.where(fills(easy), SOURCE_FILL, SOURCE_EASY).astype(np.int8))


def named_sources(codes: pa.Array) -> pa.Array:
    """Return the names of sources by their codes, string by dictionary."""
    return named(codes, SOURCE_NAMES)
