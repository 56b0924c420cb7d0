"""What Great Expectations found, as gates like all others."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from winnow.audit.record import GateResult, Status
from winnow.audit.suites.suite import GROUP, Expected
from winnow.config.gates import Bounds
from winnow.shown_text import shown

_MOST_VALUES = 3


def gate_of(expected: Expected, result: Any, part: str = "") -> GateResult:
    """Return the gate of an expectation.

    Args:
        expected: The expectation.
        result: Its result.
        part: How many rows were judged, where that is not all; empty for all.
    """
    raised = raised_by(result)
    if raised is not None:
        return broken_gate(expected, raised)
    found = result.result or {}
    figure, unit, bounds = _figure(expected.kwargs, found)
    status: Status = "pass" if result.success else expected.severity
    detail = "; ".join(text for text in (_in_words(found, figure), part) if text)
    return _gate(expected, status, figure, unit, bounds, detail)


def broken_gate(expected: Expected, why: str) -> GateResult:
    """Return the gate of an expectation that could not be judged; one that only warns warns."""
    status: Status = "error" if expected.severity == "fail" else "warn"
    return _gate(expected, status, None, "", None, f"could not be judged: {shown(why, 300)}")


def raised_by(result: Any) -> str | None:
    """Return what an expectation raised, None where it came to a result."""
    info = result.exception_info or {}
    raised = [info] if "raised_exception" in info else list(info.values())
    texts = [
        str(one.get("exception_message"))
        for one in raised
        if isinstance(one, Mapping) and one.get("raised_exception")
    ]
    return texts[0] if texts else None


def _gate(
    expected: Expected,
    status: Status,
    figure: float | int | None,
    unit: str,
    bounds: Bounds | None,
    detail: str,
) -> GateResult:
    fails = expected.severity == "fail"
    return GateResult(
        name=expected.gate,
        group=GROUP,
        status=status,
        severity=expected.severity,
        figure=figure,
        unit=unit,
        fail=bounds if fails else None,
        warn=None if fails else bounds,
        meaning=expected.meaning,
        wanted=expected.wanted,
        detail=detail,
    )


def _figure(
    kwargs: Mapping[str, Any], found: Mapping[str, Any]
) -> tuple[float | int | None, str, Bounds | None]:
    """Return the one figure that says most, its unit, and its bounds where kwargs have such."""
    percent = _number(found.get("unexpected_percent"))
    if percent is not None:
        mostly = _number(kwargs.get("mostly"))
        most = round(1 - (1.0 if mostly is None else mostly), 12)
        return round(percent / 100, 12), "share of unexpected values", Bounds(most=most)
    observed = _number(found.get("observed_value"))
    if observed is None:
        return None, "", None
    ends = [_number(kwargs.get(key)) for key in ("min_value", "max_value")]
    strict = kwargs.get("strict_min") or kwargs.get("strict_max")
    bounds = None if strict or ends == [None, None] else Bounds(least=ends[0], most=ends[1])
    return observed, "", bounds


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    number = float(value)
    if math.isnan(number) or math.isinf(number):
        return None
    # Counts stay whole numbers, whatever library they come from.
    return int(number) if number.is_integer() and 1 <= abs(number) < 2**53 else number


def _in_words(found: Mapping[str, Any], figure: float | int | None) -> str:
    parts = []
    unexpected, values = found.get("unexpected_count"), found.get("element_count")
    if unexpected is not None and values is not None:
        parts.append(f"{int(unexpected):,} of {int(values):,} values unexpected")
    observed = found.get("observed_value")
    if observed is not None and figure is None:
        parts.append(f"observed {shown(str(observed), 200)}")
    few: dict[str, None] = {}
    for value in found.get("partial_unexpected_list") or ():
        few.setdefault(shown(_text(value), 60))
    if few:
        parts.append(f"such as {', '.join(list(few)[:_MOST_VALUES])}")
    return ", ".join(parts)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    return "NULL" if value is None or str(value) in ("<NA>", "NaT", "nan") else str(value)
