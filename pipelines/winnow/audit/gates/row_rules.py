"""What a row of a table must hold by itself, whatever the other rows say, counted in one pass.

The rules themselves stand in ``recompute/row_rules.py``.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.gate import EASY, HARD, POSITIVES, TABLES, Figure, Gate, Measurement, none_of
from winnow.audit.gates.shuffle import SHUFFLE_KEY_DIFFERS
from winnow.audit.recompute.action_labels import label_columns, no_labels
from winnow.audit.recompute.click_values import no_values, value_columns
from winnow.audit.recompute.clicked import clicked_sums
from winnow.audit.recompute.hashed_keys import hashed_key, rows_per_hash
from winnow.audit.recompute.row_rules import (
    click_fits,
    drawn_by_chance,
    examined_as_given,
    expected_split,
    in_its_band,
    kept_by_its_hash,
    tells_what_is_conditional,
    weight_fits,
)
from winnow.audit.recompute.row_sample import RowSample, aggregate, positives_sample
from winnow.audit.recompute.wanted_rows import most_rows, wanted_rows
from winnow.config.tree import Config
from winnow.contracts.needed_dates import dates_needed, missing_later_dates
from winnow.dates import CalendarDay

SAMPLE_ID_DIFFERS = none_of(
    "sample_id_differs",
    TABLES,
    "rows whose sample_id is not the hash of user, request and item",
)
SPLIT_DIFFERS = none_of(
    "split_differs",
    TABLES,
    "rows whose split is not the one of their user's hash, or of their date",
)
SHARD_DIFFERS = none_of(
    "shard_differs",
    TABLES,
    "rows whose shard is not the one of the hash of their key",
)
MATURE_DIFFERS = none_of(
    "mature_differs",
    TABLES,
    "rows that are called mature though later dates of a window are missing, or the other way "
    "round",
)
CLICK_COLUMNS_DIFFER = none_of(
    "click_columns_differ",
    TABLES,
    "rows of ranking_samples whose label, click_ts, action_type and click_delay_ms do not fit "
    "together, or whose actions have labels without a click",
)
EXAMINATION_DIFFERS = none_of(
    "examination_differs",
    TABLES,
    "rows of ranking_samples whose examination_prob is not the config's of their position",
)
NEGATIVE_KEEP_DIFFERS = none_of(
    "negative_keep_differs",
    TABLES,
    "rows of ranking_samples whose neg_keep_prob is not the config's of their label, or that have "
    "no click and a hash that does not keep them",
)
SAMPLE_WEIGHT_DIFFERS = none_of(
    "sample_weight_differs",
    POSITIVES,
    "rows whose sample_weight is not what their action_type, and their value, weigh by the config",
)
HARD_BAND_DIFFERS = none_of(
    "hard_band_differs",
    HARD,
    "hard negatives whose rank does not fit the band or the size of their stage, or is not known "
    "where the band needs it",
)
INCL_PROB_DIFFERS = none_of(
    "incl_prob_differs",
    HARD,
    "rows whose incl_prob cannot be chosen / candidates: in (0, 1] and the same for all of a "
    "positive where chance chose, else NULL",
)

LOG_Q_CONDITIONAL_DIFFERS = none_of(
    "log_q_conditional_differs",
    EASY,
    "rows that do not say of just the draws of sources with distinct that their log_q is "
    "conditional on earlier ones",
)

_LONG = ("hard_negatives", "training_samples_pointwise")


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the rules of every table that has any."""
    for name, rows in evidence.staged.items():
        mature = is_mature(evidence)
        broken = broken_rules(name, rows.columns, evidence.config, evidence.day, mature=mature)
        if broken:
            yield Measurement(
                [gate.promised(name) for gate in broken],
                partial(_figures, evidence, name, tuple(broken)),
            )


def _figures(evidence: Evidence, name: str, gates: tuple[Gate, ...]) -> list[Figure]:
    counts, detail = table_counts(evidence, name), positives_sample(evidence).described()
    return [gate.figure(counts[gate.name], name, detail=detail) for gate in gates]


def is_mature(evidence: Evidence) -> bool:
    """Return whether the logs have all later dates that belong to the build."""
    needs = dates_needed(evidence.config, evidence.day.date)
    return not missing_later_dates(evidence.logs, needs)


@once
def table_counts(evidence: Evidence, name: str) -> dict[str, Any]:
    """Count a table's rows, those that break a rule, and hashes of keys, as ``count_table``."""
    most = wanted_rows(evidence).get(name, most_rows(evidence, name))
    return count_table(
        name,
        evidence.staged[name],
        evidence.contracts[name].key,
        evidence.config,
        evidence.day,
        positives_sample(evidence),
        mature=is_mature(evidence),
        with_keys=most is None or most <= evidence.scratch.limits.hashed_keys,
    )


def count_table(
    name: str,
    rows: DataFrame,
    key: Sequence[str],
    config: Config,
    day: CalendarDay,
    row_sample: RowSample,
    *,
    mature: bool,
    with_keys: bool,
) -> dict[str, Any]:
    """Count a table in one pass, or in a second one over the row sample of it.

    Args:
        name: The table's name. rows: The table, staged. key: The columns of its key.
        config: What its rows were made by. day: The date.
        row_sample: The rows that the rules on single rows are looked at in.
        mature: Whether the logs have all later dates that belong to the build.
        with_keys: Whether different hashes of keys are counted as well.

    Returns:
        ``rows``; ``keys``, where asked for; the rows that break a rule, by its gate's name; and of
        ranking_samples ``clicked`` and ``clicked_total`` (``clicked_sums``).

    Raises:
        ValueError: Too few rows lie in the row sample.
    """
    broken = broken_rules(name, rows.columns, config, day, mature=mature)
    has_labels = name == "ranking_samples" and "click_ts" in rows.columns
    keys = {"keys": F.count_distinct(F.xxhash64(*key))} if with_keys else {}
    return aggregate(
        rows,
        row_sample,
        {"rows": F.count(F.lit(1)), **keys, **(clicked_sums(config) if has_labels else {})},
        {gate.name: F.count_if(is_broken) for gate, is_broken in broken.items()},
        rows_per_positive=rows_per_hash(name, config),
    )


def broken_rules(
    table: str, columns: Collection[str], config: Config, day: CalendarDay, *, mature: bool
) -> dict[Gate, Column]:
    """Return the gates on single rows of a table: each with whether a row breaks it, never NULL.

    Args:
        table: The table's name.
        columns: The columns that it has; what it does not know is not judged.
        config: Seed, split, shards, weights of actions, and how hard negatives are chosen.
        day: The date.
        mature: Whether the logs have all later dates that belong to the build.
    """
    key = hashed_key(table)
    kept: dict[Gate, Column] = {}
    if "sample_id" in columns:
        kept[SAMPLE_ID_DIFFERS] = F.col("sample_id") == F.xxhash64(*key.columns)
    if "split" in columns:
        kept[SPLIT_DIFFERS] = F.col("split") == expected_split(config, day)
    if "shard" in columns:
        hashed = F.xxhash64(F.lit(config.seed), F.lit("shard"), *key.columns)
        kept[SHARD_DIFFERS] = F.col("shard") == F.pmod(hashed, F.lit(config.shards))
    if "shuffle_key" in columns and key.in_engine:
        hashed = F.xxhash64(F.lit(config.seed), F.lit("shuffle"), *key.columns)
        kept[SHUFFLE_KEY_DIFFERS] = F.col("shuffle_key") == hashed
    if "mature" in columns:
        kept[MATURE_DIFFERS] = F.col("mature") == F.lit(mature)
    by_value = config.positives.weight_by
    if "sample_weight" in columns and (by_value is None or by_value.value in columns):
        kept[SAMPLE_WEIGHT_DIFFERS] = weight_fits(config)
    if "incl_prob" in columns and table in _LONG:
        kept[INCL_PROB_DIFFERS] = drawn_by_chance(table, config)
    conditional = {"log_q_conditional", "neg_log_q_conditional"} & set(columns)
    if conditional:
        kept[LOG_Q_CONDITIONAL_DIFFERS] = tells_what_is_conditional(config, *conditional)
    if "stage_rank" in columns:
        kept[HARD_BAND_DIFFERS] = in_its_band(config)
    if "click_delay_ms" in columns:
        labels = label_columns(columns, config)
        nothing = no_labels(labels) & no_values(value_columns(columns, config))
        unclicked = F.coalesce(F.col("label") == 1, F.lit(False)) | nothing
        kept[CLICK_COLUMNS_DIFFER] = click_fits() & unclicked
    if "examination_prob" in columns:
        kept[EXAMINATION_DIFFERS] = examined_as_given(config)
    if "neg_keep_prob" in columns:
        kept[NEGATIVE_KEEP_DIFFERS] = kept_by_its_hash(config)
    return {gate: ~F.coalesce(holds, F.lit(False)) for gate, holds in kept.items()}
