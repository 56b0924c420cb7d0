"""The audit of a staged build: all is measured, Great Expectations judges, a record stays."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from winnow.audit.evidence import Evidence
from winnow.audit.figures.funnel import funnel_of
from winnow.audit.figures.series import log_q_histogram, popularity_series
from winnow.audit.gate import Figure, Measurement
from winnow.audit.gates.hard_negatives import origins_of_date
from winnow.audit.gates.history import date_volume
from winnow.audit.gates.mix import REASONS, given_negatives
from winnow.audit.judging import judge
from winnow.audit.recompute.compared_positives import compared_positives
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.date_sources import date_drawable
from winnow.audit.recompute.forbidden import date_draws
from winnow.audit.recompute.staged_rows import negatives_of, positives_of
from winnow.audit.record import AuditRecord, verdict_of
from winnow.audit.registry import lines_of_measurements

T = TypeVar("T")


def audit(evidence: Evidence) -> AuditRecord:
    """Measure and judge a staged build. No gate is left out because one before it failed.

    Args:
        evidence: The staged tables, what they are compared with, and what was asked for.

    Returns:
        All gates and the figures of the report. ``judging.require_passed`` raises for a gate that
        failed or could not be judged.
    """
    begin = time.monotonic()
    lines = lines_of_measurements(evidence)
    with ThreadPoolExecutor(max_workers=len(lines)) as pool:
        figures = [figure for own in pool.map(_measured, lines) for figure in own]
    name = f"winnow_{evidence.day.date.isoformat()}"
    gates = judge(figures, evidence.config.gates, name=name)
    sums = given_negatives(evidence)
    return AuditRecord(
        verdict=verdict_of(gates),
        gates=gates,
        shortfall={reason: sums[reason] for reason in REASONS if sums.get(reason)},
        **_drawn_by_the_report(evidence),
        seconds=round(time.monotonic() - begin, 3),
    )


def _measured(measurements: Iterator[Measurement]) -> list[Figure]:
    return [figure for one in measurements for figure in one.figures()]


def _drawn_by_the_report(evidence: Evidence) -> dict[str, Any]:
    """Return what the report draws beside the gates; what could not be known is left out."""
    staged = evidence.staged
    parts: dict[str, Any] = {}
    has_positives = positives_of(staged) is not None
    compared = _known(lambda: compared_positives(evidence)) if has_positives else None
    clicked = None if compared is None else compared.counts.all_candidates
    parts["funnel"] = funnel_of(evidence.counts, given_negatives(evidence), clicked)
    if has_positives:
        parts["volume"] = _known(lambda: date_volume(evidence)) or {}
        if negatives_of(staged, evidence.config) is not None:
            draws = _known(lambda: date_draws(evidence))
            if draws is not None and compared is not None:
                items = date_items(evidence)
                drawable = date_drawable(evidence)
                series = popularity_series(items, compared.counts, draws, drawable)
                parts["bands"], parts["top_items"] = series
                parts["log_q"] = log_q_histogram(drawable, draws)
    if has_positives and evidence.config.negatives.n_hard > 0:
        parts["hard_origins"] = _known(lambda: origins_of_date(evidence)) or ()
    return parts


def _known(make: Callable[[], T]) -> T | None:
    """Return what was measured; None where it broke, which fails the gates on it."""
    try:
        return make()
    except Exception:
        return None
