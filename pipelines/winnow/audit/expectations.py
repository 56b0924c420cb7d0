"""Great Expectations: a suite of bounds over one row of figures."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from winnow.audit.figure import Figure
from winnow.config.gate_rules import RULE_OF, Between

RAN, FAIL, WARN = "ran", "fail", "warn"
"""Levels of an expectation: a figure is there, it keeps the fail bounds, it keeps the warn ones."""


@dataclass(frozen=True)
class Bounded:
    """A figure with the bounds to fail and to warn at; None never does."""

    figure: Figure
    fail: Between | None
    warn: Between | None


def without_analytics() -> None:
    """Have Great Expectations send nothing; it asks when it is imported."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")


def quiet_context() -> Any:
    """Return a context of Great Expectations that keeps nothing and shows no progress."""
    without_analytics()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def measured(figure: Figure) -> bool:
    """Return whether a figure is a number."""
    return figure.value is not None and not math.isnan(figure.value)


def met_expectations(gates: Sequence[Bounded], name: str) -> dict[tuple[str, str], bool]:
    """Return whether each expectation was met, by gate and level; one that is missing was not."""
    if not gates:
        return {}
    context = quiet_context()
    import great_expectations as gx
    import pandas as pd

    frame = pd.DataFrame(
        {g.figure.name: [None if g.figure.value is None else float(g.figure.value)] for g in gates},
        dtype="float64",
    )
    rules = gx.ExpectationSuite(name=name, expectations=_expectations(gates))
    asset = context.data_sources.add_pandas("figures").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("one row")
    # A checkpoint would add what it leaves for pages of its own, in twice the time.
    one_row = batch.get_batch({"dataframe": frame})
    found = one_row.validate(rules, result_format="BOOLEAN_ONLY").results
    return {
        (result.expectation_config.meta["gate"], result.expectation_config.meta["level"]): bool(
            result.success
        )
        for result in found
    }


def _expectations(gates: Sequence[Bounded]) -> list[Any]:
    from great_expectations import expectations as known

    # Great Expectations does not say in its types what it exports.
    rules: Any = known
    expectations: list[Any] = []
    for gate in gates:
        name, notes = gate.figure.name, RULE_OF[gate.figure.rule].meaning

        def meta(level: str, name: str = name) -> dict[str, str]:
            return {"gate": name, "level": level}

        if not measured(gate.figure):
            # Between passes a NULL: without this a gate that could not run would pass.
            expectations.append(
                rules.ExpectColumnValuesToNotBeNull(column=name, notes=notes, meta=meta(RAN))
            )
        for level, severity, bounds in (
            (FAIL, "critical", gate.fail),
            (WARN, "warning", gate.warn),
        ):
            if bounds is not None:
                # Of one row, the greatest value is the value; and it is judged in half the time.
                expectations.append(
                    rules.ExpectColumnMaxToBeBetween(
                        column=name,
                        min_value=bounds.least,
                        max_value=bounds.most,
                        severity=severity,
                        notes=notes,
                        meta=meta(level),
                    )
                )
    return expectations
