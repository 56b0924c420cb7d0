"""A gate: a name, a figure, what was allowed, and a sentence for a person."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pipelines.errors import GateError, Problem


@dataclass(frozen=True)
class Gate:
    """One check of a staged release.

    Attributes:
        name: Its name, in snake case.
        passed: Whether the figure is allowed.
        figure: What was counted.
        allowed: The figure that is allowed.
        meaning: What the figure says, as a sentence.
    """

    name: str
    passed: bool
    figure: int
    allowed: int
    meaning: str


def exactly(name: str, figure: int, allowed: int, meaning: str) -> Gate:
    """Return a gate that passes where the figure is exactly the allowed one."""
    return Gate(name, figure == allowed, figure, allowed, meaning)


def require_passed(gates: Sequence[Gate], staging: str) -> None:
    """Raise where a gate failed.

    Raises:
        GateError: One problem per failed gate; ``staging`` is where the data can be looked at.
    """
    GateError.raise_if_any(
        Problem(
            where=f"gate {gate.name}",
            what=gate.meaning,
            found=str(gate.figure),
            expected=str(gate.allowed),
            next_step=f"Nothing was published; the staged tables are kept in {staging}.",
        )
        for gate in gates
        if not gate.passed
    )


def as_json(gates: Sequence[Gate]) -> str:
    """Return the gates as JSON, for the release."""
    return json.dumps([asdict(gate) for gate in gates], sort_keys=True)
