"""The audit of a staged build: all is measured, Great Expectations judges, a record stays."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from pipelines.assembly.workplace import Workplace
from pipelines.audit.agreement import agreement_figures, compared_tables
from pipelines.audit.easy_again import easy_figures, measure_draws, wrong_q
from pipelines.audit.evidence import Evidence
from pipelines.audit.figures import Figure
from pipelines.audit.funnel import funnel_of
from pipelines.audit.hard_again import hard_again
from pipelines.audit.history import drift_figures, volume_figures, volume_of
from pipelines.audit.inputs import input_figures, logged_requests
from pipelines.audit.items_again import Items, items_again
from pipelines.audit.judging import judge
from pipelines.audit.measurements import Measurements
from pipelines.audit.positives_again import candidates_again, positives_again
from pipelines.audit.record import AuditRecord, Funnel, HardOrigin
from pipelines.audit.series import hard_origins, log_q_histogram, popularity_series
from pipelines.audit.staged_rows import StagedPositives, hard_of, negatives_of, positives_of
from pipelines.audit.tables import key_figures, mix_figures, schema_figure, wanted_rows
from pipelines.config.tree import Config
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.rows import on_date

_OF_ITEMS = (
    "catalogue_differs",
    "popularity_differs",
    "popularity_knows_the_date",
    "weights_differ",
)
_OF_DRAWS = (
    "shown_negatives",
    "clicked_negatives",
    "ineligible_negatives",
    "log_q_invalid",
    "log_q_differs",
)
_REASONS = ("request_not_logged", "pool_too_small", "all_forbidden", "catalogue_exhausted")


def audit(
    evidence: Evidence,
    config: Config,
    day: CalendarDay,
    place: Workplace,
    *,
    docs: Path | None = None,
) -> AuditRecord:
    """Measure and judge a staged build. No gate is left out because one before it failed.

    Args:
        evidence: The staged tables and what they are compared with.
        config: What was asked for, and the bounds of the gates.
        day: The date.
        place: The session, and a folder to write in.
        docs: Where the Data Docs of Great Expectations go; None makes none.

    Returns:
        All gates and the figures of the report. ``judging.require_passed`` raises for a gate that
        failed or could not be judged.
    """
    begin = time.monotonic()
    found = Measurements()
    parts: dict[str, Any] = {}
    positives, clicked = positives_of(evidence.staged), 0
    # Some of it waits for Python, some for the engine: side by side they fill the cores.
    with ThreadPoolExecutor(max_workers=2) as beside:
        of_tables = beside.submit(_tables, found, evidence, config)
        of_hard = beside.submit(_hard, found, evidence, positives, config, day)
        items = found.take(
            _OF_ITEMS,
            lambda: items_again(evidence.logs, evidence.staged["item_stats"], config, day),
        )
        if positives is not None and items is None:
            found.without(("positives_not_clicked", "shown_negatives"), "the items are not known")
        elif positives is not None and items is not None:
            clicked, parts = _samples(found, evidence, items, positives, config, day, place)
        sums = of_tables.result()
        parts["hard_origins"] = of_hard.result()
    funnel = funnel_of(evidence.counts, sums, clicked)
    if positives is not None:
        rows = positives.rows
        volume = found.take(("history_unread",), lambda: _history(evidence, rows, funnel))
        parts["volume"] = volume or {}
    name = f"winnow_{day.date.isoformat()}"
    gates = judge(found.figures, config.gates, name=name, docs=docs)
    statuses = {gate.status for gate in gates}
    return AuditRecord(
        verdict="fail"
        if statuses & {"fail", "error"}
        else "warn"
        if "warn" in statuses
        else "pass",
        gates=gates,
        funnel=funnel,
        shortfall={reason: sums[reason] for reason in _REASONS if sums.get(reason)},
        seconds=round(time.monotonic() - begin, 3),
        **parts,
    )


def _tables(found: Measurements, evidence: Evidence, config: Config) -> Mapping[str, int]:
    """Measure inputs and tables; return what all positives were given."""
    found.take(
        ("clicks_unaccounted",),
        lambda: (
            None,
            input_figures(
                evidence.counts, evidence.staged["rejected"], n_attributed=evidence.n_attributed
            ),
        ),
    )
    if evidence.history_share is not None:
        found.figures.append(Figure("history_share", evidence.history_share))
    wanted = wanted_rows(evidence.totals, evidence.counts, evidence.logs)
    for name in evidence.staged:
        found.take(
            (f"duplicate_keys.{name}", f"schema_differs.{name}"),
            lambda name=name: (None, _as_such(evidence, name, wanted.get(name))),  # type: ignore[misc]
        )
    compared = tuple(f"tables_disagree.{name}" for name in compared_tables(evidence.staged))
    if compared:
        found.take(compared, lambda: (None, agreement_figures(evidence.staged)))
    highest = max(evidence.protocols.values(), default=1)
    found.figures.append(Figure("reader_protocol", highest))
    if "training_samples" not in evidence.staged:
        return evidence.totals
    promised = ("negatives_unaccounted", "lists_uneven", "shortfall_unexplained", "mix_differs")
    samples = evidence.staged["training_samples"]
    return found.take(promised, lambda: _swapped(mix_figures(samples, config))) or evidence.totals


def _as_such(evidence: Evidence, name: str, wanted: int | None) -> list[Figure]:
    contract, empty = evidence.contracts[name], evidence.allow_empty
    return [
        *key_figures(name, evidence.staged[name], contract, wanted, allow_empty=empty),
        schema_figure(name, evidence.files[name], contract),
    ]


def _swapped(pair: tuple[list[Figure], dict[str, int]]) -> tuple[dict[str, int], list[Figure]]:
    return pair[1], pair[0]


def _samples(
    found: Measurements,
    evidence: Evidence,
    items: Items,
    positives: StagedPositives,
    config: Config,
    day: CalendarDay,
    place: Workplace,
) -> tuple[int, dict[str, Any]]:
    """Measure positives and draws; return the candidates before down-sampling, and series."""
    logs, staged, n = evidence.logs, evidence.staged, evidence.totals["positives"]
    parts: dict[str, Any] = {}
    n_clicks = evidence.counts["clicks"].read
    kept = found.take(
        (
            "positives_not_clicked",
            *(("clicks_outside_window",) if "click_ts" in positives.rows.columns else ()),
            *(("positives_missing",) if positives.complete else ()),
        ),
        lambda: positives_again(
            candidates_again(logs, config, day, n_clicks=n_clicks), positives, items, config
        ),
    )
    negatives = negatives_of(staged)
    if negatives is not None:
        draws = found.take(
            _OF_DRAWS,
            lambda: _drawn(negatives, items, evidence, config, day, place, n),
        )
        if draws is not None and kept is not None:
            parts["bands"], parts["top_items"] = popularity_series(items, kept, draws)
            parts["log_q"] = log_q_histogram(items, draws)
    if "easy_negatives" in staged:
        easy, stats = staged["easy_negatives"], staged["item_stats"]
        n_items = len(items.key)
        found.take(("q_differs",), lambda: (None, [wrong_q(easy, stats, config, n_items=n_items)]))
    return (0 if kept is None else kept.all_candidates), parts


def _hard(
    found: Measurements,
    evidence: Evidence,
    positives: StagedPositives | None,
    config: Config,
    day: CalendarDay,
) -> tuple[HardOrigin, ...]:
    """Measure hard negatives; return where they come from."""
    logs, staged, n = evidence.logs, evidence.staged, evidence.totals["positives"]
    hard = hard_of(staged, config)
    if positives is None or hard is None or "ranking_log" not in logs or config.mix.n_hard == 0:
        return ()
    log = logs["ranking_log"]
    staged_hard = staged.get("hard_negatives")
    origins = found.take(
        ("hard_not_logged", "hard_not_cut", "hard_went_on"),
        lambda: (
            () if staged_hard is None else hard_origins(staged_hard),
            hard_again(log, hard, config, day, n_positives=n),
        ),
    )
    rows = positives.rows
    found.take(
        ("logged_request_share",),
        lambda: (None, [logged_requests(rows, log.frame.where(on_date(log, day)))]),
    )
    return origins or ()


def _drawn(
    negatives: DataFrame, items: Items, evidence: Evidence, config: Config, day: CalendarDay,
    place: Workplace, n: int,
) -> Any:  # fmt: skip
    draws = measure_draws(negatives, items, evidence.logs, config, day, place, n_positives=n)
    return draws, easy_figures(draws, items.weighed())


def _history(
    evidence: Evidence, positives: DataFrame, funnel: Funnel
) -> tuple[dict[str, float], list[Figure]]:
    stats = evidence.staged["item_stats"]
    volume = volume_of(positives, stats, exposed=funnel.exposed, clicked=funnel.clicked)
    figures = [
        Figure("history_unread", 0),
        *volume_figures(volume, evidence.earlier),
        *drift_figures(stats, evidence.items_before),
    ]
    return volume, figures
