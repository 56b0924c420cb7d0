"""Great Expectations decides: a frame of figures and bounds, and a suite that compares them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from winnow.audit.expectations import FAIL, RAN, WARN, measured, met_expectations
from winnow.audit.gate import Figure
from winnow.audit.record import GateResult, Status
from winnow.audit.registry import GATE_OF, GATES
from winnow.config.gates import Bounds, GateBounds, bounds_of
from winnow.errors import GateError, Problem
from winnow.shown_text import shown


def judge(
    figures: Sequence[Figure],
    settings: Mapping[str, GateBounds],
    *,
    name: str,
) -> tuple[GateResult, ...]:
    """Judge figures by their gates' bounds, in the order of ``GATES``.

    Args:
        figures: What was measured, each name once. Every one is judged; a figure without a value
            is an error, and so is one that is not a number.
        settings: The config's ``gates``.
        name: Names the suite.

    Raises:
        ValueError: Two figures have one name, or a gate is none of ``GATES``.
    """
    names = [figure.name for figure in figures]
    if len(set(names)) < len(names):
        raise ValueError(f"figures named twice: {sorted({n for n in names if names.count(n) > 1})}")
    ordered = sorted(figures, key=lambda figure: (GATES.index(figure.gate), figure.subject))
    bounded = [(f, bounds_of(f.gate.bounds, settings, f.gate.name, f.subject)) for f in ordered]
    met = met_expectations(bounded, name)
    return tuple(_result(figure, bounds, met) for figure, bounds in bounded)


Examples = Callable[[str, str], Sequence[str]]
"""Gives some sentences on rows of a log that were rejected for a reason, with what was found."""


def require_passed(
    gates: Sequence[GateResult], run_id: str, staging: Path, examples: Examples | None = None
) -> None:
    """Raise where a gate failed or could not be judged.

    Where most rows of a log were rejected for one reason, this is told first, with some of the
    values; gates that can fail for want of those rows are only named.

    Args:
        gates: All gates.
        run_id: Names the run for ``winnow report`` and ``winnow rejected``.
        staging: Where its tables can be looked at.
        examples: Looks for rejected rows; None tells of none.

    Raises:
        GateError: One problem per cause, and one per gate that follows from none.
    """
    look = f"Nothing was published. Look at it with winnow report --run {run_id}, or in {staging}."
    failed = [gate for gate in gates if gate.status in ("fail", "error")]
    causes = [gate for gate in failed if gate.name.startswith(_CAUSE)]
    follow = [gate for gate in failed if causes and gate not in causes and _may_follow(gate)]
    problems = [_cause(gate, run_id, examples) for gate in causes]
    problems += [
        Problem(
            where=f"gate {gate.name}",
            what=gate.meaning if gate.status == "fail" else "this gate could not be judged",
            found=_found(gate),
            expected=gate.wanted or _range(gate.fail),
            next_step=look,
        )
        for gate in failed
        if gate not in causes and gate not in follow
    ]
    if follow:
        one = len(follow) == 1
        problems.append(
            Problem(
                "gates",
                f"{len(follow)} further {'gate' if one else 'gates'} failed as a consequence",
                found=", ".join(gate.name for gate in follow),
                next_step=look,
            )
        )
    GateError.raise_if_any(problems)


_CAUSE = "rejected_reason_share."


def _may_follow(gate: GateResult) -> bool:
    """Return whether a gate can fail for want of rows alone: of the six truths, none can."""
    known = GATE_OF.get(gate.name.partition(".")[0])
    if known is None:  # a user's own
        return False
    return gate.status == "error" or not known.absolute


def _found(gate: GateResult) -> str:
    if not gate.wanted:
        return f"{_shown(gate.figure)} {gate.detail}".strip()
    # A user's own expectation may have found something that is no figure.
    if gate.figure is None:
        return gate.detail
    return f"{_shown(gate.figure)} ({gate.detail})" if gate.detail else _shown(gate.figure)


def _cause(gate: GateResult, run_id: str, examples: Examples | None) -> Problem:
    log, _, reason = gate.name.removeprefix(_CAUSE).partition(".")
    quoted = [] if examples is None else [shown(text, 120) for text in examples(log, reason)]
    share = f"{gate.detail}, a share of {_shown(gate.figure)}"
    return Problem(
        where=f"logs.{log}",
        what=f"too many rows were rejected as {reason}: {share}",
        found="; ".join(quoted) or None,
        expected=f"a share of {_range(gate.fail)} ({gate.name})",
        next_step=f"Correct the config or the log; see more with winnow rejected --run {run_id}.",
    )


def warning_of(gate: GateResult) -> str:
    """Return one sentence on a gate that warns: its name, meaning, figure and bounds."""
    if gate.wanted:
        return f"{gate.name}: {gate.meaning}: {_found(gate)}, wanted {gate.wanted}"
    detail = f" ({gate.detail})" if gate.detail else ""
    figure, bounds = _shown(gate.figure), _range(gate.warn)
    return f"{gate.name}: {gate.meaning}: {figure} {gate.unit}, wanted {bounds}{detail}"


def _shown(figure: float | int | None) -> str:
    if figure is None:
        return "no figure"
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:.6g}"


def _range(bounds: Bounds | None) -> str:
    return "a figure" if bounds is None else bounds.in_words()


def _result(figure: Figure, bounds: GateBounds, met: Mapping[tuple[str, str], bool]) -> GateResult:
    status: Status = "pass"
    if not measured(figure) and not met.get((figure.name, RAN), False):
        status = "error"
    elif bounds.fail is not None and not met.get((figure.name, FAIL), False):
        status = "fail"
    elif bounds.warn is not None and not met.get((figure.name, WARN), False):
        status = "warn"
    return GateResult(
        name=figure.name,
        group=figure.gate.group,
        status=status,
        severity="warn" if bounds.fail is None else "fail",
        figure=figure.value,
        unit=figure.gate.unit,
        fail=bounds.fail,
        warn=bounds.warn,
        meaning=figure.gate.meaning,
        detail=figure.detail,
    )
