"""Which events of the logs make items popular: clicks, those of impressions, or impressions."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.pool_entries import MarketColumns
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.contracts.repeated_keys import key_hash
from winnow.contracts.rows import chosen_rows, readable_rows, valid_rows
from winnow.events.attribution import action_code, joined_pairs
from winnow.events.click_users import settled
from winnow.events.keys import key_of
from winnow.events.popularity import counted_per_item, counted_until, in_window
from winnow.run import Run
from winnow.spark.sized import Sized

_PAIRS = "earlier-pairs"


def earlier_pairs(logs: Mapping[str, Log], run: Run) -> DataFrame | None:
    """Return the clicks of the popularity window with their impressions; None if nothing asks.

    A click that belongs to several impressions comes as often.

    Returns:
        One row per pair, read back from staging: ``item_id``, ``user_key``, ``click_us``,
        ``click_key``, what a click's worth depends on, and the columns of the impression that tell
        its market.
    """
    config = run.config
    if not config.joins_earlier_clicks:
        return None
    since = run.day.shifted(-config.popularity.window_days).start_us
    impressions, counted = logs["impressions"], (since, counted_until(config, run.day))
    clicks = Sized(valid_rows(logs["clicks"]), logs["clicks"].about_rows)
    joined = joined_pairs(impressions, clicks, run, clicked=counted)
    choice = (CHOSEN,) if impressions.chooses else ()
    more = ("action",) if config.popularity.of == "actions" else ()
    told = config.negatives.of_events.request_columns
    columns = {"item_id", "user_key", "click_us", "click_key", "of_other_user"}
    staged = run.scratch.staged(joined.select(*sorted({*columns, *choice, *more, *told})), _PAIRS)
    pairs = settled(staged, readable_rows(impressions), run, _PAIRS).pairs.frame
    return chosen_rows(pairs, impressions) if config.popularity.clicks == "chosen" else pairs


def popular_clicks(logs: Mapping[str, Log], run: Run, pairs: DataFrame | None = None) -> DataFrame:
    """Return the clicks that count, each once.

    Args:
        logs: The conformed logs. run: The date, and what counts.
        pairs: What ``earlier_pairs`` returned; it is asked here if it was not before.

    Returns:
        One row per click: ``item_id``, ``event_us``, what tells it apart, and what its worth
        depends on. Where users make segments, ``user_key``, and the rows are read back from
        staging: they are counted more than once.
    """
    if run.config.popularity.clicks == "all":
        clicks = _clicks(logs, run).distinct()
    else:
        found = earlier_pairs(logs, run) if pairs is None else pairs
        assert found is not None, "attributed clicks are joined"
        clicks = _attributed(found, run).distinct()
    if run.config.negatives.of_events.segment_attributes:
        return run.scratch.staged(clicks, "popular-clicks")
    return clicks


def events_in_markets(
    columns: MarketColumns, logs: Mapping[str, Log], run: Run, pairs: DataFrame | None
) -> DataFrame:
    """Return what makes items popular with the market of each event, once in each market.

    Args:
        columns: What tells the market. logs: The conformed logs. run: The date, and what counts.
        pairs: What ``earlier_pairs`` returned.

    Returns:
        Columns as ``counted_per_item`` takes them, and ``market``, never NULL: an event of which no
        market is known is left out.
    """
    if columns.of_clicks is not None:
        events = _clicks(logs, run, columns.of_clicks)
    elif run.config.popularity.of == "impressions":
        events = shown_impressions(logs["impressions"], run, columns.of_request)
    else:
        assert pairs is not None, "clicks whose impression tells their market are joined with it"
        events = _attributed(pairs, run, columns.of_request)
    return events.where(F.col("market").isNotNull()).distinct()


def popularity_of_items(clicks: DataFrame, logs: Mapping[str, Log], run: Run) -> DataFrame:
    """Count what makes each item popular.

    Args:
        clicks: What ``popular_clicks`` returned. logs: The conformed logs.
        run: The date, what counts, and where to compute.

    Returns:
        One row per item that was clicked, or otherwise counts: ``item_id``, ``clicks`` (bigint),
        and where clicks are not its popularity, ``popularity`` (bigint, in ``UNITS``).
    """
    config, day = run.config, run.day
    counted = counted_per_item(clicks, config, day)
    if config.popularity.of != "impressions":
        return counted
    shown = counted_per_item(shown_impressions(logs["impressions"], run), config, day)
    return counted.drop("popularity").join(shown.drop("clicks"), "item_id", how="full")


def _clicks(logs: Mapping[str, Log], run: Run, market: str | None = None) -> DataFrame:
    """Return the valid clicks of the window: item and time of each, and what tells it apart."""
    config, clicks = run.config, logs["clicks"]
    # Duplicates have one key, and only the keys are counted: which one stays does not matter.
    # A hash stands for the rest of the key: it tells apart clicks of one item and time only.
    key = key_hash(clicks.contract.key)
    user = key_of("user_id", config.ids.user).alias("user_key")
    action = action_code(F.col("action_type"), config.positives.actions).alias("action")
    more = [action] if config.popularity.of == "actions" else []
    more += [user] if _users_count(run) else []
    more += _told(market)
    rows = valid_rows(clicks).where(in_window(config, run.day))
    return rows.select("item_id", "event_us", key, *more)


def _users_count(run: Run) -> bool:
    """Return whether it matters whose an event is."""
    config = run.config
    return config.popularity.of == "users" or len(config.negatives.of_events.segment_attributes) > 0


def shown_impressions(log: Log, run: Run, market: str | None = None) -> DataFrame:
    """Return the valid impressions of the popularity window, each once, at its first time there.

    Columns: ``item_id``, ``event_us``, ``user_key``; where a column tells the market, ``market``,
    and an impression that was logged in two markets comes once in each.
    """
    rows = valid_rows(log)
    if run.config.popularity.clicks == "chosen":
        rows = chosen_rows(rows, log)
    inside = rows.where(in_window(run.config, run.day))
    keys = inside.groupBy(*log.contract.key, *_told(market))
    once = keys.agg(F.min("event_us").alias("event_us"))
    user = key_of("user_id", run.config.ids.user).alias("user_key")
    return once.select("item_id", "event_us", user, *(("market",) if market else ()))


def _attributed(pairs: DataFrame, run: Run, market: str | None = None) -> DataFrame:
    """Return the clicks of pairs: item, time and key of each, as often as it has impressions."""
    more = ["action"] if run.config.popularity.of == "actions" else []
    more += ["user_key"] if _users_count(run) else []
    at = F.col("click_us").alias("event_us")
    return pairs.select("item_id", at, "click_key", *more, *_told(market))


def _told(market: str | None) -> list[Column]:
    """Return the column that tells the market, where one does."""
    return [] if market is None else [F.col(market).alias("market")]
