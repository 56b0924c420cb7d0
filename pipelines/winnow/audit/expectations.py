"""Great Expectations: a suite of bounds over one row of figures."""

import math
import os
from collections.abc import Sequence
from typing import Any

from winnow.audit.gate import Figure
from winnow.config.gates import GateBounds

RAN, FAIL, WARN = "ran", "fail", "warn"
"""Levels of an expectation: a figure is there, it keeps the fail bounds, it keeps the warn ones."""


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


def met_expectations(
    bounded: Sequence[tuple[Figure, GateBounds]], name: str
) -> dict[tuple[str, str], bool]:
    """Return whether each expectation was met, by gate and level; one that is missing was not.

    Args:
        bounded: Figures, each with its bounds.
        name: Names the suite.
    """
    if not bounded:
        return {}
    context = quiet_context()
    import great_expectations as gx
    import pandas as pd

    frame = pd.DataFrame(
        {f.name: [None if f.value is None else float(f.value)] for f, _ in bounded},
        dtype="float64",
    )
    rules = gx.ExpectationSuite(name=name, expectations=_expectations(bounded))
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


def _expectations(bounded: Sequence[tuple[Figure, GateBounds]]) -> list[Any]:
    from great_expectations import expectations as known

    # Great Expectations does not say in its types what it exports.
    rules: Any = known
    expectations: list[Any] = []
    for figure, bounds in bounded:
        name, notes = figure.name, figure.gate.meaning

        def meta(level: str, name: str = name) -> dict[str, str]:
            return {"gate": name, "level": level}

        if not measured(figure):
            # Between passes a NULL: without this a gate that could not run would pass.
            expectations.append(
                rules.ExpectColumnValuesToNotBeNull(column=name, notes=notes, meta=meta(RAN))
            )
        for level, severity, allowed in (
            (FAIL, "critical", bounds.fail),
            (WARN, "warning", bounds.warn),
        ):
            if allowed is not None:
                # Of one row, the greatest value is the value; and it is judged in half the time.
                expectations.append(
                    rules.ExpectColumnMaxToBeBetween(
                        column=name,
                        min_value=allowed.least,
                        max_value=allowed.most,
                        severity=severity,
                        notes=notes,
                        meta=meta(level),
                    )
                )
    return expectations
