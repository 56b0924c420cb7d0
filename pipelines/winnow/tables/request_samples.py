"""request_samples: one row per request, with its user's past, its page, and what was sampled.

Nothing is sampled here: positives and negatives are those of the sample groups.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, LongType, StructField, StructType

from winnow.config.tree import Config
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date, readable_rows
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.events.keys import key_of
from winnow.events.kinds import WEAK
from winnow.events.pair_columns import value_column
from winnow.events.placement import keyed_hash, shard, split
from winnow.run import Run
from winnow.spark.sized import Sized
from winnow.tables.clicked_impressions import impressions_on_screen
from winnow.tables.group_actions import action_of_group
from winnow.tables.history_state import (
    EarlierState,
    carried_clicks,
    carried_left_out,
    logged_clicks,
)
from winnow.tables.request_rows import CLICK, LEFT_OUT, PAGE, POSITIVE, SHOWN, RequestRows
from winnow.tables.rows_of_users import rows_of_users
from winnow.tables.sources import StageSources

_REQUEST = ("user_id", "request_id")
_EVENT = ("user_id", "request_id", "item_id", "kind", "at_us", "action", "position")
_LISTS = (
    "n_easy",
    "easy_item_ids",
    "easy_source",
    "easy_log_q",
    "hard_item_ids",
    "hard_source",
    "hard_stage",
    "hard_incl_prob",
)
"""What of sample groups makes the negatives."""
_RENAMED = {"pos_item_ids": "item_id", "pos_click_us": "click_us", "pos_log_q": "pos_log_q"}
"""Lists of positives that are not called as the column of one positive behind ``pos_``."""
_MADE = ("pos_actions", "pos_n_negatives")


def request_samples(
    logs: Mapping[str, Log],
    shown: Sized,
    pairs: Sized,
    groups: Sized,
    contract: TableContract,
    run: Run,
    *,
    mature: bool,
    earlier: EarlierState | None = None,
) -> DataFrame:
    """Return one row per request that has a kept positive.

    A history has valid clicks of the request's user, attributed or not, that lie before the first
    impression of the request on the date, however broken that is. Rows that agree in user, item,
    action and time are one click. The page is what ranking_samples has of the request.

    Args:
        logs: The conformed logs.
        shown: What ``shown_on_date`` returned.
        pairs: The pairs of the date that count.
        groups: Sample groups as from ``with_placement``.
        contract: The contract of request_samples.
        run: The date, and how long a history is.
        mature: Whether the attribution window is complete.
        earlier: The state that histories go on from; None takes all clicks from the log.
    """
    config, day = run.config, run.day
    rows = request_rows(config, contract)
    events = _events(logs, shown, pairs, groups, rows, run, earlier)
    n_rows = groups.rows + 2 * shown.rows + logs["clicks"].about_rows
    schema, key = _schema(contract, rows), key_of("user_id", config.ids.user)
    # A row is about twice as wide as an event of the sampler.
    some = Sized(events, 2 * n_rows)
    found = rows_of_users(some, "user_id", key, rows.of_batches, schema, run, "request-samples")
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


def request_rows(config: Config, contract: TableContract) -> RequestRows:
    """Return what tasks need to know of a config and of the table's contract."""
    lists = [c.name for c in contract.columns if c.name.startswith(("hist_", "page_", "pos_"))]
    negatives = [c.name for c in contract.columns if c.name.startswith("neg_")]
    of_positives = [n for n in lists if n.startswith("pos_") and n not in _MADE]
    return RequestRows(
        columns=(*_REQUEST, "request_us", *lists, *negatives),
        actions=config.positives.actions,
        values=tuple((f"page_{name}", value_column(name)) for name in config.positives.values),
        of_positives=tuple((n, _RENAMED.get(n, n.removeprefix("pos_"))) for n in of_positives),
        stages=StageSources.of(config),
        distinct=tuple(s.code for s in config.negatives.drawn if s.distinct),
        mixture=bool(config.negatives.mixture),
        history_length=config.requests.history_length,
    )


def _schema(contract: TableContract, rows: RequestRows) -> StructType:
    of_name = {field.name: field for field in spark_schema(contract).fields}
    of_name["request_us"] = StructField("request_us", LongType())
    return StructType([StructField(n, of_name[n].dataType) for n in rows.columns])


def _events(
    logs: Mapping[str, Log],
    shown: Sized,
    pairs: Sized,
    groups: Sized,
    rows: RequestRows,
    run: Run,
    earlier: EarlierState | None,
) -> DataFrame:
    """Return all that tasks look at in one frame; what rows of a kind do not have is NULL."""
    config, day, limits = run.config, run.day, run.limits
    # Three joins ask for them: a frame would look for them in all groups each time.
    distinct = groups.frame.select(*_REQUEST).distinct()
    requests = groups.made(run.scratch.staged(distinct, "requests"))
    users = groups.made(requests.frame.select("user_id").distinct())
    asked = requests.side_of_join("request_id", limits)
    impressions, at_us = logs["impressions"], F.col("event_us")
    positives = groups.frame.select(
        *_REQUEST,
        "item_id",
        F.col("impression_us").alias("at_us"),
        action_of_group(config).alias("action"),
        *(_of_group(of).alias(of) for _, of in rows.of_positives if of != "item_id"),
        *_LISTS,
        *(("easy_mixture_log_q",) if rows.mixture else ()),
    )
    page = impressions_on_screen(
        shown.made(shown.frame.join(asked, list(_REQUEST), how="left_semi")),
        pairs,
        run,
        knows_viewed="viewed" in impressions.mapped,
    ).select(
        *_REQUEST,
        "item_id",
        at_us.alias("at_us"),
        "action",
        F.col("position").cast("int").alias("position"),
        *(of for _, of in rows.values),
    )
    others = impressions.frame.where(on_date(impressions, day) & ~_may_be_on_page(impressions))
    readable = readable_rows(replace(impressions, frame=others))
    asking = users.side_of_join("user_id", limits)
    clicks = logged_clicks(logs["clicks"], earlier, run).join(asking, "user_id", "left_semi")
    left_out: dict[int, DataFrame] = {}
    if earlier is not None:
        states = earlier.rows.frame.join(asking, "user_id", "left_semi")
        clicks = clicks.unionByName(carried_clicks(states, run))
        left_out[LEFT_OUT] = carried_left_out(states, run)
    frames = {
        POSITIVE: positives,
        PAGE: page,
        SHOWN: readable.join(asked, list(_REQUEST), how="left_semi").select(
            *_REQUEST, at_us.alias("at_us")
        ),
        CLICK: clicks,
        **left_out,
    }
    typed = (positives, page, *left_out.values())
    types = {f.name: f.dataType for one in typed for f in one.schema.fields}
    names = [*_EVENT, *(name for name in types if name not in _EVENT)]
    return reduce(
        DataFrame.unionByName,
        [_with_all(one, kind, names, types) for kind, one in frames.items()],
    )


def _may_be_on_page(impressions: Log) -> Column:
    """Return whether a row is one of those that pages are made of, boolean, never NULL."""
    if "viewed" in impressions.mapped:
        return F.lit(False)
    return F.col("valid") & F.col(CHOSEN) if impressions.chooses else F.col("valid")


def _with_all(
    rows: DataFrame, kind: int, names: list[str], types: Mapping[str, DataType]
) -> DataFrame:
    known = set(rows.columns)
    columns: dict[str, Column] = {
        name: F.col(name) if name in known else F.lit(None).cast(types[name])
        for name in names
        if name != "kind"
    }
    columns["kind"] = F.lit(kind).cast("tinyint")
    return rows.select(*(columns[name].alias(name) for name in names))


def _of_group(name: str) -> Column:
    """Return a column of a positive; the click of a weak one is none."""
    return F.when(F.col("action") != WEAK, F.col(name)) if name == "click_us" else F.col(name)
