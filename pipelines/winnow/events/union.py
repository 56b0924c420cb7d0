"""All events in one frame: what is shuffled by user."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.events.kinds import PAIR, REJECTED, REQUEST
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import Limits
from winnow.spark.sized import Sized

EVENT_COLUMNS = ("owner_key", "item_key", "kind")
"""What a task needs of an event; see ``sampler.kernels.events.Events``."""

RANKED_COLUMNS = ("score", "rank", "stage_size")
"""What it needs of a ranking row besides, where the log has it."""

TIMED_COLUMNS = ("event_us", "item_text")
"""What it needs besides of a rejection, where rejections are asked for: the first of them; and of
what forbids an item, where lists of forbidden items are asked for: the first, and the second where
a key is not the id itself."""


def union_of_events(
    forbidden: DataFrame,
    pairs: Sized,
    ranked: DataFrame | None,
    limits: Limits,
    rejected: DataFrame | None = None,
    requests: Sized | None = None,
) -> DataFrame:
    """Put all events into one frame, where it is cheap without those of users who have no pair.

    Args:
        forbidden: What ``forbidden_events`` returned.
        pairs: What ``stage_kept_pairs`` returned; of few enough the users are broadcast.
        ranked: What ``ranked_events`` returned, or None without a ranking log.
        limits: How many are few.
        rejected: What ``rejected_events`` returned.
        requests: What ``stage_other_requests`` returned, of the users of the pairs alone.

    Returns:
        ``user_key`` (bigint) to bring events together by, ``EVENT_COLUMNS``: ``owner_key``,
        ``item_key`` (bigint), ``kind`` (tinyint), those of ``RANKED_COLUMNS`` that the ranked rows
        have, and those of ``TIMED_COLUMNS`` that are needed. What the keys are depends on the kind:
        see ``events/kinds.py``.
    """
    if pairs.rows <= limits.broadcast_rows:
        users = broadcast(pairs.frame.select("user_key").distinct(), "user_key")
        forbidden = forbidden.join(users, "user_key", how="left_semi")
        if rejected is not None:
            rejected = rejected.join(users, "user_key", how="left_semi")
    of_ranked = () if ranked is None else ranked.columns
    columns = [name for name in RANKED_COLUMNS if name in of_ranked]
    timed = {*forbidden.columns, *([] if rejected is None else rejected.columns)}
    columns += [name for name in TIMED_COLUMNS if name in timed]
    user, item = F.col("user_key"), F.col("item_key")
    frames = [_with(forbidden, (user, item, F.col("kind")), columns)]
    for kind, described in ((PAIR, pairs), (REQUEST, requests)):
        if described is not None:
            place = F.col("pair_file"), F.col("pair_row"), F.lit(kind).cast("tinyint")
            frames.append(_with(described.frame, place, columns))
    if rejected is not None:
        frames.append(_with(rejected, (user, item, F.lit(REJECTED).cast("tinyint")), columns))
    if ranked is not None:
        frames.append(_with(ranked, (F.col("owner_key"), item, F.col("kind")), columns))
    return reduce(DataFrame.unionByName, frames)


def _with(rows: DataFrame, event: tuple[Column, ...], columns: Sequence[str]) -> DataFrame:
    """Return rows as events with further columns, which say nothing where the rows have none."""
    nothing = {name: F.lit(0) for name in ("rank", "stage_size")}
    nothing |= {"score": F.lit(None).cast("double"), "event_us": F.lit(0).cast("bigint")}
    nothing |= {"item_text": F.lit(None).cast("string")}
    known = rows.columns if columns else ()
    return rows.select(
        "user_key",
        *(column.alias(name) for column, name in zip(event, EVENT_COLUMNS, strict=True)),
        *(name if name in known else nothing[name].alias(name) for name in columns),
    )
