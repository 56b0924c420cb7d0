"""Keys are unique, every requested negative is accounted for, and every reader can read it."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.audit.gates import Gate, exactly
from pipelines.config.sampling import Mix
from pipelines.contracts.tables import TableContract


def unique_key_gate(rows: DataFrame, contract: TableContract) -> Gate:
    """Count the rows of a table that repeat the key of another row.

    Distinct 64-bit hashes prove distinct keys, and only 8 bytes a row cross the network; where
    hashes repeat, the full columns decide.
    """
    key = F.xxhash64(*contract.key)
    counted = rows.agg(F.count(F.lit(1)).alias("rows"), F.count_distinct(key).alias("keys"))
    counts = counted.collect()[0]
    repeated = counts["rows"] - counts["keys"]
    if repeated > 0:
        repeated = counts["rows"] - rows.select(*contract.key).distinct().count()
    return exactly(
        f"unique_key_{contract.table}", repeated, 0, f"rows of {contract.table} that repeat a key"
    )


def conservation_gates(staged: Mapping[str, DataFrame]) -> list[Gate]:
    """Check requested = easy + hard + fill + shortfall, on every row and against the long tables.

    Args:
        staged: Staged tables by name; those that are not written are left out.
    """
    if "training_samples" not in staged:
        return []
    n_easy, n_hard, n_fill = F.col("n_easy"), F.col("n_hard"), F.col("n_fill")
    given = n_easy + n_hard + n_fill
    lists = ("neg_item_ids", "neg_source", "neg_hardness", "neg_log_q", "neg_incl_prob")
    uneven = F.lit(False)
    for name in lists:
        uneven = uneven | (F.size(name) != given)
    missing = F.aggregate("shortfall_counts", F.lit(0), lambda total, n: total + n)
    row = (
        staged["training_samples"]
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.count_if(F.col("n_requested") != given + F.col("shortfall")).alias("unbalanced"),
            F.count_if(uneven).alias("uneven"),
            F.count_if(missing != n_fill + F.col("shortfall")).alias("unexplained"),
            F.coalesce(F.sum(n_easy + n_fill), F.lit(0)).alias("easy"),
            F.coalesce(F.sum(n_hard), F.lit(0)).alias("hard"),
        )
        .collect()[0]
    )
    gates = [
        exactly(
            "negatives_add_up",
            row["unbalanced"],
            0,
            "positives whose easy, hard, fill and missing negatives do not add up to the request",
        ),
        exactly(
            "lists_have_one_length",
            row["uneven"],
            0,
            "positives whose lists of negatives differ in length from their counts",
        ),
        exactly(
            "shortfall_is_explained",
            row["unexplained"],
            0,
            "positives whose reasons do not add up to fill and shortfall",
        ),
    ]
    expected = {"positives": row["rows"], "easy_negatives": row["easy"]}
    expected["hard_negatives"] = row["hard"]
    gates += [
        exactly(
            f"{table}_match_training_samples",
            staged[table].count(),
            rows,
            f"rows of {table}, against what training_samples holds",
        )
        for table, rows in expected.items()
        if table in staged
    ]
    return gates


def requested_gate(sums: Mapping[str, int], mix: Mix) -> Gate:
    """Check requested = easy + hard + fill + shortfall over all sample groups."""
    parts = sum(sums[name] for name in ("easy", "hard", "fill", "shortfall"))
    return exactly(
        "requested_negatives_add_up",
        parts,
        sums["positives"] * mix.negatives_per_positive,
        "easy, hard, fill and missing negatives, against those that were asked for",
    )


def reader_protocol_gate(protocols: Mapping[str, int]) -> Gate:
    """Check that every table has Delta reader protocol 1, which every reader knows.

    Args:
        protocols: The reader version of each table that the staged rows will be promoted to.
    """
    return exactly(
        "reader_protocol",
        max(protocols.values(), default=1),
        1,
        "highest Delta reader protocol of the tables",
    )
