"""Several builds in one command: what those that failed end it with."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from winnow.errors import ConflictError, Problem, WinnowError
from winnow.spark.causes import problem_of


def problems_of(error: Exception) -> tuple[Problem, ...]:
    """Return what went wrong, whoever raised it."""
    return error.problems if isinstance(error, WinnowError) else (problem_of(error),)


def problem_records(error: Exception) -> list[dict[str, Any]]:
    """Return the problems of an error as JSON types, each with its sentence."""
    return [problem.as_record() | {"text": str(problem)} for problem in problems_of(error)]


def raise_gravest(failed: Mapping[str, Exception], what: str) -> None:
    """Raise what several builds failed by, as one error that names them; nothing where none did.

    Args:
        failed: The errors by the names of the builds.
        what: What these are names of: ``variant``.

    Raises:
        WinnowError: Of the kind of the gravest: what nobody knows goes before what a person can
            mend, and that before a conflict, which another run mends.
    """
    if not failed:
        return
    gravest = max(failed.values(), key=_gravity)
    kind = type(gravest) if isinstance(gravest, WinnowError) else WinnowError
    named = (
        replace(problem, where=f"{what} {name}: {problem.where}")
        for name, error in failed.items()
        for problem in problems_of(error)
    )
    raise kind(*named) from gravest


def _gravity(error: Exception) -> tuple[bool, bool, int]:
    """Order errors by the exit codes 1, 3, 2 and 4, the gravest last."""
    code = error.exit_code if isinstance(error, WinnowError) else 1
    return code == 1, not isinstance(error, ConflictError), code
