"""The audit of a staged build: all is measured, Great Expectations judges, a record stays."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.figure import Figure
from winnow.audit.figures.funnel import funnel_of
from winnow.audit.figures.series import hard_origins, log_q_histogram, popularity_series
from winnow.audit.gates.draws import easy_figures, measure_draws, wrong_q
from winnow.audit.gates.hard_negatives import hard_again
from winnow.audit.gates.history import drift_figures, volume_figures, volume_of
from winnow.audit.gates.inputs import logged_requests, shared_requests
from winnow.audit.gates.plausibility import clicked_share, top_user_share
from winnow.audit.gates.positives import positives_again
from winnow.audit.gates.tables import measure_tables
from winnow.audit.judging import judge
from winnow.audit.measurements import Measurements
from winnow.audit.recompute.dropped import dropped_figure, drops_rows
from winnow.audit.recompute.items import Items, items_again
from winnow.audit.recompute.labels import Clicked, clicked_again, label_figure
from winnow.audit.recompute.pairs import PairsAgain, candidates_again, pairs_again
from winnow.audit.recompute.row_sample import stretch_of
from winnow.audit.recompute.stage_rules import unordered_rows
from winnow.audit.recompute.staged_rows import StagedPositives, hard_of, negatives_of, positives_of
from winnow.audit.record import AuditRecord, Funnel, HardOrigin, verdict_of
from winnow.config.tree import Config
from winnow.contracts.rows import on_date
from winnow.dates import CalendarDay
from winnow.spark.limits import Limits
from winnow.spark.scratch import Scratch

_OF_ITEMS = (
    "catalogue_differs",
    "popularity_differs",
    "popularity_knows_the_date",
    "weights_differ",
    "item_index_differs",
    "item_q_differs",
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
    scratch: Scratch,
) -> AuditRecord:
    """Measure and judge a staged build. No gate is left out because one before it failed.

    Args:
        evidence: The staged tables and what they are compared with.
        config: What was asked for, and the bounds of the gates.
        day: The date.
        scratch: The session, and a folder to write in.

    Returns:
        All gates and the figures of the report. ``judging.require_passed`` raises for a gate that
        failed or could not be judged.
    """
    begin = time.monotonic()
    found = Measurements()
    parts: dict[str, Any] = {}
    positives, clicked = positives_of(evidence.staged), 0
    n_clicks = evidence.counts["clicks"].read
    pairs = cache(lambda: pairs_again(evidence.logs, config, day, scratch, n_clicks=n_clicks))
    # Some of it waits for Python, some for the engine: side by side they fill the cores.
    with ThreadPoolExecutor(max_workers=2) as beside:
        of_tables = beside.submit(measure_tables, found, evidence, config, day)
        of_hard = beside.submit(_hard, found, evidence, positives, config, day, scratch.limits)
        items = found.take(
            _OF_ITEMS,
            lambda: items_again(evidence.logs, evidence.staged["item_stats"], config, day, scratch),
        )
        if positives is not None and items is None:
            found.without(("positives_not_clicked", "shown_negatives"), "the items are not known")
        elif positives is not None and items is not None:
            clicked, parts = _samples(
                found, evidence, items, positives, pairs, config, day, scratch
            )
        sums, labelled = of_tables.result()
        if "ranking_samples" in evidence.staged:
            found.take(
                ("labels_differ",),
                lambda: (None, [_labels(evidence, labelled, pairs().rows, config, day)]),
            )
        if positives is not None or "ranking_samples" in evidence.staged:
            found.take(("clicks_of_other_users",), lambda: (None, _whose_clicks(pairs(), evidence)))
        parts["hard_origins"] = of_hard.result()
    funnel = funnel_of(evidence.counts, sums, clicked)
    if positives is not None:
        rows = positives.rows
        exposed = funnel.exposed - evidence.counts["impressions"].not_chosen
        found.figures.append(clicked_share(funnel.clicked, exposed))
        n = evidence.totals["positives"]
        found.take(
            ("top_user_share.positives",),
            lambda: (None, [top_user_share(rows, "positives", n)]),
        )
        volume = found.take(("history_unread",), lambda: _history(evidence, rows, funnel))
        parts["volume"] = volume or {}
    name = f"winnow_{day.date.isoformat()}"
    gates = judge(found.figures, config.gates, name=name)
    return AuditRecord(
        verdict=verdict_of(gates),
        gates=gates,
        funnel=funnel,
        shortfall={reason: sums[reason] for reason in _REASONS if sums.get(reason)},
        seconds=round(time.monotonic() - begin, 3),
        **parts,
    )


def _whose_clicks(pairs: PairsAgain, evidence: Evidence) -> list[Figure]:
    """Tell of the clicks that name another user than the impression that they fit."""
    joined, others = max(evidence.n_attributed, 1), pairs.of_other_user
    share = Figure("clicks_of_other_users", others / joined, detail=f"{others:,} clicks")
    if pairs.shared_ids is None:
        return [share]
    refused = evidence.counts["clicks"].reasons.get("user_differs", 0)
    detail = f"{refused:,} clicks rejected as user_differs" if pairs.shared_ids else ""
    return [share, Figure("shared_ids", pairs.shared_ids, detail=detail)]


def _labels(
    evidence: Evidence,
    labelled: Clicked | None,
    pairs: DataFrame,
    config: Config,
    day: CalendarDay,
) -> Figure:
    if labelled is None:
        raise ValueError("the clicked rows of ranking_samples are not known")
    ranking = evidence.staged["ranking_samples"]
    return label_figure(ranking, labelled, clicked_again(pairs, config, day), config)


def _samples(
    found: Measurements,
    evidence: Evidence,
    items: Items,
    positives: StagedPositives,
    pairs: Callable[[], PairsAgain],
    config: Config,
    day: CalendarDay,
    scratch: Scratch,
) -> tuple[int, dict[str, Any]]:
    """Measure positives and draws; return the candidates before down-sampling, and series."""
    staged, n = evidence.staged, evidence.totals["positives"]
    parts: dict[str, Any] = {}
    kept = found.take(
        (
            "positives_not_clicked",
            *(("clicks_outside_window",) if "click_ts" in positives.rows.columns else ()),
            *(("positives_missing",) if positives.complete else ()),
        ),
        lambda: positives_again(
            candidates_again(pairs().rows, config, day), positives, items, config
        ),
    )
    negatives = negatives_of(staged)
    if negatives is not None:
        draws = found.take(
            _OF_DRAWS,
            lambda: _drawn(negatives, items, evidence, config, day, scratch, n),
        )
        if drops_rows(config):
            log = evidence.logs["impressions"]
            found.take(
                ("negatives_in_dropped_rows",),
                lambda: (None, [dropped_figure(negatives, log, config, day)]),
            )
        if draws is not None and kept is not None:
            parts["bands"], parts["top_items"] = popularity_series(items, kept, draws)
            parts["log_q"] = log_q_histogram(items, draws)
    if "easy_negatives" in staged:
        easy, stats = staged["easy_negatives"], staged["item_stats"]
        n_items = len(items.key)
        stretch = stretch_of(n, day)
        found.take(
            ("q_differs",),
            lambda: (
                None,
                [wrong_q(easy, stats, config, stretch, n_items=n_items, limits=scratch.limits)],
            ),
        )
    return (0 if kept is None else kept.all_candidates), parts


def _hard(
    found: Measurements,
    evidence: Evidence,
    positives: StagedPositives | None,
    config: Config,
    day: CalendarDay,
    limits: Limits,
) -> tuple[HardOrigin, ...]:
    """Measure hard negatives; return where they come from."""
    logs, staged, n = evidence.logs, evidence.staged, evidence.totals["positives"]
    hard = hard_of(staged, config)
    if positives is None or hard is None or "ranking_log" not in logs or config.mix.n_hard == 0:
        return ()
    log = logs["ranking_log"]
    staged_hard = staged.get("hard_negatives")
    counted = evidence.counts["ranking_log"].stages
    origins = found.take(
        ("hard_not_logged", "hard_not_cut", "hard_went_on"),
        lambda: (
            () if staged_hard is None else hard_origins(staged_hard),
            [
                *hard_again(log, hard, config, day, n_positives=n, stages=counted, limits=limits),
                *unordered_rows(log, config, counted, day),
            ],
        ),
    )
    rows = positives.rows
    by_user = "user_id" in log.mapped and config.attribution.users != "impression"
    found.take(
        ("logged_request_share",),
        lambda: (
            None,
            [
                logged_requests(
                    rows, log.frame.where(on_date(log, day)), n_positives=n, by_user=by_user
                )
            ],
        ),
    )
    if "user_id" not in log.mapped and config.attribution.users != "impression":
        shown = logs["impressions"].frame.where(~F.col("filtered"))
        found.take(
            ("requests_of_several_users",),
            lambda: (None, [shared_requests(rows, shown, n_positives=n)]),
        )
    return origins or ()


def _drawn(
    negatives: DataFrame, items: Items, evidence: Evidence, config: Config, day: CalendarDay,
    scratch: Scratch, n: int,
) -> Any:  # fmt: skip
    draws = measure_draws(negatives, items, evidence.logs, config, day, scratch, n_positives=n)
    return draws, easy_figures(draws, items.weighed())


def _history(
    evidence: Evidence, positives: DataFrame, funnel: Funnel
) -> tuple[dict[str, float], list[Figure]]:
    stats = evidence.staged["item_stats"]
    volume = volume_of(positives, stats, exposed=funnel.exposed, clicked=funnel.clicked)
    figures = [
        Figure("history_unread", 0),
        *volume_figures(volume, evidence.earlier),
        *drift_figures(stats, evidence.items_before, volume, evidence.earlier),
    ]
    return volume, figures
