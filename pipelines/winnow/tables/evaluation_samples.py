"""evaluation_samples: one row per held-out request, with what a model is judged by.

Nothing here is thinned, capped by what trains, or repeated: it is made of the pairs of impression
and click, before any positive is sampled.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, LongType, StructField, StructType

from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date, readable_rows
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.errors import ConfigError, Problem
from winnow.events.events import history_events, in_exclusion_window
from winnow.events.keys import key_of
from winnow.events.placement import keyed_hash, keyed_unit, shard, split
from winnow.run import Run
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.spark.sized import Sized
from winnow.tables.evaluation_items import EvaluationItems
from winnow.tables.evaluation_rows import MET, PAIR, EvaluationRows
from winnow.tables.rows_of_users import rows_of_users

_REQUEST = ("user_id", "request_id")
_HOUR_US = 3_600_000_000


def evaluation_samples(
    logs: Mapping[str, Log],
    pairs: Sized,
    catalogue: StagedCatalogue,
    contract: TableContract,
    run: Run,
    *,
    mature: bool,
) -> DataFrame:
    """Return one row per request of valid or test with a positive.

    Args:
        logs: The conformed logs.
        pairs: The pairs of the date that count.
        catalogue: The date's items.
        contract: The contract of evaluation_samples.
        run: The date, and what is asked for.
        mature: Whether the attribution window is complete.
    """
    config, day = run.config, run.day
    schema = _schema(contract)
    found = run.scratch.spark.createDataFrame([], schema)
    if holds_out_on(config, run):
        rows = _rows_of(config, _shipped_items(catalogue, run))
        events = _events(logs, pairs, run)
        n_rows = 2 * pairs.rows + logs["impressions"].about_rows + logs["clicks"].about_rows
        some, user = Sized(events, n_rows), "user_key"
        found = rows_of_users(some, user, user, rows.of_batches, schema, run, "evaluation-samples")
    placed = found.select(
        "*",
        F.lit(day.date).alias("ds"),
        F.timestamp_micros("request_us").alias("request_ts"),
        F.lit(mature).alias("mature"),
        split(config, day.date).alias("split"),
        shard(config, *_REQUEST).alias("shard"),
        keyed_hash(config, "shuffle", *_REQUEST).alias("shuffle_key"),
    )
    return placed.select(*contract.names)


def refuse_vast(catalogue: StagedCatalogue, run: Run) -> None:
    """Refuse to draw evaluation negatives from a catalogue that no task could hold.

    Raises:
        ConfigError: evaluation_samples is asked for, and the catalogue has too many items.
    """
    most, n_items = run.limits.evaluated_items, len(catalogue.catalogue.ids)
    if "evaluation_samples" in run.config.tables and n_items > most:
        raise ConfigError(
            Problem(
                "tables",
                "evaluation_samples holds all items of the catalogue in memory, and they are too "
                "many",
                f"{n_items:,} items",
                f"{most:,} at most",
                "Leave it out of tables, or evaluate on fewer items, by logs.items.where.",
            )
        )


def holds_out_on(config: Config, run: Run) -> bool:
    """Return whether any request of the date can be held out."""
    parts = config.split
    if parts.by == "date":
        return parts.of_date(run.day.date) in ("valid", "test")
    return parts.holds_out


def _rows_of(config: Config, items: str) -> EvaluationRows:
    asked = config.evaluation
    # A date has 25 hours at most.
    hours = 48 if asked.horizon_hours is None else asked.horizon_hours
    return EvaluationRows(
        actions=config.positives.actions,
        items=items,
        seed=config.seed,
        negatives=asked.negatives,
        horizon_us=hours * _HOUR_US,
        seen_at_most=asked.seen_at_most,
        per_user=asked.requests_per_user,
    )


_MADE = {"request_us": LongType()}
_PLACED = ("ds", "request_ts", "mature", "split", "shard", "shuffle_key")


def _schema(contract: TableContract) -> StructType:
    """Return what tasks give, in the order in which ``EvaluationRows`` makes it."""
    known = {f.name: f.dataType for f in spark_schema(contract).fields}
    lists = [name for name in known if name.startswith("pos_")]
    seen = ("seen_item_ids", "seen_truncated", "catalogue_items", "neg_item_ids")
    cap = ("user_requests", "requests_truncated")
    drawn = ("candidate_items", "neg_incl_prob")
    names = [*_REQUEST, "request_us", *cap, *lists, *seen, *drawn]
    types = {**known, **_MADE}
    return StructType([StructField(name, types[name]) for name in names])


def _shipped_items(catalogue: StagedCatalogue, run: Run) -> str:
    """Write the date's items with the times of each, and return the name that tasks find it by."""
    scratch = run.scratch
    items = scratch.fetched(
        catalogue.eligibility.select(
            key_of("item_id", run.config.ids.item).alias("item_key"),
            "item_id",
            F.unix_micros("eligible_from").alias("begin_us"),
            F.unix_micros("eligible_to").alias("end_us"),
        ),
        "items-to-evaluate",
    )
    path = scratch.folder / f"evaluation-items-{scratch.tag}.arrow"
    EvaluationItems.of(items).save(path)
    return scratch.ship(path)


def _events(logs: Mapping[str, Log], pairs: Sized, run: Run) -> DataFrame:
    """Return all that tasks look at in one frame; what rows of a kind do not have is NULL."""
    config, day, reach = run.config, run.day, run.config.exclusion
    rows = pairs.frame
    if config.split.by == "user":
        rows = rows.where(split(config, day.date).isin("valid", "test"))
    if config.evaluation.user_share < 1.0:
        chance = keyed_unit(config, "evaluation-users", "user_id")
        rows = rows.where(chance < config.evaluation.user_share)
    users = pairs.made(rows.select("user_key").distinct()).side_of_join("user_key", run.limits)
    clicked = rows.select(
        "user_key",
        *_REQUEST,
        "item_key",
        "item_id",
        F.col("impression_us").alias("at_us"),
        "click_us",
        "action",
        "request_key",
        keyed_hash(config, "evaluation-requests", *_REQUEST).alias("choice"),
        F.lit(PAIR).cast("tinyint").alias("kind"),
    )
    impressions, at_us = logs["impressions"], F.col("event_us")
    shown = readable_rows(impressions).where(
        in_exclusion_window(day, reach.exposure_lookback_days, reach.lookahead_days)
    )
    of_request = F.when(on_date(impressions, day), F.col("request_id"))
    click_rows = readable_rows(logs["clicks"]).where(
        in_exclusion_window(day, reach.click_lookback_days, reach.lookahead_days)
    )
    frames = [
        log.select(
            key_of("user_id", config.ids.user).alias("user_key"),
            request.alias("request_id"),
            key_of("item_id", config.ids.item).alias("item_key"),
            "item_id",
            at_us.cast("bigint").alias("at_us"),
        )
        for log, request in ((shown, of_request), (click_rows, _nothing(config.ids.request)))
    ]
    if impressions.keeps_history:
        window = in_exclusion_window(day, reach.exposure_lookback_days, reach.lookahead_days)
        listed = history_events(
            impressions.frame.where(window), config, impressions.aliases, run.limits
        )
        frames.append(
            listed.select(
                "user_key",
                _nothing(config.ids.request).alias("request_id"),
                "item_key",
                _nothing(config.ids.item).alias("item_id"),
                _nothing("bigint").alias("at_us"),
            )
        )
    met = reduce(DataFrame.unionByName, frames).join(users, "user_key", how="left_semi")
    types = {field.name: field.dataType for field in clicked.schema.fields}
    return clicked.unionByName(_with_all(met, types))


def _nothing(kind: str) -> Column:
    return F.lit(None).cast(kind)


def _with_all(rows: DataFrame, types: Mapping[str, DataType]) -> DataFrame:
    known = set(rows.columns)
    columns = {
        name: F.col(name) if name in known else F.lit(None).cast(kind)
        for name, kind in types.items()
    }
    columns["kind"] = F.lit(MET).cast("tinyint")
    return rows.select(*(column.alias(name) for name, column in columns.items()))
