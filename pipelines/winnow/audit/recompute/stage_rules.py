"""What orders each stage's list: the documented rules, written down a second time."""

from collections.abc import Mapping

import numpy as np
from pyspark.sql import functions as F

from winnow.audit.figure import Figure
from winnow.audit.recompute.kernels.ranking_lists import StageRules
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date
from winnow.contracts.stage_rows import StageRows
from winnow.dates import CalendarDay


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


def unordered_rows(
    ranking_log: Log, config: Config, counted: Mapping[str, StageRows], day: CalendarDay
) -> list[Figure]:
    """Measure how many rows have no value in the column that orders their stage.

    Only for the stages of which the place of an item decides whether it is taken.

    Args:
        ranking_log: The log, of which examples are shown.
        config: The ladder.
        counted: The rows of each stage.
        day: The date.
    """
    figures = []
    by_score = stage_rules(ranking_log, config, counted).by_score
    for stage, scored in zip(config.hard.stages, by_score, strict=True):
        selects = stage.take != "none" and config.hard.selection != "random"
        if not (stage.needs_places or selects):
            continue
        own = counted.get(stage.name, StageRows())
        column = "score" if scored else "rank"
        without = own.rows - (own.scored if scored else own.ranked)
        detail = f"{without:,} of {own.rows:,} rows without a {column}"
        if without:
            of_stage = ranking_log.frame.where(on_date(ranking_log, day) & F.col("valid"))
            rows = of_stage.where((F.col("stage") == stage.name) & F.col(column).isNull())
            few = rows.select("request_id", "item_id").orderBy("request_id", "item_id").limit(3)
            shown = (f"request {row.request_id} item {row.item_id}" for row in few.collect())
            detail += f": {', '.join(shown)}"
        share = without / own.rows if own.rows else 0.0
        figures.append(Figure("unordered_rows", share, stage.name, detail=detail))
    return figures
