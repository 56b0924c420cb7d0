"""What is wrong with an expectation, as far as can be known without data."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from winnow.audit.expectations import without_analytics
from winnow.audit.suites.suite import columns_of
from winnow.config.model import nearest
from winnow.errors import Problem

DATE_PARAMETER = "ds"
"""``{"$PARAMETER": "ds"}`` in kwargs is the date of the build, as YYYY-MM-DD."""

_KEYS = ("type", "kwargs", "meta", "severity", "description", "notes", "id")
_BY_GREAT_EXPECTATIONS = ("rendered_content", "success_on_last_run", "expectation_context")
_SEVERITIES = ("critical", "warning", "info")
_OF_SQL = "unexpected_rows_expectation"


def expectation_problems(
    where: str,
    tree: Any,
    columns: Collection[str],
    parameters: Mapping[str, Any],
    *,
    by_engine: bool,
) -> list[Problem]:
    """Return what is wrong with one expectation.

    Args:
        where: Its place, for a person.
        tree: The expectation as it is written.
        columns: The columns of the table or log that it judges.
        parameters: The suite's own values for ``$PARAMETER``.
        by_engine: Whether the engine judges it, which knows SQL.
    """
    kinds = _known_types()
    kind = tree.get("type") if isinstance(tree, Mapping) else None
    if not isinstance(kind, str):
        expected = "a map with type and kwargs"
        return [Problem(where, "an expectation has a type", expected=expected)]
    if kind not in kinds:
        what = "Great Expectations knows no such expectation"
        return [Problem(f"{where}, type", what, kind, next_step=nearest(kind, kinds))]
    where, kwargs = f"{where}, {kind}", tree.get("kwargs", {})
    found = [
        Problem(f"{where}, {key}", "unknown key", None, f"one of {', '.join(_KEYS)}")
        for key in tree
        if key not in (*_KEYS, *_BY_GREAT_EXPECTATIONS)
    ]
    severity = tree.get("severity", "critical")
    if severity not in _SEVERITIES:
        known = f"one of {', '.join(_SEVERITIES)}"
        found.append(Problem(f"{where}, severity", "this is not known", str(severity), known))
    if not isinstance(kwargs, Mapping):
        found.append(Problem(f"{where}, kwargs", "the type is wrong", expected="a map"))
    if found:
        return found
    found += [
        Problem(
            where,
            "there is no such column",
            column,
            f"one of {', '.join(columns)}",
            nearest(column, columns),
        )
        for column in columns_of(kwargs)
        if column not in columns
    ]
    found += _parameter_problems(where, kwargs, parameters)
    if kind == _OF_SQL and not by_engine:
        what = "SQL is run by the engine, over all rows"
        found.append(Problem(where, what, expected="all_rows: true"))
    return found or list(_problems_of_great_expectations(where, tree))


def _parameter_problems(
    where: str, kwargs: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Iterator[Problem]:
    known = (DATE_PARAMETER, *parameters)
    for key, value in kwargs.items():
        name = value.get("$PARAMETER") if isinstance(value, Mapping) else None
        if name is not None and name not in known:
            yield Problem(
                f"{where}, {key}",
                "nothing gives this parameter a value",
                str(name),
                f"one of {', '.join(known)}",
                nearest(str(name), known),
            )


def _known_types() -> list[str]:
    without_analytics()
    # The types are registered as they are defined.
    import great_expectations.expectations  # noqa: F401
    from great_expectations.expectations.registry import (
        list_registered_expectation_implementations,
    )

    return sorted(list_registered_expectation_implementations())


def _problems_of_great_expectations(where: str, tree: Mapping[str, Any]) -> Iterator[Problem]:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        ExpectationConfiguration(**tree).to_domain_obj()
    except Exception as error:  # its own kinds, and those of the older Pydantic that it carries
        yield from problems_of(where, error, _first_line(error))


def problems_of(where: str, error: Exception, found: str) -> Iterator[Problem]:
    """Give the problems that a check of Great Expectations found, one for each key.

    Args:
        where: The place of what was checked.
        error: What was raised.
        found: What is told of it, where it names no keys.
    """
    errors: Any = getattr(error, "errors", None)
    if not callable(errors):
        yield Problem(where, "Great Expectations refuses it", found)
        return
    for one in errors():
        keys = [str(part) for part in one["loc"] if part != "__root__"]
        yield Problem(", ".join([where, *keys]), f"Great Expectations refuses it: {one['msg']}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
