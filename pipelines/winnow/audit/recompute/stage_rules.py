"""What orders each stage's list: the documented rules, written down a second time."""

from collections.abc import Mapping

import numpy as np

from winnow.audit.recompute.kernels.ranking_lists import StageRules
from winnow.config.ladder import Rung
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.stage_rows import StageRows


def stage_rules(log: Log, config: Config, counted: Mapping[str, StageRows] | None) -> StageRules:
    """Return what holds for each stage.

    Args:
        log: The ranking log.
        config: The ladder.
        counted: The rows of each stage that have a score, and those that have a rank; None takes
            every row to have both.
    """
    ladder, settings = config.ladder, config.logs.ranking_log
    sampled = settings is not None and settings.in_part
    everything = StageRows(rows=1, scored=1, ranked=1)
    rows = [everything if counted is None else counted.get(s.name, StageRows()) for s in ladder]
    bands = [[entry.percentiles for entry in stage.hard] or [(0.0, 1.0)] for stage in ladder]
    has_score, has_rank = "score" in log.mapped, "rank" in log.mapped
    last, stopped = len(ladder) - 1, config.funnel.cut_known_by == "last_stage"
    by_score = []
    for place, (stage, own) in enumerate(zip(ladder, rows, strict=True)):
        in_part = sampled or (stopped and place != last)
        more = own.ranked == 0 if in_part else own.ranked <= own.scored
        by_default = (has_score and more) if has_rank else True
        by_score.append(by_default if stage.order_by is None else stage.order_by == "score")
    zero = [own.from_zero > 0 for own in rows]
    from_zero = [any(zero) if stopped else one for one in zero]
    by_absence = config.funnel.cut_known_by == "membership"
    needs = [by_absence and stage.take == "cut" for stage in ladder]
    return StageRules(
        # After the last stage none can run; the config lets it take no cuts by absence.
        needs_next=np.array([*needs[:-1], False], np.bool_),
        by_score=np.array(by_score, np.bool_),
        first_rank=np.array([0 if one else 1 for one in from_zero], np.int64),
        low=np.array([min(low for low, _ in of_stage) for of_stage in bands]),
        high=np.array([max(high for _, high in of_stage) for of_stage in bands]),
        compared=np.array([_compared(stage) for stage in ladder], np.bool_),
        higher=config.funnel.higher_score_is_better,
        sampled=sampled,
        by_last_stage=stopped,
    )


def _compared(stage: Rung) -> bool:
    """Return whether the band can be looked up by the other column, score or rank, as well."""
    by_rank = any(entry.ranks is not None for entry in stage.hard)
    return stage.needs_places and stage.order_by is None and not by_rank
