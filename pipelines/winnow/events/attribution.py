"""Which click belongs to which impression: pairs within the attribution window."""

from collections.abc import Collection, Iterable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.conforming import made_impression_id
from winnow.contracts.log import Log
from winnow.contracts.rows import tie_columns, valid_rows, winner_hash
from winnow.contracts.tables import TableContract
from winnow.events.keys import key_of
from winnow.events.pair_columns import value_column
from winnow.run import Run
from winnow.spark.sized import Sized

_JOIN_KEYS = {
    # One id may stand for a whole page of items: the item decides which of them was clicked.
    "impression_id": ("impression_id", "item_id"),
    "request_item": ("request_id", "item_id"),
    "last_impression": ("user_id", "item_id"),
}


_ORPHAN = "orphan: no impression of this click lies in the attribution window before it"
_USER_DIFFERS = (
    "user_differs: other users were shown this under the click's request or impression id, its own "
    "user was not"
)

_NOT_CARRIED = ("event_us", "impression_ts", "viewed", "partition_date")


def join_keys(config: Config) -> tuple[str, ...]:
    """Return the columns in which a click and its impression are equal."""
    keys, users = _JOIN_KEYS[config.attribution.join], config.attribution.users
    return (*keys, "user_id") if users == "agree" and "user_id" not in keys else keys


def _reach_us(config: Config) -> Column:
    """Return how long after its impression a click of its ``action_type`` may come."""
    by_action = config.attribution.windows_us.items()
    usual = F.lit(config.attribution.usual_us)
    return F.coalesce(*(F.when(F.col("action_type") == a, F.lit(us)) for a, us in by_action), usual)


def action_code(action: Column, actions: Iterable[str]) -> Column:
    """Return the position of an action in the configured order, tinyint from 0; NULL if unknown."""
    return F.coalesce(
        *(F.when(action == name, F.lit(code)) for code, name in enumerate(actions))
    ).cast("tinyint")


def click_key() -> Column:
    """Return a 64-bit hash of what a click is: NULL columns are told apart by their place."""
    parts: list[Column] = []
    for name in ("user_id", "item_id", "event_us", "action_type", "request_id", "impression_id"):
        parts += [F.col(name).isNull(), F.col(name)]
    return F.xxhash64(*parts)


def attributed_pairs(
    impressions: DataFrame,
    clicks: Sized,
    contract: TableContract,
    run: Run,
    *,
    clicked: tuple[int, int] | None = None,
) -> DataFrame:
    """Join clicks to the impressions in whose attribution window they lie.

    The window is [impression, impression + window of the action], both ends included. Several pairs
    may make one positive: the sampler reduces them. With ``last_impression`` a click has one pair.
    A click may have pairs with impressions of other users: ``click_users`` says which count.

    Args:
        impressions: Valid impressions around the date, duplicates allowed: the contract's columns,
            the carried ones, ``event_us`` and ``partition_date``, as from ``valid_rows``.
        clicks: Valid clicks around the date, duplicates allowed: the contract's columns and
            ``event_us``; few enough are broadcast.
        contract: The impressions' contract, with the key that the log can have.
        run: How clicks find impressions, and the date: pairs serve its positives and tell which of
            its clicks are orphans.
        clicked: The first microsecond of the clicks that are joined, and the first after them;
            by default they are those of the date and of the window after it.

    Returns:
        One row per (impression, click): ``user_id``, ``request_id``, ``item_id``,
        ``impression_id``, ``position``, carried columns (the impression's); ``user_key``,
        ``request_key``, ``item_key`` (bigint); ``impression_us``, ``click_us`` (bigint);
        ``action`` (tinyint); ``tie`` (bigint: the smallest one wins
        among duplicates of an impression, as it does in ``deduplicated``);
        ``click_key`` (bigint); the ``value_column`` (double, the click's) of each of
        ``positives.values``; ``of_other_user`` (boolean: the click names another user than the
        impression). Where columns of clicks are carried, these, and ``click_tie`` (bigint: the
        smallest one wins among clicks at one time).
    """
    config, day = run.config, run.day
    window = config.attribution.longest_us
    last_impression = config.attribution.join == "last_impression"
    # A click of tomorrow may be of an impression of tomorrow: to know that, these are needed too.
    end = day.end_us + (window if last_impression else 0)
    first_click, after_clicks = clicked or (day.start_us, day.end_us + window + 1)
    end = end if clicked is None else after_clicks
    shown_at, keys = F.col("event_us"), join_keys(config)
    carried = config.carried("clicks") if clicked is None else ()
    of_other = F.lit(False) if "user_id" in keys else F.col("user_id") != F.col("click_user")
    # An id that is made of the others is long: it is made for the pairs only, once more.
    made = "impression_id" in impressions.columns and "impression_id" not in contract.key
    left_out = {"event_us", *(("impression_id",) if made and "impression_id" not in keys else ())}
    given = [name for name in impressions.columns if name not in left_out]
    left = impressions.where((shown_at >= first_click - window) & (shown_at < end)).select(
        *(F.col(name).alias(f"join_{name}") for name in keys),
        *given,
        shown_at.alias("impression_us"),
    )
    right = clicks.frame.where((shown_at >= first_click) & (shown_at < after_clicks)).select(
        *(F.col(name).alias(f"join_{name}") for name in keys),
        F.col("event_us").alias("click_us"),
        action_code(F.col("action_type"), config.positives.actions).alias("action"),
        click_key().alias("click_key"),
        *(F.col(name).alias(value_column(name)) for name in config.positives.values),
        *(() if "user_id" in keys else (F.col("user_id").alias("click_user"),)),
        *((_reach_us(config).alias("reach_us"),) if config.attribution.windows else ()),
        *carried,
        *((winner_hash(("event_us", "action_type", *carried)).alias("click_tie"),) * bool(carried)),
    )
    few = clicks.made(right).side_of_join(f"join_{keys[0]}", run.limits)
    joined = left.join(few, [f"join_{name}" for name in keys], how="inner")
    delay = F.col("click_us") - F.col("impression_us")
    most = F.col("reach_us") if config.attribution.windows else F.lit(window)
    # Few impressions are clicked: what is not needed to find them is computed for the pairs only.
    joined = joined.where((delay >= 0) & (delay <= most))
    if "impression_id" in left_out:
        joined = joined.withColumn("impression_id", made_impression_id())
    pairs = joined.select(
        *(name for name in impressions.columns if name not in _NOT_CARRIED),
        key_of("user_id", config.ids.user).alias("user_key"),
        key_of("request_id", config.ids.request).alias("request_key"),
        key_of("item_id", config.ids.item).alias("item_key"),
        "impression_us",
        winner_hash(tie_columns(impressions.columns, contract)).alias("tie"),
        "click_us",
        "action",
        "click_key",
        *(value_column(name) for name in config.positives.values),
        of_other.alias("of_other_user"),
        *(carried and (*carried, "click_tie")),
    )
    return _latest_of_each_click(pairs) if last_impression else pairs


def joined_pairs(
    impressions: Log, clicks: Sized, run: Run, *, clicked: tuple[int, int] | None = None
) -> DataFrame:
    """Return the pairs of a log's valid impressions with clicks; see ``attributed_pairs``."""
    return attributed_pairs(
        valid_rows(impressions),
        clicks,
        impressions.contract,
        run,
        clicked=clicked,
    )


def _latest_of_each_click(pairs: DataFrame) -> DataFrame:
    latest_first = Window.partitionBy("click_key").orderBy(
        F.desc("impression_us"), "request_key", "tie"
    )
    numbered = pairs.withColumn("number", F.row_number().over(latest_first))
    return numbered.where(F.col("number") == 1).drop("number")


def unattributed_clicks(
    clicks: DataFrame,
    pairs: DataFrame,
    refused: DataFrame | None,
    organic: Collection[str] = (),
) -> DataFrame:
    """Return the clicks that belong to no impression, one per key, with the reason.

    ``orphan`` where there is no impression; ``user_differs`` where it is another user's.

    Args:
        clicks: Valid clicks of the date as in ``Log.frame``, duplicates included.
        pairs: What ``attributed_pairs`` returned, those that count.
        refused: ``click_key`` of clicks that have pairs, none of which counts; None is no click.
        organic: The actions that may be without an impression: such a click is no orphan.
    """
    # Duplicates are equal in every column of the contract; the text of the source decides.
    first = Window.partitionBy("click_key").orderBy(F.col("source_row").cast("string"))
    left = clicks.withColumn("click_key", click_key()).join(
        pairs.select("click_key").distinct(), "click_key", how="left_anti"
    )
    reason: Column = F.lit(_ORPHAN)
    if refused is not None:
        known = refused.select("click_key", F.lit(_USER_DIFFERS).alias("why"))
        left, reason = left.join(known, "click_key", how="left"), F.coalesce("why", reason)
    if organic:
        left = left.where(~F.col("action_type").isin(*organic) | (reason != _ORPHAN))
    return (
        left.withColumn("reject_reasons", F.array(reason))
        .withColumn("number", F.row_number().over(first))
        .where(F.col("number") == 1)
        .select(*clicks.columns)
    )
