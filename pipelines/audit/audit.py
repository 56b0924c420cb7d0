"""All gates of a build, on the staged tables and on logs that are read again."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.audit.exclusion import exclusion_gates
from pipelines.audit.gates import Gate, exactly
from pipelines.audit.structure import conservation_gates, unique_key_gate
from pipelines.config.tree import Config
from pipelines.contracts.counts import RowCounts
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rows import readable_rows
from pipelines.contracts.tables import TableContract


def audit(
    staged: Mapping[str, DataFrame],
    contracts: Mapping[str, TableContract],
    counts: Mapping[str, RowCounts],
    logs: Mapping[str, Log],
    config: Config,
    day: CalendarDay,
    *,
    n_attributed: int,
) -> list[Gate]:
    """Run every gate and return them all, passed or not.

    Args:
        staged: The staged tables, read back. contracts: Their contracts.
        counts: Where the rows of each log went, orphans among the rejected.
        logs: Impressions and clicks, opened again for the audit.
        config: The exclusion window.
        day: The date.
        n_attributed: Clicks of the date that were joined to an impression.
    """
    gates = [unique_key_gate(rows, contracts[name]) for name, rows in staged.items()]
    gates += conservation_gates(staged)
    gates += [_log_gate(name, count) for name, count in counts.items()]
    rejected = sum(count.rejected for count in counts.values())
    gates.append(
        exactly(
            "rejected_rows_are_kept",
            staged["rejected"].count(),
            rejected,
            "rows in rejected, against those that the logs' rules rejected",
        )
    )
    gates.append(
        exactly(
            "clicks_are_attributed_or_orphans",
            n_attributed,
            counts["clicks"].valid,
            "clicks that were joined to an impression, against valid clicks that are no orphans",
        )
    )
    if negatives := _negatives(staged):
        gates += exclusion_gates(
            negatives,
            readable_rows(logs["impressions"]),
            readable_rows(logs["clicks"]),
            config.exclusion,
            day,
        )
    return gates


def _negatives(staged: Mapping[str, DataFrame]) -> list[DataFrame]:
    """Return every staged table of negatives as (user_id, neg_item_id): none is taken on trust."""
    tables = [staged[name] for name in ("easy_negatives", "hard_negatives") if name in staged]
    if "training_samples" in staged:
        exploded = F.explode("neg_item_ids").alias("neg_item_id")
        tables.append(staged["training_samples"].select("user_id", exploded))
    if "training_samples_pointwise" in staged:
        rows = staged["training_samples_pointwise"].where(F.col("label") == 0)
        tables.append(rows.select("user_id", F.col("item_id").alias("neg_item_id")))
    return tables


def _log_gate(name: str, count: RowCounts) -> Gate:
    parts = count.valid + count.duplicate + count.rejected + count.filtered + count.other_date
    return exactly(
        f"rows_of_{name}_add_up",
        parts,
        count.read,
        f"rows of {name} that are valid, duplicate, rejected, filtered or of another date, "
        "against those that were read",
    )
