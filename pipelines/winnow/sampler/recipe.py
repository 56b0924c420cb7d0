"""What tasks need to know of the config to make negatives, small enough to travel with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from winnow.config.sources import source_named
from winnow.sampler.kernels.draw_sources import Sources
from winnow.sampler.kernels.feedback import CHOOSE_RANDOM, CHOOSE_RECENT, AskedFeedback
from winnow.sampler.kernels.groups import Recipe
from winnow.sampler.kernels.hashing import U
from winnow.sampler.kernels.other_requests import OTHERS_NEAREST, OTHERS_RANDOM, AskedOthers
from winnow.sampler.kernels.sampling_spec import SamplingSpec
from winnow.sampler.kernels.selection import (
    SELECT_RANDOM,
    SELECT_SCORE,
    SELECT_TAIL,
    SELECT_TOP,
)
from winnow.sampler.kernels.stages import (
    BY_PERCENTILE,
    BY_RANK,
    BY_SCORE,
    MARGIN_ABSOLUTE,
    MARGIN_NONE,
    MARGIN_RELATIVE,
    TAKE_CUT,
    TAKE_LOW,
    TAKE_NONE,
    Ladder,
    Pools,
)

if TYPE_CHECKING:
    from winnow.config.asked_negatives import Pool
    from winnow.config.chosen_entries import StageEntry
    from winnow.config.negatives import Negatives
    from winnow.config.tree import Config

_TAKES = {"none": TAKE_NONE, "cut": TAKE_CUT, "low": TAKE_LOW}
_SELECTIONS = {
    "random": SELECT_RANDOM,
    "top": SELECT_TOP,
    "tail": SELECT_TAIL,
    "score": SELECT_SCORE,
}
_STREAMS = 256
"""Between the hash streams of the pools of one source."""

_NO_FEEDBACK, _NO_OTHERS = AskedFeedback(), AskedOthers()
_HOUR_US = 3_600_000_000

Band = tuple[int, float, float, int, float, int, int]
"""What is taken from a stage: by what, its ends, the margin and its size, the pool, and the
source's code."""


class DrawnSettings(NamedTuple):
    """A source of draws as plain values.

    Attributes:
        asked, code, stream, not_recalled, distinct, behind: As in ``Sources``.
        distribution: The place of what it draws from among ``Negatives.distributions``.
    """

    asked: int
    code: int
    stream: int
    distribution: int = 0
    not_recalled: bool = False
    distinct: bool = False
    behind: int = -1


@dataclass(frozen=True)
class RecipeSettings:
    """The recipe as plain values.

    Attributes:
        drawn: The sources of draws.
        stages: Of each stage, what is taken, whether a score orders it, and the bands.
        pools: Of each pool, how many are asked for, how they are chosen, the hash stream, and the
            temperature of scores.
        spec: What holds for all negatives.
        feedback: What is asked for of what users rejected.
        others: What is asked for of users' other requests.
        told_by: Where a column of the positive, an attribute of its user or the market of its
            request, tells the group that is drawn from: the place of what is drawn from, and the
            column.
    """

    drawn: tuple[DrawnSettings, ...]
    stages: tuple[tuple[int, bool, tuple[Band, ...]], ...]
    pools: tuple[tuple[int, int, int, float], ...]
    spec: SamplingSpec
    feedback: AskedFeedback = _NO_FEEDBACK
    others: AskedOthers = _NO_OTHERS
    told_by: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, config: "Config", by_score: Sequence[bool]) -> Self:
        """Take from the config what decides negatives.

        Args:
            config: The recipe.
            by_score: Per stage whether a score orders its lists, or a rank.
        """
        negatives, funnel, log = config.negatives, config.funnel, config.logs.ranking_log
        pool_of = {i: j for j, pool in enumerate(negatives.pools) for i in pool.entries}
        return cls(
            drawn=tuple(
                DrawnSettings(**{n: getattr(s, n) for n in DrawnSettings._fields})
                for s in negatives.drawn
            ),
            stages=tuple(
                (
                    _TAKES[stage.take],
                    scored,
                    tuple(
                        _band(entry, pool_of[i])
                        for i, entry in zip(stage.entries, stage.hard, strict=True)
                    ),
                )
                for stage, scored in zip(config.ladder, by_score, strict=True)
            ),
            pools=tuple(_pool(pool, negatives.of_stages) for pool in negatives.pools),
            spec=SamplingSpec(
                fills=negatives.fills,
                mixture=len(negatives.mixture) > 0,
                max_rejections=negatives.max_rejections,
                higher_is_better=funnel.higher_score_is_better,
                cut_by_absence=funnel.cut_known_by == "membership",
                by_last_stage=funnel.cut_known_by == "last_stage",
                sampled=log is not None and log.in_part,
                logged_share=1.0 if log is None else log.kept_share,
            ),
            feedback=_feedback(negatives, len(config.ladder)),
            others=_others(negatives),
            told_by=negatives.of_events.told_by_positives,
        )

    def recipe(self) -> Recipe:
        """Return the recipe as the arrays of the kernels."""
        bands = [band for *_, of_stage in self.stages for band in of_stage]
        by, low, high, margin, margin_by, pool, source = _columns(bands, 7)
        counts, selection, streams, temperature = _columns(self.pools, 4)
        return Recipe(
            sources=Sources(
                _ints([one.asked for one in self.drawn]),
                np.array([one.code for one in self.drawn], np.int8),
                _streams([one.stream for one in self.drawn]),
                np.array([one.not_recalled for one in self.drawn], np.bool_),
                np.array([one.distinct for one in self.drawn], np.bool_),
                _ints([one.behind for one in self.drawn]),
            ),
            ladder=Ladder(
                take=np.array([take for take, *_ in self.stages], np.int8),
                by_score=np.array([scored for _, scored, _ in self.stages], np.bool_),
                begins=np.cumsum([0, *(len(of_stage) for *_, of_stage in self.stages)]),
                band=np.array(by, np.int8),
                low=np.array(low, np.float64),
                high=np.array(high, np.float64),
                margin=np.array(margin, np.int8),
                margin_by=np.array(margin_by, np.float64),
                pool=np.array(pool, np.int64),
                code=np.array(source, np.int8),
            ),
            pools=Pools(
                _ints(counts),
                np.array(selection, np.int8),
                _streams(streams),
                np.array(temperature, np.float64),
            ),
            spec=self.spec,
            feedback=self.feedback,
            others=self.others,
        )


def _feedback(negatives: "Negatives", n_stages: int) -> AskedFeedback:
    feedback = negatives.feedback
    if feedback is None:
        return AskedFeedback()
    source, recent = source_named(feedback.entry.source), feedback.entry.selection == "recent"
    selection = CHOOSE_RECENT if recent else CHOOSE_RANDOM
    return AskedFeedback(feedback.asked, source.code, n_stages, selection, source.stream)


def _others(negatives: "Negatives") -> AskedOthers:
    others = negatives.other_requests
    if others is None:
        return AskedOthers()
    source, entry = source_named(others.entry.source), others.entry
    selection = OTHERS_NEAREST if entry.selection == "nearest" else OTHERS_RANDOM
    before = entry.hours * _HOUR_US
    after = before if entry.side == "either" else -1
    return AskedOthers(others.asked, source.code, before, after, selection, source.stream)


def _band(entry: "StageEntry", pool: int) -> Band:
    code = source_named(entry.source).code
    by, (low, high) = BY_PERCENTILE, entry.percentiles
    if entry.ranks is not None:
        by, (low, high) = BY_RANK, entry.ranks
    elif entry.scores is not None:
        by, (low, high) = BY_SCORE, entry.scores
    return by, float(low), float(high), *_margin(entry), pool, code


def _margin(entry: "StageEntry") -> tuple[int, float]:
    if entry.absolute_margin is not None:
        return MARGIN_ABSOLUTE, entry.absolute_margin
    if entry.relative_margin is not None:
        return MARGIN_RELATIVE, 1.0 - entry.relative_margin
    return MARGIN_NONE, 0.0


def _pool(pool: "Pool", entries: Mapping[int, "StageEntry"]) -> tuple[int, int, int, float]:
    """Return what is asked of a pool; one with a number of its own has a stream of its own."""
    first = pool.entries[0]
    number = 0 if entries[first].quota.open else first + 1
    stream = source_named(entries[first].source).stream + _STREAMS * number
    return pool.asked, _SELECTIONS[pool.selection], stream, entries[first].temperature or 1.0


def _columns(rows: Sequence[tuple[float, ...]], width: int) -> list[tuple[float, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _ints(values: Sequence[float]) -> NDArray[np.int32]:
    return np.array(values, np.int32)


def _streams(values: Sequence[float]) -> NDArray[np.uint64]:
    return np.array([U(value) for value in values], np.uint64)
