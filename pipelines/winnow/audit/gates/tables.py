"""Inputs and staged tables, one after the other: what each says by itself and beside the others."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.figure import Figure
from winnow.audit.gates.agreement import agreement_figures, compared_tables
from winnow.audit.gates.impressions import impression_figures, told_impressions
from winnow.audit.gates.inputs import input_figures
from winnow.audit.gates.keys import key_figures, schema_figure, wanted_rows
from winnow.audit.gates.mix import mix_figures
from winnow.audit.gates.plausibility import nobody_figures, top_user_share
from winnow.audit.gates.row_rules import broken_rules
from winnow.audit.gates.shuffle import shuffle_figure, shuffled_tables
from winnow.audit.measurements import Measurements
from winnow.audit.recompute.items import wrong_impressions
from winnow.audit.recompute.labels import Clicked
from winnow.audit.recompute.row_sample import stretch_of
from winnow.config.tree import Config
from winnow.contracts.needed_dates import dates_needed, missing_later_dates
from winnow.contracts.rows import on_date
from winnow.dates import CalendarDay

_OF_MIX = (
    "negatives_unaccounted",
    "lists_uneven",
    "shortfall_unexplained",
    "mix_differs",
    "incl_prob_differs.training_samples",
)


def measure_tables(
    found: Measurements, evidence: Evidence, config: Config, day: CalendarDay
) -> tuple[Mapping[str, int], Clicked | None]:
    """Measure inputs and tables.

    Args:
        found: Keeps the figures.
        evidence: The staged tables and what they are compared with.
        config: What was asked for.
        day: The date.

    Returns:
        What all positives were given (``mix.mix_figures``), and the clicked rows of
        ranking_samples, None where they are not known.
    """
    staged = evidence.staged
    found.take(
        ("clicks_unaccounted",),
        lambda: (
            None,
            input_figures(evidence.counts, staged["rejected"], n_attributed=evidence.n_attributed),
        ),
    )
    found.figures += nobody_figures(evidence.counts)
    found.take(("top_user_share.impressions",), lambda: (None, [_top_user(evidence, day)]))
    if evidence.history_share is not None:
        found.figures.append(Figure("history_share", evidence.history_share))
    wanted = wanted_rows(evidence.totals, evidence.counts, evidence.logs)
    labelled, n_positives = None, evidence.totals["positives"]
    stretch = stretch_of(n_positives, day)
    mature = not missing_later_dates(evidence.logs, dates_needed(config, day.date))
    for name in staged:
        rules = broken_rules(name, staged[name].columns, config, day, mature=mature)
        found.take(
            (f"schema_differs.{name}",),
            lambda name=name: (None, [_schema(evidence, name)]),  # type: ignore[misc]
        )
        clicked = found.take(
            tuple(f"{gate}.{name}" for gate in ("duplicate_keys", *rules)),
            lambda name=name: key_figures(  # type: ignore[misc]
                name,
                staged[name],
                evidence.contracts[name],
                wanted.get(name),
                config,
                day,
                mature=mature,
                allow_empty=evidence.allow_empty,
                stretch=stretch,
            ),
        )
        labelled = clicked or labelled
    if "ranking_samples" in staged and "ranking_samples" in wanted:
        shown = staged["item_stats"], staged["ranking_samples"]
        found.take(("item_impressions_differ",), lambda: (None, [wrong_impressions(*shown)]))
    log = evidence.logs["impressions"]
    told = told_impressions(staged, log)
    if told:
        n = {"n_positives": n_positives, "n_rows": evidence.counts["impressions"].valid}
        found.take(
            tuple(f"impressions_differ.{name}" for name in told),
            lambda: (None, impression_figures(told, log, day, **n)),
        )
    compared = tuple(f"tables_disagree.{name}" for name in compared_tables(staged))
    if compared:
        found.take(compared, lambda: (None, agreement_figures(staged, stretch)))
    for name in shuffled_tables(staged):
        found.take(
            (f"shuffle_key_differs.{name}",),
            lambda name=name: _shuffled(name, staged[name], config, stretch.one_in),  # type: ignore[misc]
        )
    highest = max(evidence.protocols.values(), default=1)
    found.figures.append(Figure("reader_protocol", highest))
    if "training_samples" not in staged:
        return evidence.totals, labelled
    samples = staged["training_samples"]
    sums = found.take(_OF_MIX, lambda: _swapped(mix_figures(samples, config, stretch)))
    return sums or evidence.totals, labelled


def _top_user(evidence: Evidence, day: CalendarDay) -> Figure:
    """Judge what one user was shown; where no table has all impressions, by the log."""
    if "ranking_samples" in evidence.staged:
        rows = evidence.staged["ranking_samples"]
    else:
        log = evidence.logs["impressions"]
        rows = log.frame.where(on_date(log, day) & F.col("valid"))
    return top_user_share(rows, "impressions", evidence.counts["impressions"].valid)


def _schema(evidence: Evidence, name: str) -> Figure:
    return schema_figure(name, evidence.files[name], evidence.contracts[name])


def _shuffled(name: str, rows: DataFrame, config: Config, one_in: int) -> tuple[None, list[Figure]]:
    return None, [shuffle_figure(name, rows, config, one_in)]


def _swapped(pair: tuple[list[Figure], dict[str, int]]) -> tuple[dict[str, int], list[Figure]]:
    return pair[1], pair[0]
