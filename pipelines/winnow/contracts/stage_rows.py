"""Which of a ranking log's rows have a score and which a rank: counted by stage, with all else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.repeated_keys import KEPT_CLASSES

_SCORED, _FROM_ZERO, _RANKED, _KINDS = 3, 1, 2, 6
FIRST_NOTE = 32
"""The first class in a census of rows that have a note; those before it are of other oddities."""

MOST_NOTED = (KEPT_CLASSES - FIRST_NOTE) // _KINDS
"""So many stages are counted in the pass that finds repeated keys; more need one of their own."""


@dataclass(frozen=True)
class StageRows:
    """The valid rows of one stage on the date, duplicates included.

    Attributes:
        rows: All of them.
        scored: Those with a score.
        ranked: Those with a rank.
        from_zero: Those whose rank is 0.
        unordered: Those with neither score nor rank.
    """

    rows: int = 0
    scored: int = 0
    ranked: int = 0
    from_zero: int = 0
    unordered: int = 0


def stages_of(log: str, config: Config) -> tuple[str, ...]:
    """Return the names of the stages that a log has: the ladder's for the ranking log."""
    return tuple(stage.name for stage in config.ladder) if log == "ranking_log" else ()


def stage_note(stages: Sequence[str]) -> Column:
    """Return a number that tells a valid row's stage, and whether it has a score and a rank."""
    rank = F.when(F.col("rank") == 0, _FROM_ZERO).otherwise(_RANKED)
    note = F.when(F.col("rank").isNull(), 0).otherwise(rank)
    note += F.when(F.col("score").isNull(), 0).otherwise(_SCORED)
    for index, stage in enumerate(stages[1:], start=1):
        note += F.when(F.col("stage") == stage, _KINDS * index).otherwise(0)
    return note


def rows_of_stages(notes: Mapping[int, int], stages: Sequence[str]) -> dict[str, StageRows]:
    """Return the rows of each stage from how many have which ``stage_note``."""
    found = {}
    for index, stage in enumerate(stages):
        of_stage = {note % _KINDS: n for note, n in notes.items() if note // _KINDS == index}
        ranks = {
            kind: sum(of_stage.get(kind + s, 0) for s in (0, _SCORED)) for kind in range(_SCORED)
        }
        found[stage] = StageRows(
            rows=sum(of_stage.values()),
            scored=sum(n for kind, n in of_stage.items() if kind >= _SCORED),
            ranked=ranks[_FROM_ZERO] + ranks[_RANKED],
            from_zero=ranks[_FROM_ZERO],
            unordered=of_stage.get(0, 0),
        )
    return found


def count_notes(rows: DataFrame, stages: Sequence[str]) -> dict[int, int]:
    """Count rows by their ``stage_note`` in a pass of its own."""
    counted = rows.groupBy(stage_note(stages).alias("note")).agg(F.count(F.lit(1)).alias("n"))
    return {row["note"]: row["n"] for row in counted.collect()}
