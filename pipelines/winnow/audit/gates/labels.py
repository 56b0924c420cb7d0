"""The labels of ranking_samples against the pairs that are joined again from the logs."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Gate, Measurement, none_of
from winnow.audit.gates.positives import ACTION_LABELS_DIFFER, CLICK_VALUES_DIFFER
from winnow.audit.gates.row_rules import table_counts
from winnow.audit.recompute.action_labels import label_columns, mislabelled
from winnow.audit.recompute.click_values import misvalued, value_columns
from winnow.audit.recompute.clicked import Clicked, click_hash, clicked_of, recomputed_clicks
from winnow.audit.recompute.pairs import date_pairs
from winnow.config.tree import Config

LABELS_DIFFER = none_of(
    "labels_differ",
    TABLES,
    "clicked rows of ranking_samples, with click and action, that the logs joined again do not "
    "have, or the other way round",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the clicked rows, where ranking_samples is written."""
    ranking = evidence.staged.get("ranking_samples")
    if ranking is None:
        return
    yield Measurement([LABELS_DIFFER.promised()], lambda: _of_logs(evidence))
    asked = {
        ACTION_LABELS_DIFFER: (label_columns, mislabelled),
        CLICK_VALUES_DIFFER: (value_columns, misvalued),
    }
    for gate, (columns, differing) in asked.items():
        if columns(ranking.columns, evidence.config):
            measure = partial(_clicked_rows, evidence, gate, differing)
            yield Measurement([gate.promised("ranking_samples")], measure)


def _clicked_rows(
    evidence: Evidence, gate: Gate, differing: Callable[[DataFrame, DataFrame, Config], int]
) -> Figure:
    """Count the rows that differ from the pairs that are joined again."""
    ranking, pairs = evidence.staged["ranking_samples"], date_pairs(evidence).rows
    return gate.figure(differing(ranking, pairs, evidence.config), "ranking_samples")


def _of_logs(evidence: Evidence) -> Figure:
    counts, config = table_counts(evidence, "ranking_samples"), evidence.config
    staged = Clicked(counts["clicked"], counts["clicked_total"] or Decimal(0))
    clicked = recomputed_clicks(date_pairs(evidence).rows, config, evidence.day)
    return label_figure(evidence.staged["ranking_samples"], staged, clicked, config)


def label_figure(ranking: DataFrame, staged: Clicked, clicked: DataFrame, config: Config) -> Figure:
    """Compare the clicked rows of ranking_samples with those of the logs, by sums of hashes.

    Only where these differ are the rows looked at once more.

    Args:
        ranking: ranking_samples, staged.
        staged: Its clicked rows.
        clicked: What ``recomputed_clicks`` returned.
        config: How a click finds its impression.
    """
    recomputed = clicked_of(clicked)
    if recomputed == staged:
        return LABELS_DIFFER.figure(0)
    detail = f"{staged.rows:,} clicked rows, {recomputed.rows:,} by the logs"
    hashes = ranking.where("label = 1").select(
        click_hash(config, F.unix_micros("click_ts")).alias("hash")
    )
    unfounded = hashes.join(clicked.select("hash"), "hash", how="left_anti").count()
    lost = clicked.join(hashes, "hash", how="left_anti").count()
    # Rows may repeat: that is as wrong as a row that is lost.
    strange = unfounded + lost
    repeated = staged.rows - hashes.distinct().count()
    return LABELS_DIFFER.figure(strange + repeated, detail=detail)
