"""Great Expectations: five expectations over a row per gate, its figure and bounds."""

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
    """Return whether each figure is there and keeps its bounds, by gate and level.

    Args:
        bounded: Figures, each with its bounds.
        name: Names the suite.

    Returns:
        All three levels of each gate; a level whose expectation could not be judged is not met.
    """
    if not bounded:
        return {}
    context = quiet_context()
    import great_expectations as gx

    rules = gx.ExpectationSuite(name=name, expectations=_expectations())
    asset = context.data_sources.add_pandas("figures").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("one row per gate")
    # A checkpoint would add what it leaves for pages of its own, in twice the time.
    figures = batch.get_batch({"dataframe": _one_row_per_gate(bounded)})
    found = figures.validate(rules, result_format=_NAME_WHAT_FAILED).results
    met = {(figure.name, level): True for figure, _ in bounded for level in (RAN, FAIL, WARN)}
    for result in found:
        if not result.success:
            level = result.expectation_config.meta["level"]
            # Where the expectation itself broke it names nothing, and nothing has met it.
            rows = result.result.get("unexpected_index_list")
            of = [figure.name for figure, _ in bounded] if not rows else [r["gate"] for r in rows]
            met |= {(gate, level): False for gate in of}
    return met


_NAME_WHAT_FAILED = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["gate"],
    "return_unexpected_index_query": False,
}


def _one_row_per_gate(bounded: Sequence[tuple[Figure, GateBounds]]) -> Any:
    """Return the figures as a pandas frame; a bound that is open is NULL."""
    import pandas as pd

    columns: dict[str, Any] = {"value": [figure.value for figure, _ in bounded]}
    for level in (FAIL, WARN):
        allowed = [getattr(bounds, level) for _, bounds in bounded]
        columns[f"{level}_least"] = [None if a is None else a.least for a in allowed]
        columns[f"{level}_most"] = [None if a is None else a.most for a in allowed]
    frame = pd.DataFrame(columns, dtype="float64")
    frame.insert(0, "gate", [figure.name for figure, _ in bounded])
    return frame


def _expectations() -> list[Any]:
    """Return five expectations for all gates: one a gate took 1.0 s of CPU in place of 0.2."""
    from great_expectations import expectations as known

    # Great Expectations does not say in its types what it exports.
    rules: Any = known
    # Between passes a NULL: without this a gate that could not run would pass.
    expectations = [rules.ExpectColumnValuesToNotBeNull(column="value", meta={"level": RAN})]
    for level, severity in ((FAIL, "critical"), (WARN, "warning")):
        for greater, lesser in (("value", f"{level}_least"), (f"{level}_most", "value")):
            expectations.append(
                rules.ExpectColumnPairValuesAToBeGreaterThanB(
                    column_A=greater,
                    column_B=lesser,
                    or_equal=True,
                    ignore_row_if="either_value_is_missing",
                    severity=severity,
                    meta={"level": level},
                )
            )
    return expectations
