"""What orders a stage's list: the score or the logged rank, for all requests of a date alike."""

from collections.abc import Mapping
from typing import NamedTuple

from winnow.config.tree import Config
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.stage_rows import StageRows


class StageOrders(NamedTuple):
    """How the stages of the ladder are ordered, in its order.

    Attributes:
        by_score: Whether the score orders the stage's lists; else the logged rank does.
        first_rank: The logged rank of the best item: 1, or 0 where the log counts from 0.
    """

    by_score: tuple[bool, ...]
    first_rank: tuple[int, ...]


def stage_orders(
    logs: Mapping[str, Log], counts: Mapping[str, RowCounts], config: Config
) -> StageOrders:
    """Decide for each stage, by the log's columns and by how many of its rows have which.

    ``order_by`` decides where it is set. Else the score does where at least as many rows of the
    stage have one as have a rank. Where the log has only a part of a stage's list, of which a score
    tells no position, a rank goes before it.

    Args:
        logs: The conformed logs. counts: Where their rows went, with those of each stage; where
            they were not counted, the score is taken to be there.
        config: The ladder, and how a cut is known.
    """
    stages, log = config.ladder, logs.get("ranking_log")
    if log is None:
        return StageOrders((True,) * len(stages), (1,) * len(stages))
    counted = counts["ranking_log"].stages if "ranking_log" in counts else {}
    rows_of = [counted.get(stage.name, StageRows()) for stage in stages]
    settings = config.logs.ranking_log
    sampled = settings is not None and settings.in_part
    by_last_stage = config.funnel.cut_known_by == "last_stage"
    by_score = []
    for level, (stage, rows) in enumerate(zip(stages, rows_of, strict=True)):
        if stage.order_by is not None:
            by_score.append(stage.order_by == "score")
        elif not {"score", "rank"} <= log.mapped:
            by_score.append("rank" not in log.mapped)
        elif sampled or (by_last_stage and level < len(stages) - 1):
            by_score.append(rows.ranked == 0)
        else:
            by_score.append(rows.scored >= rows.ranked)
    # With last_stage the best of a stage have no row of it, but of another stage.
    anywhere = by_last_stage and any(rows.from_zero for rows in rows_of)
    first = (0 if anywhere or rows.from_zero else 1 for rows in rows_of)
    return StageOrders(tuple(by_score), tuple(first))
