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
    clicks: DataFrame, logs: Mapping[str, Log], users: Sized | None, n_items: int, run: Run
) -> dict[str, tuple[pa.Table, pa.Table]]:
    """Count what makes each item popular within each segment, by the attributes that sources name.

    An event is of the segment that its user belongs to on the date of the build.

    Args:
        clicks: What ``popular_clicks`` returned. logs: The conformed logs.
        users: What ``staged_users`` returned. n_items: The items of the catalogue.
        run: The date, what counts, and the sources.

    Returns:
        By attribute two tables: its different values (``segment``), and one row per segment and
        item with events: ``segment``, ``item_id``, ``clicks``, and ``popularity`` where
        ``counted_per_item`` has it.

    Raises:
        InputError: An attribute is of a type that tells no segments, or has too many values; or all
            sources together have more weights than a machine should hold.
    """
    config, attributes = run.config, run.config.negatives.of_events.segment_attributes
    if not attributes:
        return {}
    assert users is not None, "the config's rules see to it that users are carried"
    known = {
        attribute: users.frame.select(
            key_of("user_id", config.ids.user).alias("user_key"), F.col(attribute).alias("segment")
        ).where(F.col("segment").isNotNull())
        for attribute in attributes
    }
    values = {attribute: _values(rows, attribute) for attribute, rows in known.items()}
    _require_few_weights({name: found.num_rows for name, found in values.items()}, n_items, run)
    events = clicks
    if config.popularity.of == "impressions":
        events = shown_impressions(logs["impressions"], run)
    counted = {}
    for attribute, rows in known.items():
        of_user = users.made(rows).side_of_join("user_key", run.limits)
        of_segment = events.join(of_user, "user_key")
        by_item = counted_per_item(of_segment, config, run.day, by=("segment",))
        counted[attribute] = values[attribute], by_item.toArrow()
    return counted


def _require_few_weights(n_segments: Mapping[str, int], n_items: int, run: Run) -> None:
    most, attributes = (
        run.limits.segment_weights,
        [a for _, a in run.config.negatives.of_events.segments],
    )
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


def _values(known: DataFrame, attribute: str) -> pa.Table:
    """Return the different values of an attribute, ``segment``: a few."""
    kind, where = known.schema["segment"].dataType, f"logs.users.carry.{attribute}"
    if not isinstance(kind, _TELL_SEGMENTS):
        what = "a segment is told by text, whole numbers, yes or no, or dates"
        raise InputError(Problem(where, what, found=kind.simpleString()))
    found = known.select("segment").distinct().limit(MOST_SEGMENTS + 1).toArrow()
    if found.num_rows > MOST_SEGMENTS:
        raise InputError(
            Problem(
                where,
                "the attribute has too many values for segments of users",
                found=f"more than {MOST_SEGMENTS}",
                expected=f"{MOST_SEGMENTS} at most",
                next_step="Take an attribute with fewer values, or make a coarser one of it.",
            )
        )
    return found
