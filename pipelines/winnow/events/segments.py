"""How popular items are within each segment of users: counted as for all, and by the segment."""

from collections.abc import Mapping

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    ByteType,
    DataType,
    DateType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
)

from winnow.contracts.log import Log
from winnow.errors import InputError, Problem
from winnow.events.keys import key_of
from winnow.events.popular_items import shown_impressions
from winnow.events.popularity import counted_per_item
from winnow.run import Run
from winnow.spark.sized import Sized

_TELL_SEGMENTS: tuple[type[DataType], ...] = (
    StringType, ByteType, ShortType, IntegerType, LongType, BooleanType, DateType,
)  # fmt: skip

MOST_SEGMENTS = 200
"""An attribute with more values than this tells users apart rather than putting them together."""


def popularity_by_segment(
    clicks: DataFrame, logs: Mapping[str, Log], users: Sized | None, run: Run
) -> dict[str, tuple[pa.Table, pa.Table]]:
    """Count what makes each item popular within each segment, by the attributes that sources name.

    An event is of the segment that its user belongs to on the date of the build.

    Args:
        clicks: What ``popular_clicks`` returned. logs: The conformed logs.
        users: What ``staged_users`` returned. run: The date, what counts, and the sources.

    Returns:
        By attribute two tables: its different values (``segment``), and one row per segment and
        item with events: ``segment``, ``item_id``, ``clicks``, and ``popularity`` where
        ``counted_per_item`` has it.

    Raises:
        InputError: The attribute is of a type that tells no segments, or has too many values.
    """
    config, found = run.config, {}
    for attribute in config.negatives.segment_attributes:
        assert users is not None, "the config's rules see to it that users are carried"
        known = users.frame.select(
            key_of("user_id", config.ids.user).alias("user_key"), F.col(attribute).alias("segment")
        ).where(F.col("segment").isNotNull())
        _require_segments(known, attribute)
        events = clicks
        if config.popularity.of == "impressions":
            events = shown_impressions(logs["impressions"], run)
        of_user = users.made(known).side_of_join("user_key", run.limits)
        counted = counted_per_item(
            events.join(of_user, "user_key"), config, run.day, by=("segment",)
        )
        found[attribute] = known.select("segment").distinct().toArrow(), counted.toArrow()
    return found


def require_few_weights(n_segments: Mapping[str, int], n_items: int, run: Run) -> None:
    """Check that the weights of all sources by segment are no more than a machine should hold.

    Args:
        n_segments: How many segments each attribute tells.
        n_items: The items of the catalogue. run: The sources, and the limit.

    Raises:
        InputError: They are.
    """
    most, attributes = run.limits.segment_weights, [a for _, a in run.config.negatives.segments]
    n_groups = sum(n_segments[attribute] for attribute in attributes)
    if n_groups * n_items > most:
        by = " and by ".join(dict.fromkeys(attributes))
        raise InputError(
            Problem(
                "negatives.easy",
                f"every segment by {by} has a weight for each item of the catalogue",
                found=f"{n_groups} segments of {n_items:,} items, {n_groups * n_items:,}",
                expected=f"{most:,} weights at most",
                next_step="Take an attribute with fewer values, or make a coarser one of it.",
            )
        )


def _require_segments(known: DataFrame, attribute: str) -> None:
    kind, where = known.schema["segment"].dataType, f"logs.users.carry.{attribute}"
    if not isinstance(kind, _TELL_SEGMENTS):
        what = "a segment is told by text, whole numbers, yes or no, or dates"
        raise InputError(Problem(where, what, found=kind.simpleString()))
    n = known.select("segment").distinct().limit(MOST_SEGMENTS + 1).count()
    if n > MOST_SEGMENTS:
        raise InputError(
            Problem(
                where,
                "the attribute has too many values for segments of users",
                found=f"more than {MOST_SEGMENTS}",
                expected=f"{MOST_SEGMENTS} at most",
                next_step="Take an attribute with fewer values, or make a coarser one of it.",
            )
        )
