"""Great Expectations decides: a one-row frame of figures, a suite of their bounds, a checkpoint."""

import math
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.audit.figures import Figure
from pipelines.audit.record import AuditRecord, Bounds, GateResult, Status
from pipelines.config.gate_rules import GATE_RULES, RULE_OF, Between
from pipelines.config.gates import GateBounds, bounds_of
from pipelines.errors import GateError, Problem

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

_RAN, _FAIL, _WARN = "ran", "fail", "warn"


@dataclass(frozen=True)
class _Gate:
    figure: Figure
    fail: Between | None
    warn: Between | None


def load_early() -> None:
    """Begin to import Great Expectations beside other work: alone it takes more than a second."""
    _without_analytics()
    threading.Thread(target=import_module, args=("great_expectations",), daemon=True).start()


def _without_analytics() -> None:
    # Read when the package is imported: nothing is sent from a build.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")


def judge(
    figures: Sequence[Figure],
    settings: Mapping[str, GateBounds],
    *,
    name: str,
    docs: Path | None = None,
) -> tuple[GateResult, ...]:
    """Judge figures by their gates' bounds, in the order of ``GATE_RULES``.

    Args:
        figures: What was measured, each name once. Every one is judged; a figure without a value
            is an error, and so is one that is not a number.
        settings: The config's ``gates``.
        name: Names the suite and its results in the Data Docs.
        docs: The folder for the Data Docs of Great Expectations; None makes none.

    Raises:
        ValueError: Two figures have one name, or a figure has no gate.
    """
    names = [figure.name for figure in figures]
    if len(set(names)) < len(names):
        raise ValueError(f"figures named twice: {sorted({n for n in names if names.count(n) > 1})}")
    places = {rule.name: place for place, rule in enumerate(GATE_RULES)}
    ordered = sorted(figures, key=lambda figure: (places[figure.rule], figure.subject))
    gates = [_Gate(f, *bounds_of(settings, RULE_OF[f.rule], f.subject)) for f in ordered]
    met = _met(gates, name, docs)
    return tuple(_result(gate, met) for gate in gates)


def judge_again(record: AuditRecord, *, name: str, docs: Path | None) -> tuple[GateResult, ...]:
    """Judge the figures of a record by the bounds in it; arguments and result as ``judge``."""
    gates = [
        _Gate(_figure_of(gate), _between(gate.fail), _between(gate.warn)) for gate in record.gates
    ]
    met = _met(gates, name, docs)
    return tuple(_result(gate, met) for gate in gates)


def _figure_of(gate: GateResult) -> Figure:
    rule, _, subject = gate.name.partition(".")
    return Figure(rule, gate.figure, subject, gate.detail)


def _between(bounds: Bounds | None) -> Between | None:
    return None if bounds is None else Between(bounds.least, bounds.most)


def require_passed(gates: Sequence[GateResult], run_id: str, staging: Path) -> None:
    """Raise where a gate failed or could not be judged.

    Raises:
        GateError: One problem per such gate. ``run_id`` names the run for ``winnow report`` and
            ``winnow rejected``; ``staging`` is where its tables can be looked at.
    """
    look = f"Nothing was published. Look at it with winnow report --run {run_id}, or in {staging}."
    GateError.raise_if_any(
        Problem(
            where=f"gate {gate.name}",
            what=gate.meaning if gate.status == "fail" else "this gate could not be judged",
            found=f"{_shown(gate.figure)} {gate.detail}".strip(),
            expected=_range(gate.fail),
            next_step=look,
        )
        for gate in gates
        if gate.status in ("fail", "error")
    )


def told_as_warning(gate: GateResult) -> str:
    """Return one sentence on a gate that warns: its name, meaning, figure and bounds."""
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


def _result(gate: _Gate, met: Mapping[tuple[str, str], bool]) -> GateResult:
    figure, rule = gate.figure, RULE_OF[gate.figure.rule]
    status: Status = "pass"
    if not _measured(figure) and not met.get((figure.name, _RAN), False):
        status = "error"
    elif gate.fail is not None and not met.get((figure.name, _FAIL), False):
        status = "fail"
    elif gate.warn is not None and not met.get((figure.name, _WARN), False):
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


def _measured(figure: Figure) -> bool:
    return figure.value is not None and not math.isnan(figure.value)


def _bounds(between: Between | None) -> Bounds | None:
    return None if between is None else Bounds(least=between.least, most=between.most)


def _met(gates: Sequence[_Gate], name: str, docs: Path | None) -> dict[tuple[str, str], bool]:
    """Return whether each expectation was met, by gate and level; one that is missing was not."""
    if not gates:
        return {}
    _without_analytics()
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig

    frame = pd.DataFrame(
        {g.figure.name: [None if g.figure.value is None else float(g.figure.value)] for g in gates},
        dtype="float64",
    )
    with tempfile.TemporaryDirectory() as project:
        # The pages need a project on disk; only its site is kept.
        context: Any = (
            gx.get_context(mode="ephemeral")
            if docs is None
            else gx.get_context(mode="file", project_root_dir=project)
        )
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        rules = gx.ExpectationSuite(name=name, expectations=_expectations(gates))
        found = _run(context, context.suites.add(rules), frame, name)
        if docs is not None:
            context.build_data_docs()
            site = next(Path(project).rglob("local_site"))
            shutil.copytree(site, docs, dirs_exist_ok=True)
    return {
        (result.expectation_config.meta["gate"], result.expectation_config.meta["level"]): bool(
            result.success
        )
        for result in found
    }


def _run(context: Any, suite: "gx.ExpectationSuite", frame: "pd.DataFrame", name: str) -> list[Any]:
    import great_expectations as gx

    asset = context.data_sources.add_pandas("figures").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("one row")
    validation = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch, suite=suite)
    )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name=name, validation_definitions=[validation], result_format="BOOLEAN_ONLY")
    )
    result = checkpoint.run(batch_parameters={"dataframe": frame})
    return [one for run in result.run_results.values() for one in run.results]


def _expectations(gates: Sequence[_Gate]) -> list[Any]:
    from great_expectations import expectations as known

    # Great Expectations does not say in its types what it exports.
    rules: Any = known
    expectations: list[Any] = []
    for gate in gates:
        name, notes = gate.figure.name, RULE_OF[gate.figure.rule].meaning

        def meta(level: str, name: str = name) -> dict[str, str]:
            return {"gate": name, "level": level}

        if not _measured(gate.figure):
            # Between passes a NULL: without this a gate that could not run would pass.
            expectations.append(
                rules.ExpectColumnValuesToNotBeNull(column=name, notes=notes, meta=meta(_RAN))
            )
        for level, severity, bounds in (
            (_FAIL, "critical", gate.fail),
            (_WARN, "warning", gate.warn),
        ):
            if bounds is not None:
                expectations.append(
                    rules.ExpectColumnValuesToBeBetween(
                        column=name,
                        min_value=bounds.least,
                        max_value=bounds.most,
                        severity=severity,
                        notes=notes,
                        meta=meta(level),
                    )
                )
    return expectations
