"""Which events of the logs make items popular: clicks, those of impressions, or impressions."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

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


def popular_clicks(logs: Mapping[str, Log], run: Run) -> DataFrame:
    """Return the clicks that count, each once.

    Returns:
        One row per click: ``item_id``, ``event_us``, what tells it apart, and what its worth
        depends on. Where users make segments, ``user_key``, and the rows are read back from
        staging: they are counted more than once.
    """
    clicks = _clicks(logs, run) if run.config.popularity.clicks == "all" else _attributed(logs, run)
    if run.config.negatives.segment_attributes:
        return run.scratch.staged(clicks.distinct(), "popular-clicks")
    return clicks.distinct()


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


def _clicks(logs: Mapping[str, Log], run: Run) -> DataFrame:
    """Return the valid clicks of the window: item and time of each, and what tells it apart."""
    config, clicks = run.config, logs["clicks"]
    # Duplicates have one key, and only the keys are counted: which one stays does not matter.
    # A hash stands for the rest of the key: it tells apart clicks of one item and time only.
    key = key_hash(clicks.contract.key)
    user = key_of("user_id", config.ids.user).alias("user_key")
    action = action_code(F.col("action_type"), config.positives.actions).alias("action")
    more = [action] if config.popularity.of == "actions" else []
    more += [user] if _users_count(run) else []
    rows = valid_rows(clicks).where(in_window(config, run.day))
    return rows.select("item_id", "event_us", key, *more)


def _users_count(run: Run) -> bool:
    """Return whether it matters whose an event is."""
    config = run.config
    return config.popularity.of == "users" or len(config.negatives.segment_attributes) > 0


def shown_impressions(log: Log, run: Run) -> DataFrame:
    """Return the valid impressions of the popularity window, each once, at its first time there.

    Columns: ``item_id``, ``event_us``, ``user_key``.
    """
    rows = valid_rows(log)
    if run.config.popularity.clicks == "chosen":
        rows = chosen_rows(rows, log)
    inside = rows.where(in_window(run.config, run.day))
    once = inside.groupBy(*log.contract.key).agg(F.min("event_us").alias("event_us"))
    user = key_of("user_id", run.config.ids.user).alias("user_key")
    return once.select("item_id", "event_us", user)


def _attributed(logs: Mapping[str, Log], run: Run) -> DataFrame:
    """Return the clicks of the window that belong to an impression: item, time and key of each.

    A click that belongs to several impressions comes as often.
    """
    since = run.day.shifted(-run.config.popularity.window_days).start_us
    impressions, counted = logs["impressions"], (since, counted_until(run.config, run.day))
    clicks = Sized(valid_rows(logs["clicks"]), logs["clicks"].about_rows)
    joined = joined_pairs(impressions, clicks, run, clicked=counted)
    choice = (CHOSEN,) if impressions.chooses else ()
    more = ["action"] if run.config.popularity.of == "actions" else []
    more += ["user_key"] if _users_count(run) else []
    columns = {"item_id", "user_key", "click_us", "click_key", "of_other_user", *choice, *more}
    staged = run.scratch.staged(joined.select(*sorted(columns)), "earlier-pairs")
    counting = settled(staged, readable_rows(impressions), run, "earlier-pairs")
    pairs = counting.pairs.frame
    if run.config.popularity.clicks == "chosen":
        pairs = chosen_rows(pairs, impressions)
    return pairs.select("item_id", F.col("click_us").alias("event_us"), "click_key", *more)
