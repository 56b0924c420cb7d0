"""What may be a positive of the date: pairs of impression and click, by item of a request."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.action_labels import done_columns
from winnow.audit.recompute.attribution_windows import longest_window_us
from winnow.audit.recompute.popularity import first_unknown_us
from winnow.audit.recompute.staged_rows import KEY
from winnow.config.tree import Config
from winnow.dates import CalendarDay

_HOUR_US = 3_600_000_000
_MOST_DELAY_US = 10**13
_MOST_PLACES = 10**10


def recomputed_candidates(pairs: DataFrame, config: Config, day: CalendarDay) -> DataFrame:
    """Return what may be a positive of the date: one row per shown and clicked item of a request.

    Args:
        pairs: What ``recomputed_joins`` returned.
        config: The attribution window.
        day: The date of the earliest impression that was clicked; where popularity knows its first
            hours, of those after them.

    Returns:
        One row per (user, request, item): the three ids; ``first_us`` (bigint, the earliest
        impression that was clicked); ``clicked_us`` (bigint, its earliest click);
        ``least_place``, ``most_place`` (bigint, as in the pairs, of that impression); ``action``
        (int, the strongest action of all its pairs); ``again`` (boolean: it was shown more than an
        hour apart, as where request ids are used again); and ``done_columns``. Of those, also the
        ones of other dates, of which all else is NULL.
    """
    done = done_columns(config)
    found = _earliest(pairs, done, origin=day.start_us - longest_window_us(config))
    begins = first_unknown_us(config, day)
    of_date = (F.col("first_us") >= begins) & (F.col("first_us") < day.end_us)
    of_positive = ("first_us", "clicked_us", "least_place", "most_place", "action", *done)
    return found.where(of_date | F.col("again")).select(
        *KEY, "again", *(F.when(of_date, F.col(name)).alias(name) for name in of_positive)
    )


def _earliest(pairs: DataFrame, done: Mapping[str, Column], *, origin: int) -> DataFrame:
    """Return of each item of a request its earliest pair, and the strongest action of all.

    The earliest is the least (impression, delay of the click, place). It is found as one decimal
    number with 13 + 13 + 10 digits, which is enough as impressions lie within 29 dates: the least
    struct of three costs an audit a tenth more.

    Args:
        pairs: As for ``recomputed_candidates``.
        done: What ``done_columns`` returned.
        origin: No impression was shown before, in microseconds.

    Returns:
        The three ids, ``again``, ``first_us``, ``clicked_us``, ``least_place``, ``most_place``,
        ``action``, and what ``done`` names.
    """
    scale = F.lit(_MOST_DELAY_US).cast("decimal(14,0)")
    places = F.lit(_MOST_PLACES).cast("decimal(11,0)")
    shown = (F.col("shown_us") - F.lit(origin)).cast("decimal(13,0)")
    delay = (F.col("clicked_us") - F.col("shown_us")).cast("decimal(13,0)")
    both = (shown * scale + delay).cast("decimal(27,0)")
    least, most = (F.col(n).cast("decimal(10,0)") for n in ("least_place", "most_place"))
    last = F.lit(_MOST_PLACES - 1).cast("decimal(10,0)")
    first = (F.col("first_us") - F.lit(origin)).cast("decimal(13,0)")
    waited = (F.col("both") - first * scale).cast("bigint")
    before = F.col("both") * places
    return (
        pairs.groupBy(*KEY)
        .agg(
            F.min("shown_us").alias("first_us"),
            F.min(both).alias("both"),
            F.min(both * places + least).alias("least"),
            F.min(both * places + (last - most)).alias("most"),
            F.max("action").alias("action"),
            (F.max("shown_us") - F.min("shown_us") > _HOUR_US).alias("again"),
            *(column.alias(name) for name, column in done.items()),
        )
        .select(
            *KEY,
            "again",
            "first_us",
            (F.col("first_us") + waited).alias("clicked_us"),
            (F.col("least") - before).cast("bigint").alias("least_place"),
            (F.lit(_MOST_PLACES - 1) - (F.col("most") - before).cast("bigint")).alias("most_place"),
            "action",
            *done,
        )
    )
