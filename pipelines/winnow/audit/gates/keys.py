"""The staged tables as such: rows, keys, schemas, and who can read them."""

from collections.abc import Iterator, Sequence
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Gate, Measurement, none_of
from winnow.audit.gates.row_rules import table_counts
from winnow.audit.recompute.cascade import wanted_keys
from winnow.audit.recompute.index_order import each_once
from winnow.audit.recompute.kept_negatives import wanted_ranking_rows
from winnow.audit.recompute.wanted_rows import wanted_rows
from winnow.config.gates import Bounds, GateBounds
from winnow.contracts.repeated_keys import (
    KEPT,
    count_distinct_keys,
    key_census,
    repeated_hashes,
)
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.spark.limits import Limits

ROWS = Gate(
    "rows",
    TABLES,
    "rows",
    "rows of the table: an empty one proves nothing",
    GateBounds(fail=Bounds(least=1)),
)
DUPLICATE_KEYS = none_of("duplicate_keys", TABLES, "rows that repeat the key of another row")
ROWS_DIFFER = none_of(
    "rows_differ",
    TABLES,
    "rows of the table, less those that were sampled or shown",
)
SCHEMA_DIFFERS = none_of(
    "schema_differs", TABLES, "columns that are not as in the contract", "columns"
)
READER_PROTOCOL = Gate(
    "reader_protocol",
    TABLES,
    "version",
    "Delta reader protocol: 1 is known to every reader",
    GateBounds(fail=Bounds(most=1)),
    absolute=True,
)

_MUST_HOLD_ROWS = (
    "positives",
    "training_samples",
    "easy_negatives",
    "item_stats",
    "ranking_samples",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure every table."""
    highest = max(evidence.protocols.values(), default=1)
    yield Measurement([READER_PROTOCOL.promised()], lambda: READER_PROTOCOL.figure(highest))
    for name in evidence.staged:
        files, contract = evidence.files[name], evidence.contracts[name]
        yield Measurement(
            [SCHEMA_DIFFERS.promised(name)], partial(schema_figure, name, files, contract)
        )
        yield Measurement([DUPLICATE_KEYS.promised(name)], partial(key_figures, evidence, name))


def key_figures(evidence: Evidence, name: str) -> list[Figure]:
    """Count a table's rows and its repeated keys.

    Distinct 64-bit hashes prove distinct keys, and only 8 bytes a row cross the network; where
    hashes repeat, the full columns decide. Of few rows the engine counts them in the same pass.
    """
    counts, wanted = table_counts(evidence, name), wanted_rows(evidence).get(name)
    rows, key, n_rows = evidence.staged[name], evidence.contracts[name].key, counts["rows"]
    limits, n_hashes = evidence.scratch.limits, counts.get("keys")
    # A vast item_stats is written in the order of its ids, which then need no hashes.
    if name == "item_stats" and n_rows > limits.audited_items and each_once(rows):
        n_repeated = 0
    else:
        n_repeated = repeated_keys(rows, key, n_rows, n_hashes, limits)
    figures = [DUPLICATE_KEYS.figure(n_repeated, name)]
    if wanted is None and _is_sampled(evidence, name):
        wanted = wanted_ranking_rows(evidence)
    elif name == "cascade_samples":
        wanted = wanted_keys(evidence)
    if wanted is not None:
        detail = f"{n_rows:,} rows, {wanted:,} were made"
        figures.append(ROWS_DIFFER.figure(n_rows - wanted, name, detail=detail))
    # A config may ask for no draws, and a user may have been shown the whole catalogue.
    may_be_empty = evidence.allow_empty or (name == "easy_negatives" and wanted == 0)
    if name in _MUST_HOLD_ROWS and not may_be_empty:
        figures.append(ROWS.figure(n_rows, name))
    return figures


def _is_sampled(evidence: Evidence, name: str) -> bool:
    """Return whether a hash chose the table's rows among impressions that the log tells."""
    knows_all = "viewed" not in evidence.logs["impressions"].mapped
    sampled = evidence.config.ranking.negative_keep is not None
    return name == "ranking_samples" and sampled and knows_all


def repeated_keys(
    rows: DataFrame, key: Sequence[str], n_rows: int, n_hashes: int | None, limits: Limits
) -> int:
    """Return how many rows have a key that one before them has.

    Args:
        rows: The table.
        key: The columns of its key.
        n_rows: How many rows there are.
        n_hashes: How many hashes of keys there are, where they have been counted.
        limits: How much is compared at a time.
    """
    if n_hashes is None:
        repeated = repeated_hashes(key_census(rows, key, F.lit(KEPT), n_rows, limits=limits))
        return n_rows - count_distinct_keys(rows, key, n_rows, repeated, limits)
    return 0 if n_hashes == n_rows else n_rows - rows.select(*key).distinct().count()


def schema_figure(name: str, rows: DataFrame, contract: TableContract) -> Figure:
    """Compare names, order and types of a table's columns with its contract; no job runs."""
    wanted = [(field.name, field.dataType) for field in spark_schema(contract)]
    found = [(field.name, field.dataType) for field in rows.schema]
    different = sorted({n for n, _ in set(map(_text, wanted)) ^ set(map(_text, found))})
    moved = [] if different or wanted == found else ["the order of columns"]
    listed = ", ".join([*different, *moved])
    return SCHEMA_DIFFERS.figure(len(different) + len(moved), name, detail=listed)


def _text(column: tuple[str, object]) -> tuple[str, str]:
    return column[0], str(column[1])
