"""Every table of a date as a frame in its contract's columns, from groups, pairs and logs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.assembly import tables
from pipelines.assembly.item_stats import item_stats
from pipelines.assembly.pointwise import pointwise
from pipelines.assembly.ranking_samples import ranking_samples
from pipelines.assembly.samples import Candidates, orders_by_score
from pipelines.config.tree import Config
from pipelines.contracts.counts import RowCounts
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rows import deduplicated, on_date, valid_rows
from pipelines.contracts.tables import TableContract, table_contract


@dataclass(frozen=True)
class Made:
    """What the tables are made of.

    Attributes:
        logs: The conformed logs. counts: Their rows.
        repeated: Of each log, which keys are repeated (``repeated_hashes``).
        groups: The staged sample groups. n_groups: How many there are.
        pairs: The pairs of the date. n_pairs: How many there are.
        candidates: The date's items.
        rejected: The rejected rows.
        mature: Whether the attribution window is complete.
    """

    logs: Mapping[str, Log]
    counts: Mapping[str, RowCounts]
    repeated: Mapping[str, DataFrame]
    groups: DataFrame
    n_groups: int
    pairs: DataFrame
    n_pairs: int
    candidates: Candidates
    rejected: DataFrame
    mature: bool


def contracts(config: Config, logs: Mapping[str, Log]) -> dict[str, TableContract]:
    """Return the resolved contracts of the tables that are written, in the order of promotion."""
    carry = logs["impressions"].carry
    return {
        name: table_contract(name).resolved(config.ids, carry) for name in config.tables_written
    }


def published_frames(
    made: Made,
    contracts: Mapping[str, TableContract],
    config: Config,
    day: CalendarDay,
    *,
    spark: SparkSession,
) -> Iterator[tuple[str, DataFrame]]:
    """Give each table's name and frame; a frame is lazy and reads staged files."""
    groups = tables.with_placement(made.groups, config, day.date, mature=made.mature)

    def training_samples_pointwise(contract: TableContract) -> DataFrame:
        listwise = table_contract("training_samples").resolved(config.ids)
        return pointwise(tables.training_samples(groups, listwise, config), contract)

    def hard_negatives(contract: TableContract) -> DataFrame:
        scored = orders_by_score(made.logs)
        return tables.hard_negatives(groups, contract, config, scored=scored)

    def all_impressions(contract: TableContract) -> DataFrame:
        return ranking_samples(
            shown_on(made, day),
            made.pairs,
            contract,
            config,
            day.date,
            mature=made.mature,
            knows_viewed="viewed" in made.logs["impressions"].mapped,
            n_pairs=made.n_pairs,
        )

    def all_items(contract: TableContract) -> DataFrame:
        return item_stats(
            made.candidates.eligibility,
            shown_on(made, day),
            made.groups,
            contract,
            day.date,
            n_positives=made.n_groups,
        )

    makers: dict[str, Callable[[TableContract], DataFrame]] = {
        "positives": lambda contract: tables.positives(groups, contract),
        "easy_negatives": lambda contract: tables.easy_negatives(groups, contract),
        "hard_negatives": hard_negatives,
        "training_samples": lambda contract: tables.training_samples(groups, contract, config),
        "training_samples_pointwise": training_samples_pointwise,
        "ranking_samples": all_impressions,
        "item_stats": all_items,
        "rejected": lambda _: made.rejected,
    }
    for name, contract in contracts.items():
        yield name, makers[name](contract)


def shown_on(made: Made, day: CalendarDay) -> DataFrame:
    """Return the valid impressions of the date, one row per key."""
    log = made.logs["impressions"]
    rows, duplicates = valid_rows(log).where(on_date(log, day)), made.counts[log.name].duplicate
    repeated = made.repeated[log.name]
    return deduplicated(rows, log.contract, repeated=repeated, duplicates=duplicates)


def totals(groups: DataFrame, reasons: tuple[str, ...]) -> dict[str, int]:
    """Count what the sample groups hold, in one pass.

    Returns:
        ``positives``, ``easy``, ``hard``, ``fill``, ``shortfall``, and one entry per reason with
        the negatives that were missing for it, fills included.
    """
    missing = F.col("hard_missing")
    easy_missing = F.col("n_fill") + F.col("shortfall") - missing
    by_reason = [
        F.sum(F.when(F.col("hard_reason") == code, missing).otherwise(0)).alias(reason)
        for code, reason in enumerate(reasons[:-1])
    ]
    row = groups.agg(
        F.count(F.lit(1)).alias("positives"),
        F.sum("n_easy").alias("easy"),
        F.sum("n_hard").alias("hard"),
        F.sum("n_fill").alias("fill"),
        F.sum("shortfall").alias("shortfall"),
        *by_reason,
        F.sum(easy_missing).alias(reasons[-1]),
    ).collect()[0]
    return {name: int(value or 0) for name, value in row.asDict().items()}
