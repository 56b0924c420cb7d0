"""What is written of a negative: the name of its source, and of the stage that it is from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.compute as pc

from winnow.arrays.text_codes import named
from winnow.config.sources import EASY_FILL, all_sources, name_of_code, source_named

if TYPE_CHECKING:
    from winnow.config.tree import Config

SOURCE_FILL = source_named(EASY_FILL).code
"""The code of draws that stand in for negatives that other sources could not give."""


def source_names(config: "Config") -> tuple[str, ...]:
    """Return the names of sources by their codes, of all that the config may ask for."""
    codes = {source.code for source in all_sources()}
    codes |= {source.code for source in config.negatives.drawn}
    return tuple(name_of_code(code) for code in range(max(codes) + 1))


def is_one_of(source: pa.Array, codes: tuple[int, ...]) -> pa.Array:
    """Return whether codes of sources are among some, bool."""
    return pc.is_in(source, pa.array(codes, source.type))


@dataclass(frozen=True)
class StageSources:
    """What is written of a stage's negatives, by the stage's level in the ladder, from 0.

    Attributes:
        names: The stages' names; behind them None, for what the user rejected.
        hardness: The rank among the stages that give negatives, from 1; None where nothing is
            taken from the stage. Of what the user rejected one more than of the last stage.
    """

    names: tuple[str | None, ...]
    hardness: tuple[int | None, ...]

    @classmethod
    def of(cls, config: "Config") -> Self:
        """Take from the config what the ladder of stages is."""
        giving = [stage.name for stage in config.ladder if stage.take != "none"]
        names = tuple(stage.name for stage in config.ladder)
        hardness = tuple(giving.index(n) + 1 if n in giving else None for n in names)
        return cls((*names, None), (*hardness, len(giving) + 1))

    def hardness_of(self, stage: pa.Array) -> pa.Array:
        """Return the hardness of negatives by the levels of their stages, int8."""
        return pa.array(self.hardness, pa.int8()).take(stage)

    def name_of(self, stage: pa.Array) -> pa.Array:
        """Return the names of the stages of negatives by their levels, string by dictionary."""
        known = [name for name in self.names if name is not None]
        place = [known.index(name) if name is not None else None for name in self.names]
        return named(pa.array(place, pa.int8()).take(stage), known)
