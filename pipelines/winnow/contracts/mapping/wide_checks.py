"""What can be wrong with the mapping of a wide log, whatever its files look like."""

from collections.abc import Iterator

from winnow.config.tree import Config
from winnow.config.wide import ByStage, Constant, FromFlags
from winnow.errors import Problem

_MULTIPLIED = ("action_type", "stage")


def wide_problems(
    where: str, column: str, kind: str, mapping: Constant | FromFlags | ByStage, config: Config
) -> Iterator[Problem]:
    """Give what is wrong with one mapping.

    Args:
        where: Where it stands in the config.
        column: The contract column. kind: Its type.
        mapping: Where its values come from.
        config: The whole config: its actions and stages.
    """
    known = {
        "action_type": config.positives.actions,
        "stage": tuple(stage.name for stage in config.ladder),
    }
    values: tuple[bool | int | float | str, ...]
    if isinstance(mapping, Constant):
        values = (mapping.constant,)
        if not _fits(mapping.constant, kind):
            yield Problem(where, "the constant does not fit", repr(mapping.constant), f"a {kind}")
            return
    elif isinstance(mapping, FromFlags):
        values = tuple(mapping.from_flags)
        if column not in _MULTIPLIED:
            yield Problem(where, "only action_type and stage come from flags", column)
            return
    else:
        values, column = tuple(mapping.by_stage), "stage" if kind != "timestamp" else column
        if column != "stage" or not where.startswith("logs.ranking_log."):
            yield Problem(where, "only rank, score and the like of a ranking log have stages")
            return
    for value in values if column in known else ():
        if value not in known[column]:
            named = {"stage": "funnel.stages", "action_type": "positives.actions"}[column]
            expected = f"one of {named}: {', '.join(known[column])}"
            yield Problem(where, f"{value} is not known", str(value), expected)


def _fits(value: bool | int | float | str, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str) and value != ""
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "double":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return kind != "timestamp" and isinstance(value, int) and not isinstance(value, bool)
