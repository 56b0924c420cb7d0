"""The values of a column that ``where`` keeps, each of the column's type."""

from collections.abc import Sequence

from winnow.errors import ConfigError, Problem
from winnow.logs.types import SourceColumn

Value = bool | int | float | str


def kept_values(
    key: str, where: Sequence[tuple[SourceColumn | None, tuple[Value, ...]]]
) -> tuple[tuple[SourceColumn, tuple[Value, ...]], ...]:
    """Return the columns that were found with their values.

    Args:
        key: Where the values stand in the config, for messages.
        where: Columns, None where one was not found, and the values as the config has them.

    Raises:
        ConfigError: A value does not fit its column.
    """
    return tuple((column, _values_of(key, column, v)) for column, v in where if column)


def _values_of(key: str, column: SourceColumn, values: Sequence[Value]) -> tuple[Value, ...]:
    kept: list[Value] = []
    problems = []
    for value in values:
        try:
            kept.append(_as_type(value, column.found))
        except ValueError:
            problems.append(
                Problem(
                    f"{key}.{column.name}",
                    "a value does not fit the column",
                    repr(value),
                    f"a {column.found}",
                )
            )
    ConfigError.raise_if_any(problems)
    return tuple(kept)


def _as_type(value: Value, kind: str) -> Value:
    if kind == "string":
        # A text column keeps the value's own type: 1 stands for the number, "1" for the text.
        return value
    if kind == "boolean" and value in (0, 1):
        return bool(value)
    if kind in ("tinyint", "smallint", "int", "bigint") and int(value) == float(value):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    raise ValueError(value)
