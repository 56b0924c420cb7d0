"""Whether a ranking log has the columns that its stages need: known before a row is read."""

from collections.abc import Collection, Iterator

from winnow.config.chosen_entries import StageEntry
from winnow.config.ladder import Rung
from winnow.config.tree import Config
from winnow.errors import Problem


def stage_problems(there: Collection[str], config: Config) -> Iterator[Problem]:
    """Give what the config asks of the stages that a ranking log with these columns cannot tell.

    Args:
        there: The contract columns that the log has.
        config: The ladder, how a cut is known, and how hard negatives are selected.
    """
    funnel = config.funnel
    taking = [(i, stage) for i, stage in enumerate(config.ladder) if stage.take != "none"]
    cascade = "cascade_samples" in config.tables
    if config.ranking.stage_scores and not {"score", "rank"} & set(there):
        yield Problem(
            "ranking.stage_scores",
            "logs.ranking_log has neither score nor rank",
            next_step="Map one of them under logs.ranking_log.columns, or take stage_scores out.",
        )
    if config.negatives.n_of_stages == 0 and not cascade:
        return
    cuts = cascade or any(stage.take == "cut" for _, stage in taking)
    if cuts and funnel.cut_known_by == "passed" and "passed" not in there:
        yield Problem(
            "funnel.cut_known_by",
            "logs.ranking_log has no column passed, so nothing tells what a stage cut",
            "passed",
            "membership or last_stage, or the column mapped",
        )
    if cuts and funnel.cut_reasons is not None and "cut_reason" not in there:
        yield Problem(
            "funnel.cut_reasons",
            "logs.ranking_log has no column cut_reason",
            next_step="Map it under logs.ranking_log.columns, or take cut_reasons out.",
        )
    for index, stage in taking if config.negatives.n_of_stages > 0 else ():
        yield from _of_stage(index, stage, there, config)


def _of_stage(index: int, stage: Rung, there: Collection[str], config: Config) -> Iterator[Problem]:
    log = config.logs.ranking_log
    where = f"funnel.stages[{index}]"
    band_at = f"negatives.hard[{stage.entries[0]}]"
    sampled = log is not None and log.in_part
    if stage.order_by is not None and stage.order_by not in there:
        yield Problem(
            f"{where}.order_by",
            f"logs.ranking_log has no column {stage.order_by}",
            next_step=f"Map it under logs.ranking_log.columns, or order {stage.name} otherwise.",
        )
        return
    for place, entry in zip(stage.entries, stage.hard, strict=True):
        if entry.needs_scores is not None and "score" not in there:
            yield Problem(
                f"negatives.hard[{place}].{entry.needs_scores}",
                f"it needs the scores of {stage.name}, and logs.ranking_log has no score",
                next_step=f"Map it under logs.ranking_log.columns, or take {entry.needs_scores} "
                "out.",
            )
            return
    if (stage.needs_places or stage.selects) and not {"score", "rank"} & set(there):
        first = next(e for e in stage.hard if e.needs_order or e.selection in ("top", "tail"))
        why = f"band {_band(first)}" if stage.needs_places else f"selection {first.selection}"
        yield Problem(
            band_at,
            f"{stage.name} needs the order of its items for its {why}, and logs.ranking_log has "
            "neither score nor rank",
            next_step="Map one of them under logs.ranking_log.columns, or take another way: "
            "band [0, 1] with selection random needs no order.",
        )
        return
    before_last = index < len(config.ladder) - 1
    in_part = sampled or (config.funnel.cut_known_by == "last_stage" and before_last)
    if not stage.needs_places or not in_part:
        return
    by_rank = "rank" in there and stage.order_by != "score"
    if by_rank and ("stage_size" in there or not sampled):
        return
    known = (
        "the log holds only some rows of a request"
        if sampled
        else "the log holds only the items that stopped there"
    )
    missing = [name for name in ("rank", "stage_size") if name not in there]
    if not sampled:
        missing = [name for name in missing if name == "rank"]
    columns = " and ".join(missing) or "order_by: rank"
    yield Problem(
        f"{band_at}.band",
        f"the place of an item among all that {stage.name} ranked is not known: {known}",
        f"{_band(next(e for e in stage.hard if e.needs_order))} without {columns}",
        "[0, 1], or the logged rank" + (" and the size of the stage" if sampled else ""),
        f"Map {' and '.join(missing)} under logs.ranking_log.columns, or set band: [0, 1]."
        if missing
        else "Set order_by: rank, or band: [0, 1].",
    )


def _band(entry: StageEntry) -> str:
    return str(list(entry.ranks or entry.percentiles))
