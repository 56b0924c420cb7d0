"""What a task needs of the config."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from winnow.dates import CalendarDay
from winnow.sampler.kernels.hashing import U, seed_state
from winnow.sampler.kernels.positives import NO_OTHERS, Strengths
from winnow.sampler.positive_columns import PositiveColumns
from winnow.sampler.recipe import RecipeSettings

if TYPE_CHECKING:
    from winnow.config.tree import Config


@dataclass(frozen=True)
class SamplerSettings:
    """What a task needs of the config, small enough to travel with it.

    ``catalogue``, and where the config asks for them ``batches``, ``streaming`` and ``pools``, are
    names of shipped files.
    ``conflict_free`` says that each batch has an item once.
    ``excluded_at_most`` is the longest list of forbidden items, None where none is asked for.
    """

    seed: int
    epoch: int
    start_us: int
    end_us: int
    negatives: RecipeSettings
    catalogue: str
    pair_files: str
    of_positives: PositiveColumns
    weak_share: float = 1.0
    thinned: Strengths = NO_OTHERS
    batches: str | None = None
    conflict_free: bool = False
    streaming: str | None = None
    pools: str | None = None
    excluded_at_most: int | None = None

    @classmethod
    def of(
        cls,
        config: "Config",
        day: CalendarDay,
        catalogue: str,
        pair_files: str,
        *,
        by_score: Sequence[bool],
    ) -> Self:
        """Take from the config what decides samples.

        Args:
            config, day: What to sample.
            catalogue: The name of the shipped file. pair_files: The folder of the ``PairFiles``.
            by_score: Per stage whether a score orders its lists, or a rank.
        """
        return cls(
            seed=config.seed,
            epoch=config.epoch,
            # Before that, a positive's own click could have made its item popular.
            start_us=day.hour_us(config.popularity.until_hour),
            end_us=day.end_us,
            negatives=RecipeSettings.of(config, by_score),
            catalogue=catalogue,
            pair_files=pair_files,
            of_positives=PositiveColumns.of(config),
            weak_share=1.0 if config.positives.weak is None else config.positives.weak.share,
            thinned=Strengths(
                "weak" in config.positives.thinned, "organic" in config.positives.thinned
            ),
            conflict_free=config.in_batch is not None and config.in_batch.conflict_free,
            excluded_at_most=(
                None if config.exclude_item_ids is None else config.exclude_item_ids.at_most
            ),
        )

    @property
    def positive_seed(self) -> np.uint64:
        """What the hashes of positives start from: every epoch has the same positives."""
        # Compiled functions return Python integers, which would be typed by their size.
        return U(seed_state(U(self.seed), U(0)))

    @property
    def draw_seed(self) -> np.uint64:
        """What the hashes for negatives start from."""
        return U(seed_state(U(self.seed), U(self.epoch)))
