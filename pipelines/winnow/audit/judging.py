"""Great Expectations decides: a one-row frame of figures, and a suite of their bounds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from winnow.audit.expectations import FAIL, RAN, WARN, Bounded, measured, met_expectations
from winnow.audit.figure import Figure
from winnow.audit.record import Bounds, GateResult, Status
from winnow.config.gate_rules import GATE_RULES, RULE_OF, Between
from winnow.config.gates import GateBounds, bounds_of
from winnow.errors import GateError, Problem
from winnow.shown_text import shown


def judge(
    figures: Sequence[Figure],
    settings: Mapping[str, GateBounds],
    *,
    name: str,
) -> tuple[GateResult, ...]:
    """Judge figures by their gates' bounds, in the order of ``GATE_RULES``.

    Args:
        figures: What was measured, each name once. Every one is judged; a figure without a value
            is an error, and so is one that is not a number.
        settings: The config's ``gates``.
        name: Names the suite.

    Raises:
        ValueError: Two figures have one name, or a figure has no gate.
    """
    names = [figure.name for figure in figures]
    if len(set(names)) < len(names):
        raise ValueError(f"figures named twice: {sorted({n for n in names if names.count(n) > 1})}")
    places = {rule.name: place for place, rule in enumerate(GATE_RULES)}
    ordered = sorted(figures, key=lambda figure: (places[figure.rule], figure.subject))
    gates = [Bounded(f, *bounds_of(settings, RULE_OF[f.rule], f.subject)) for f in ordered]
    met = met_expectations(gates, name)
    return tuple(_result(gate, met) for gate in gates)


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
    rule = RULE_OF.get(gate.name.partition(".")[0])
    if rule is None:  # a user's own
        return False
    return gate.status == "error" or not rule.absolute or rule.name == "rows"


def _found(gate: GateResult) -> str:
    if not gate.wanted:
        return f"{_shown(gate.figure)} {gate.detail}".strip()
    # A user's own expectation may have found something that is no figure.
    if gate.figure is None:
        return gate.detail
    return f"{_shown(gate.figure)} ({gate.detail})" if gate.detail else _shown(gate.figure)


def _cause(gate: GateResult, run_id: str, examples: Examples | None) -> Problem:
    log, _, reason = gate.name.removeprefix(_CAUSE).partition(".")
    told = [] if examples is None else [shown(text, 120) for text in examples(log, reason)]
    share = f"{gate.detail}, a share of {_shown(gate.figure)}"
    return Problem(
        where=f"logs.{log}",
        what=f"too many rows were rejected as {reason}: {share}",
        found="; ".join(told) or None,
        expected=f"a share of {_range(gate.fail)} ({gate.name})",
        next_step=f"Correct the config or the log; see more with winnow rejected --run {run_id}.",
    )


def told_as_warning(gate: GateResult) -> str:
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
    if bounds is None:
        return "a figure"
    if bounds.least == bounds.most:
        return f"{bounds.least:g}"
    if bounds.least is None:
        return f"at most {bounds.most:g}"
    return (
        f"at least {bounds.least:g}"
        if bounds.most is None
        else (f"{bounds.least:g} to {bounds.most:g}")
    )


def _result(gate: Bounded, met: Mapping[tuple[str, str], bool]) -> GateResult:
    figure, rule = gate.figure, RULE_OF[gate.figure.rule]
    status: Status = "pass"
    if not measured(figure) and not met.get((figure.name, RAN), False):
        status = "error"
    elif gate.fail is not None and not met.get((figure.name, FAIL), False):
        status = "fail"
    elif gate.warn is not None and not met.get((figure.name, WARN), False):
        status = "warn"
    return GateResult(
        name=figure.name,
        group=rule.group,
        status=status,
        severity="warn" if gate.fail is None else "fail",
        figure=figure.value,
        unit=rule.unit,
        fail=_bounds(gate.fail),
        warn=_bounds(gate.warn),
        meaning=rule.meaning,
        detail=figure.detail,
    )


def _bounds(between: Between | None) -> Bounds | None:
    return None if between is None else Bounds(least=between.least, most=between.most)
