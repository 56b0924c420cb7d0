"""The rules that a row of a log must keep: a message where it breaks one, else nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.config.tree import Config


@dataclass(frozen=True)
class Broken:
    """One way of breaking a rule.

    Attributes:
        where: Boolean: the row breaks the rule. NULL only where it breaks another one.
        message: ``code: sentence with what was found``; only looked at where the rule is broken.
    """

    where: Column
    message: Column


def message(code: str, sentence: str, found: Column | None = None) -> Column:
    """Return the text of a reason, with what was found quoted at its end."""
    if found is None:
        return F.lit(f"{code}: {sentence}")
    shown = F.coalesce(found, F.lit("NULL"))
    return F.concat(F.lit(f"{code}: {sentence}, found '"), shown, F.lit("'"))


def reasons_of(broken: list[Broken]) -> Column:
    """Return an array of the messages of all broken rules, in order; empty, never NULL."""
    none = F.array().cast("array<string>")
    if not broken:
        return none
    # Nearly every row is fine: its messages are never made.
    messages = F.array(*[F.when(rule.where, rule.message) for rule in broken])
    return F.when(any_of(broken), F.array_compact(messages)).otherwise(none)


def any_of(broken: list[Broken]) -> Column:
    """Return whether any rule is broken: boolean, never NULL."""
    return reduce(Column.__or__, [rule.where for rule in broken], F.lit(False))


def rules_for(codes: Iterator[str], config: Config) -> list[Broken]:
    """Return the rules of a contract that look at conformed values, in the contract's order.

    ``missing``, ``unreadable`` and ``time_out_of_range`` are found while values are read, and
    ``orphan`` needs two logs: none of them is here.
    """
    found = (_RULES[code](config) for code in codes if code in _RULES)
    return [rule for rule in found if rule is not None]


def _true(column: Column) -> Column:
    """Return the condition with NULL as False: NULL is a matter of the rule ``missing``."""
    return F.coalesce(column, F.lit(False))


def _negative(code: str, name: str) -> Callable[[Config], Broken]:
    def rule(_: Config) -> Broken:
        column = F.col(name)
        found = column.cast("string")
        return Broken(_true(column < 0), message(code, f"{name} must not be negative", found))

    return rule


def _stage_unknown(config: Config) -> Broken:
    stages = [stage.name for stage in config.ladder]
    stage = F.col("stage")
    sentence = "stage is not one of the configured stages"
    # A row without a stage breaks the rule ``missing``, and comparing text once more costs.
    return Broken(~stage.isin(*stages), message("stage_unknown", sentence, stage))


def _action_unknown(config: Config) -> Broken:
    action = F.col("action_type")
    known = action.isin(*config.positives.actions)
    sentence = "action_type is not one of the configured actions"
    return Broken(_true(~known), message("action_unknown", sentence, action))


def _score_not_finite(_: Config) -> Broken:
    score = F.col("score")
    # NaN is greater than every number.
    where = _true(F.abs(score) >= float("inf"))
    return Broken(where, message("score_not_finite", "score is NaN or infinite"))


def _value_not_finite(config: Config) -> Broken | None:
    # NaN is greater than every number.
    wrong = [_true(F.abs(name) >= float("inf")) for name in config.positives.values]
    if not wrong:
        return None
    sentence = "a number that positives.values names is NaN or infinite"
    return Broken(reduce(Column.__or__, wrong), message("value_not_finite", sentence))


def _validity_reversed(_: Config) -> Broken:
    sentence = "valid_to lies before valid_from"
    return Broken(
        _true(F.col("valid_to") < F.col("valid_from")), message("validity_reversed", sentence)
    )


_RULES: dict[str, Callable[[Config], Broken | None]] = {
    "position_negative": _negative("position_negative", "position"),
    "rank_negative": _negative("rank_negative", "rank"),
    "stage_unknown": _stage_unknown,
    "action_unknown": _action_unknown,
    "score_not_finite": _score_not_finite,
    "value_not_finite": _value_not_finite,
    "validity_reversed": _validity_reversed,
}
