"""The staged tables as such: keys, sums, schemas."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.figure import Figure
from winnow.audit.gates.row_rules import broken_rules
from winnow.audit.recompute.labels import Clicked, clicked_sums
from winnow.audit.recompute.row_sample import Stretch, aggregate
from winnow.config.tree import Config
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.repeated_keys import (
    KEPT,
    count_distinct_keys,
    key_census,
    repeated_hashes,
)
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.dates import CalendarDay

_MUST_HOLD_ROWS = (
    "positives",
    "training_samples",
    "easy_negatives",
    "item_stats",
    "ranking_samples",
)


_ROW_PER_KEY = ("positives", "training_samples", "ranking_samples")
"""Tables in which no two rows share a ``shuffle_key``; in others those of a positive do."""

_MOST_HASHED = 1_000_000
"""Above so many keys their hashes are sorted: Sail, merging sets of ten million, takes one second
or, with the same rows, nine."""


def wanted_rows(
    totals: Mapping[str, int], counts: Mapping[str, RowCounts], logs: Mapping[str, Log]
) -> dict[str, int]:
    """Return how many rows tables must have: what was sampled, or what was shown.

    Args:
        totals: Positives and negatives of the sample groups.
        counts: Where the rows of each log went. logs: The logs.
    """
    n, easy, hard = totals["positives"], totals["easy"] + totals["fill"], totals["hard"]
    wanted = {
        "positives": n,
        "training_samples": n,
        "easy_negatives": easy,
        "hard_negatives": hard,
        "training_samples_pointwise": n + easy + hard,
    }
    if "viewed" not in logs["impressions"].mapped:
        shown = counts["impressions"]
        wanted["ranking_samples"] = shown.valid - shown.not_chosen
    return wanted


def key_figures(
    name: str,
    rows: DataFrame,
    contract: TableContract,
    wanted: int | None,
    config: Config,
    day: CalendarDay,
    *,
    mature: bool,
    allow_empty: bool,
    stretch: Stretch,
) -> tuple[Clicked | None, list[Figure]]:
    """Count a table's rows, its repeated keys, and the rows that break a rule.

    Distinct 64-bit hashes prove distinct keys, and only 8 bytes a row cross the network; where
    hashes repeat, the full columns decide. Of few rows the engine counts them in the same pass.

    Args:
        name: The table's name.
        rows: The table, staged.
        contract: Its contract.
        wanted: How many rows it must have; None where that is not known.
        config: What its rows were made by.
        day: The date.
        mature: Whether the logs have all later dates that belong to the build.
        allow_empty: Whether it may be empty.
        stretch: The rows that the rules on single rows are looked at in.

    Returns:
        The clicked rows of ranking_samples, None for another table; and the figures.

    Raises:
        ValueError: Too few rows lie in the stretch.
    """
    broken = broken_rules(name, rows.columns, config, day, mature=mature)
    has_labels = name == "ranking_samples" and "click_ts" in rows.columns
    sums = clicked_sums(config) if has_labels else {}
    few = wanted is None or wanted <= _MOST_HASHED
    keys = {"keys": F.count_distinct(F.xxhash64(*contract.key))} if few else {}
    counts = aggregate(
        rows,
        stretch,
        {"rows": F.count(F.lit(1)), **keys, **sums},
        {gate: F.count_if(is_broken) for gate, is_broken in broken.items()},
        rows_per_positive=1 if name in _ROW_PER_KEY else 1 + config.mix.negatives_per_positive,
    )
    n_hashes = counts["keys"] if few else None
    repeated = _repeated_keys(rows, contract.key, counts["rows"], n_hashes)
    figures = [Figure("duplicate_keys", repeated, name)]
    if wanted is not None:
        detail = f"{counts['rows']:,} rows, {wanted:,} were made"
        figures.append(Figure("rows_differ", counts["rows"] - wanted, name, detail=detail))
    # A config may ask for no draws, and a user may have been shown the whole catalogue.
    may_be_empty = allow_empty or (name == "easy_negatives" and wanted == 0)
    if name in _MUST_HOLD_ROWS and not may_be_empty:
        figures.append(Figure("rows", counts["rows"], name))
    figures += [Figure(gate, counts[gate], name, detail=stretch.told()) for gate in broken]
    if not sums:
        return None, figures
    return Clicked(counts["clicked"], counts["clicked_total"] or Decimal(0)), figures


def _repeated_keys(rows: DataFrame, key: Sequence[str], n_rows: int, n_hashes: int | None) -> int:
    """Return how many rows have a key that one before them has.

    Args:
        rows: The table.
        key: The columns of its key.
        n_rows: How many rows there are.
        n_hashes: How many hashes of keys there are, where they have been counted.
    """
    if n_hashes is None:
        repeated = repeated_hashes(key_census(rows, key, F.lit(KEPT), n_rows))
        return n_rows - count_distinct_keys(rows, key, n_rows, repeated)
    return 0 if n_hashes == n_rows else n_rows - rows.select(*key).distinct().count()


def schema_figure(name: str, rows: DataFrame, contract: TableContract) -> Figure:
    """Compare names, order and types of a table's columns with its contract; no job runs."""
    wanted = [(field.name, field.dataType) for field in spark_schema(contract)]
    found = [(field.name, field.dataType) for field in rows.schema]
    different = sorted({n for n, _ in set(map(_text, wanted)) ^ set(map(_text, found))})
    moved = [] if different or wanted == found else ["the order of columns"]
    listed = ", ".join([*different, *moved])
    return Figure("schema_differs", len(different) + len(moved), name, detail=listed)


def _text(column: tuple[str, object]) -> tuple[str, str]:
    return column[0], str(column[1])
