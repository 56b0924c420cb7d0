"""What the tables of a date are made of, and the frames of those that are made of the logs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.repeated_keys import repeated_hashes
from winnow.contracts.rows import chosen_rows, deduplicated_where_repeated, on_date, valid_rows
from winnow.contracts.tables import TableContract, table_contract
from winnow.events.stage_orders import StageOrders
from winnow.events.user_attributes import with_users
from winnow.frequency.estimator import StreamingFrequency
from winnow.frequency.state import state_of
from winnow.run import Run
from winnow.sampler.group_columns import missing_column
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.spark.sized import Sized
from winnow.tables.cascade_samples import cascade_samples
from winnow.tables.evaluation_samples import evaluation_samples
from winnow.tables.history_state import EarlierState, history_state
from winnow.tables.item_stats import item_stats
from winnow.tables.of_groups import with_placement
from winnow.tables.ranking_samples import ranking_samples
from winnow.tables.request_samples import request_samples
from winnow.tables.stage_values import StageLog
from winnow.tables.user_sequences import user_sequences

OF_LOGS_ALONE = ("ranking_samples", "cascade_samples", "rejected")
"""The tables of which no sampled row is a part."""


@dataclass(frozen=True)
class TableInputs:
    """What the tables are made of.

    Attributes:
        logs: The conformed logs.
        shown: The valid impressions of the date that may become positives, one row per key, and
            how many there are.
        groups: The staged sample groups.
        pairs: The pairs of the date.
        catalogue: The date's items.
        rejected: The rejected rows.
        orders: What orders the stages of the ranking log.
        mature: Whether the attribution window is complete.
        users: What ``staged_users`` returned.
        frequency: The running estimate after the batches of the date, where one is asked for.
        history: The state of an earlier date that histories go on from; None where they are of the
            click log alone.
        pools: What is in the pools of batches, where they are asked for.
    """

    logs: Mapping[str, Log]
    shown: Sized
    groups: Sized
    pairs: Sized
    catalogue: StagedCatalogue
    rejected: DataFrame
    orders: StageOrders
    mature: bool
    users: Sized | None = None
    frequency: StreamingFrequency | None = None
    history: EarlierState | None = None
    pools: DataFrame | None = None

    @property
    def ranked(self) -> StageLog | None:
        """The ranking log; None where there is none."""
        log = self.logs.get("ranking_log")
        return None if log is None else StageLog(log, self.orders)


def contracts(config: Config, logs: Mapping[str, Log]) -> dict[str, TableContract]:
    """Return the resolved contracts of the tables that are written, in the order of promotion."""
    carry = {name: log.carry for name, log in logs.items()}
    return {
        name: table_contract(name).resolved(config.ids, carry, config.asked_for)
        for name in config.tables_written
    }


def frames_of_logs(
    inputs: TableInputs, contracts: Mapping[str, TableContract], run: Run
) -> Iterator[tuple[str, DataFrame]]:
    """Give the tables that ``GroupTables`` does not make: each one's name and its lazy frame."""

    def all_impressions(contract: TableContract) -> DataFrame:
        return ranking_samples(
            inputs.shown.made(with_users(inputs.shown.frame, inputs.users, run.limits)),
            inputs.pairs,
            contract,
            run,
            mature=inputs.mature,
            knows_viewed="viewed" in inputs.logs["impressions"].mapped,
            ranked=inputs.ranked,
        )

    def all_candidates(contract: TableContract) -> DataFrame:
        assert inputs.ranked is not None  # the config asks for it
        return cascade_samples(
            inputs.logs["impressions"],
            inputs.shown.rows,
            inputs.pairs,
            inputs.ranked,
            contract,
            run,
            mature=inputs.mature,
        )

    def all_requests(contract: TableContract) -> DataFrame:
        config, mature = run.config, inputs.mature
        placed = with_placement(inputs.groups.frame, config, run.day.date, mature=mature)
        return request_samples(
            inputs.logs,
            inputs.shown,
            inputs.pairs,
            inputs.groups.made(placed),
            contract,
            run,
            mature=mature,
            earlier=inputs.history,
        )

    def all_held_out(contract: TableContract) -> DataFrame:
        return evaluation_samples(
            inputs.logs, inputs.pairs, inputs.catalogue, contract, run, mature=inputs.mature
        )

    def all_items(contract: TableContract) -> DataFrame:
        return item_stats(
            inputs.catalogue.eligibility,
            inputs.shown,
            inputs.groups,
            contract,
            run,
            len(inputs.catalogue.catalogue.ids),
        )

    def all_buckets(contract: TableContract) -> DataFrame:
        assert inputs.frequency is not None  # the config asks for it
        rows = run.scratch.stored(state_of(inputs.frequency), "frequency-state")
        return rows.withColumn("ds", F.lit(run.day.date)).select(*contract.names)

    def all_sequences(contract: TableContract) -> DataFrame:
        return user_sequences(
            inputs.logs, inputs.groups, inputs.history, contract, run, mature=inputs.mature
        )

    def all_histories(contract: TableContract) -> DataFrame:
        return history_state(inputs.logs, inputs.history, contract, run)

    def all_draws_of_pools(contract: TableContract) -> DataFrame:
        assert inputs.pools is not None  # the config asks for it
        return inputs.pools.withColumn("ds", F.lit(run.day.date)).select(*contract.names)

    makers: dict[str, Callable[[TableContract], DataFrame]] = {
        "ranking_samples": all_impressions,
        "cascade_samples": all_candidates,
        "request_samples": all_requests,
        "user_sequences": all_sequences,
        "evaluation_samples": all_held_out,
        "item_stats": all_items,
        "rejected": lambda _: inputs.rejected,
        "frequency_state": all_buckets,
        "history_state": all_histories,
        "batch_draws": all_draws_of_pools,
    }
    for name, maker in makers.items():
        if name in contracts:
            yield name, maker(contracts[name])


def decided_by(config: Config) -> str:
    """Return what of a config may decide ``OF_LOGS_ALONE``, besides how its logs are read.

    Of configs that read logs alike and have one text these tables are the same. What is left out
    decides only what is sampled, and which tables are written.
    """
    of_samples: dict[str, Any] = {
        "negatives": True,
        "epoch": True,
        "tables": True,
        "popularity": {"smoothing"},
        "positives": {"downsampling", "upsampling", "per_user_cap", "weights", "weight_by"},
        "requests": True,
        "evaluation": True,
        **dict.fromkeys(("warehouse", "publishing", "gates", "expectations", "variants"), True),
    }
    return config.model_dump_json(exclude=of_samples)


def shown_on_date(impressions: Log, census: DataFrame, counts: RowCounts, run: Run) -> Sized:
    """Return the valid impressions of the date that may become positives, one row per key.

    Columns as of ``valid_rows``.

    Args:
        impressions: The log.
        census: What ``census_of`` returned for them.
        counts: What ``count_rows`` returned.
        run: The date, and where the winners among duplicates are kept: they are needed twice.
    """

    def keep(winners: DataFrame) -> DataFrame:
        return run.scratch.staged(winners, "winners/impressions")

    rows = deduplicated_where_repeated(
        chosen_rows(valid_rows(impressions), impressions).where(on_date(impressions, run.day)),
        impressions.contract,
        repeated_hashes(census),
        counts.duplicate,
        keep=keep,
        limits=run.limits,
    )
    return Sized(rows, counts.valid - counts.not_chosen)


def totals(groups: DataFrame, reasons: tuple[str, ...]) -> dict[str, int]:
    """Count what the sample groups hold, in one pass.

    Returns:
        ``positives``, ``easy``, ``hard``, ``fill``, ``shortfall``, and one entry per reason with
        the negatives that were missing for it, fills included.
    """
    by_reason = [F.sum(missing_column(reason)).alias(reason) for reason in reasons]
    row = groups.agg(
        F.count(F.lit(1)).alias("positives"),
        F.sum("n_easy").alias("easy"),
        F.sum("n_hard").alias("hard"),
        F.sum("n_fill").alias("fill"),
        F.sum("shortfall").alias("shortfall"),
        *by_reason,
    ).collect()[0]
    return {name: int(value or 0) for name, value in row.asDict().items()}
