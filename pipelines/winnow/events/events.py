"""Impressions, clicks and ranking rows as events: what is known of each that a task needs."""

from collections.abc import Collection, Iterator, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.ladder import Rung
from winnow.config.tree import Config
from winnow.contracts.mapping.values import read_value
from winnow.dates import CalendarDay
from winnow.events.item_aliases import canonical_or_same
from winnow.events.keys import key_of
from winnow.events.kinds import CLICKED, FIRST_RANKED, FORBIDDEN, RECALLED
from winnow.events.stage_orders import StageOrders
from winnow.events.union import RANKED_COLUMNS
from winnow.logs.text.lines import BETWEEN_ELEMENTS
from winnow.run import Run
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.spark.sized import Sized

_HIGHEST_RANK = 2**31 - 2

BEFORE_ALL_US = -(2**62)
"""The time of an event that is known without one: it may be negated within 64 bits."""


def forbidden_events(impressions: DataFrame, clicks: DataFrame, config: Config) -> DataFrame:
    """Return what forbids an item to a user: every readable impression and click of the windows.

    Args:
        impressions, clicks: Readable rows of the exclusion window of each log, duplicates, orphans
            and otherwise rejected rows included: ``user_id``, ``item_id``.
        config: The id types.

    Returns:
        One row per impression or click: ``user_key``, ``item_key`` (bigint), ``kind`` (tinyint),
        and what ``_for_lists`` adds.
    """
    rows = [
        log.select(
            key_of("user_id", config.ids.user).alias("user_key"),
            key_of("item_id", config.ids.item).alias("item_key"),
            _tiny(kind).alias("kind"),
            *_for_lists(config, F.col("event_us")),
        )
        for log, kind in ((impressions, FORBIDDEN), (clicks, _kind_of_clicks(config)))
    ]
    return rows[0].unionByName(rows[1])


def _for_lists(config: Config, event_us: Column) -> Iterator[Column]:
    """Give what lists of forbidden items need of an event, where they are asked for.

    When it was, and the id of its item where a key is not the id itself: a catalogue need not have
    the item.
    """
    if config.exclude_item_ids is not None:
        yield event_us.cast("bigint").alias("event_us")
        if config.ids.item == "string":
            yield F.col("item_id").alias("item_text")


def _kind_of_clicks(config: Config) -> int:
    """Return the kind of what the user clicked; it is told apart only where that matters."""
    return FORBIDDEN if config.negatives.feedback is None else CLICKED


def history_events(
    impressions: DataFrame,
    config: Config,
    aliases: Sized | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> DataFrame:
    """Return what forbids an item to a user because a static list of theirs holds it.

    What it holds was clicked once.

    Args:
        impressions: Rows of the exclusion window as in ``Log.frame``, whatever is wrong with them
            and whether they are filtered or not: ``user_id``, ``history``.
        config: The id types.
        aliases: ``Log.aliases``: lists have ids as they were logged.
        limits: How many aliases are broadcast.

    Returns:
        Columns as of ``forbidden_events``; a list that many rows repeat counts once. Nothing says
        when it was: before all else.
    """
    lists = impressions.where(F.col("user_id").isNotNull() & (F.col("history") != ""))
    alone = lists.select(key_of("user_id", config.ids.user).alias("user_key"), "history").distinct()
    text = alone.select("user_key", F.explode(F.split("history", BETWEEN_ELEMENTS)).alias("text"))
    item = read_value(F.col("text"), "string", config.ids.item).value
    items = text.select("user_key", item.alias("item_id")).where(F.col("item_id").isNotNull())
    items = canonical_or_same(items, aliases, limits)
    return items.select(
        "user_key",
        key_of("item_id", config.ids.item).alias("item_key"),
        _tiny(_kind_of_clicks(config)).alias("kind"),
        *_for_lists(config, F.lit(BEFORE_ALL_US)),
    )


def in_exclusion_window(day: CalendarDay, lookback_days: int, lookahead_days: int) -> Column:
    """Return whether ``event_us`` lies on one of the dates [D - lookback, D + lookahead]."""
    first, last = day.shifted(-lookback_days), day.shifted(lookahead_days)
    return (F.col("event_us") >= first.start_us) & (F.col("event_us") < last.end_us)


def _kind(config: Config) -> Column:
    """Return the kind of a row that says how far its item came, RECALLED of any other.

    Added up, and in bytes: engines choose between two constants much faster than they go through
    the branches of one long CASE.
    """
    kind = _tiny(FIRST_RANKED) + _may_be_negative(config).cast("tinyint")
    for level, stage in enumerate(config.ladder[1:], start=1):
        kind += F.when(F.col("stage") == stage.name, _tiny(2 * level)).otherwise(_tiny(0))
    kind = kind.cast("tinyint")
    if not config.negatives.not_recalled:
        return kind
    return F.when(F.col("tells_stage"), kind).otherwise(_tiny(RECALLED))


def _tiny(number: int) -> Column:
    return F.lit(number).cast("tinyint")


def _may_be_negative(config: Config) -> Column:
    """Return whether the log's row allows its item as a negative of its stage."""
    allowed = F.col("valid")
    funnel = config.funnel
    for stage in config.ladder:
        if stage.take == "cut":
            of_other = F.col("stage") != stage.name
            if funnel.cut_known_by == "passed":
                allowed = allowed & (of_other | F.coalesce(~F.col("passed"), F.lit(False)))
            if funnel.cut_reasons is not None:
                named = F.col("cut_reason").isin(*funnel.cut_reasons)
                allowed = allowed & (of_other | F.coalesce(named, F.lit(False)))
    return allowed


def ranked_events(
    ranking_log: DataFrame,
    requests: Sized,
    run: Run,
    orders: StageOrders,
    *,
    mapped: Collection[str],
    knows_users: bool = False,
) -> DataFrame:
    """Return the ranking rows of requests with a pair; the user is the impressions' user.

    Two users may have requests of one id: a row that names its user is of that user's request only,
    unless the config says that ids are unique. Where users must agree, a row that names none of a
    log that names users is of nobody's.

    Args:
        ranking_log: Rows of the date as in ``Log.frame``, with a request, an item and a known
            stage. A row that is not ``valid`` still says that the item reached the stage. Where
            draws must not be of what was recalled, with or without a known stage, and
            ``tells_stage``.
        requests: Distinct ``request_id``, ``user_key``, ``owner_key`` of the kept pairs; few
            enough are broadcast.
        run: The ladder and the id types.
        orders: Which rank is the best.
        mapped: The contract columns that the log has.
        knows_users: Whether rows may name their user.

    Returns:
        One row per ranking row: ``user_key``, ``owner_key``, ``item_key`` (bigint), ``kind``
        (tinyint, see events/kinds.py), and of ``RANKED_COLUMNS`` those that the log has:
        ``score`` (double, NULL where unknown), ``rank`` and ``stage_size`` (int, 0 where unknown).
    """
    config = run.config
    by_user = knows_users and config.attribution.users != "impression"
    named = key_of("user_id", config.ids.user).alias("named_user")
    of_stage = {
        "score": F.col("score").cast("double"),
        "rank": F.coalesce(rank_from_one(config.ladder, orders), F.lit(0)).cast("int"),
        "stage_size": F.coalesce("stage_size", F.lit(0)).cast("int"),
    }
    rows = ranking_log.select(
        "request_id",
        key_of("item_id", config.ids.item).alias("item_key"),
        _kind(config).alias("kind"),
        *(of_stage[name].alias(name) for name in RANKED_COLUMNS if name in mapped),
        *((named,) if by_user else ()),
    )
    asked = requests.side_of_join("request_id", run.limits)
    if not by_user:
        return rows.join(asked, "request_id", how="inner").drop("request_id")
    if config.attribution.users == "agree":
        both = ["request_id", "user_key"]
        met = rows.withColumnRenamed("named_user", "user_key").join(asked, both, how="inner")
        return met.drop("request_id")
    found = rows.join(asked, "request_id", how="inner")
    of_user = F.col("named_user").isNull() | (F.col("named_user") == F.col("user_key"))
    return found.where(of_user).drop("request_id", "named_user")


def rank_from_one(ladder: Sequence[Rung], orders: StageOrders) -> Column:
    """Return the rank, 1 for the best, also where the log counts a stage's ranks from 0."""
    # The least of a NULL and a number is the number.
    bounded = F.greatest(F.least(F.col("rank"), F.lit(_HIGHEST_RANK)), F.lit(-1))
    rank = F.when(F.col("rank").isNotNull(), bounded)
    if all(orders.first_rank):
        return rank
    if not any(orders.first_rank):
        return rank + 1
    from_zero = (s.name for s, n in zip(ladder, orders.first_rank, strict=True) if n == 0)
    return rank + F.when(F.col("stage").isin(*from_zero), 1).otherwise(0)
