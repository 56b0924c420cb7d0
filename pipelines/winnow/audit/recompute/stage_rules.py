"""What orders each stage's list: the documented rules, written down a second time."""

from collections.abc import Mapping

import numpy as np

from winnow.audit.recompute.kernels.ranking_lists import StageRules
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
    hard, settings = config.hard, config.logs.ranking_log
    sampled = settings is not None and settings.sampled
    everything = StageRows(rows=1, scored=1, ranked=1)
    rows = [
        everything if counted is None else counted.get(s.name, StageRows()) for s in hard.stages
    ]
    has_score, has_rank = "score" in log.mapped, "rank" in log.mapped
    last, stopped = len(hard.stages) - 1, hard.cut_known_by == "last_stage"
    by_score = []
    for place, (stage, own) in enumerate(zip(hard.stages, rows, strict=True)):
        in_part = sampled or (stopped and place != last)
        more = own.ranked == 0 if in_part else own.ranked <= own.scored
        by_default = (has_score and more) if has_rank else True
        by_score.append(by_default if stage.order_by is None else stage.order_by == "score")
    zero = [own.from_zero > 0 for own in rows]
    from_zero = [any(zero) if stopped else one for one in zero]
    by_absence = hard.cut_known_by == "membership"
    needs = [by_absence and stage.take == "cut" for stage in hard.stages]
    return StageRules(
        # After the last stage none can run; the config lets it take no cuts by absence.
        needs_next=np.array([*needs[:-1], False], np.bool_),
        by_score=np.array(by_score, np.bool_),
        first_rank=np.array([0 if one else 1 for one in from_zero], np.int64),
        low=np.array([stage.band[0] for stage in hard.stages]),
        high=np.array([stage.band[1] for stage in hard.stages]),
        compared=np.array([s.needs_places and s.order_by is None for s in hard.stages], np.bool_),
        higher=hard.higher_score_is_better,
        sampled=sampled,
        by_last_stage=stopped,
    )
