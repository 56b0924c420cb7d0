"""Impressions as the tables tell them, beside the impression log: place, time, carried columns."""

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.audit.some_requests import of_some_requests, one_in_so_many
from pipelines.audit.staged_rows import KEY
from pipelines.audit.stretch import Stretch
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log

_EVERY_IMPRESSION, _SAMPLES = "ranking_samples", ("positives", "training_samples")


def told_impressions(staged: Mapping[str, DataFrame], log: Log) -> dict[str, DataFrame]:
    """Return the staged tables whose impressions are looked up.

    Of positives, place and time are judged elsewhere (``positives_again``), so only where columns
    are carried; positives and training_samples are compared with each other.
    """
    every = [_EVERY_IMPRESSION] if _EVERY_IMPRESSION in staged else []
    carrying = [name for name in _SAMPLES if name in staged] if log.carry else []
    return {name: staged[name] for name in (*every, *carrying[:1])}


def impression_figures(
    tables: Mapping[str, DataFrame],
    log: Log,
    day: CalendarDay,
    stretch: Stretch,
    *,
    n_rows: int,
) -> list[Figure]:
    """Count rows that the impression log does not hold with that place, time and carried columns.

    Of impressions that were logged twice, either may be the one that stayed: that a key comes once
    and no row is lost are other gates. Of many impressions some requests are looked at, and of
    these the rows in the stretch. That it hides none is proved where the rules on single rows are.

    Args:
        tables: What ``told_impressions`` returned, one at least.
        log: The impression log; its frame reads the files again.
        day: The date.
        stretch: The part of the tables that other gates look at.
        n_rows: About how many impressions there are.
    """
    carried = tuple(log.carry)
    one_in = max(1, one_in_so_many(n_rows) // stretch.one_in)
    at = F.col("event_us")
    shown = of_some_requests(log.frame, one_in).where(
        F.col("valid") & (at >= day.start_us) & (at < day.end_us)
    )
    of_log = [_hash(table, _impression_id(log), at, carried) for table in tables]
    logged = shown.select(F.explode(F.array(*of_log)).alias("hash")).distinct()
    parts = [
        of_some_requests(stretch.of(rows), one_in).select(
            F.lit(table).alias("table"),
            _hash(table, F.col("impression_id"), F.unix_micros("impression_ts"), carried).alias(
                "hash"
            ),
        )
        for table, rows in tables.items()
    ]
    stated = reduce(DataFrame.unionByName, parts)
    strange = stated.join(logged, "hash", how="left_anti").groupBy("table").count().collect()
    counts = {row["table"]: row["count"] for row in strange}
    looked_at = one_in * stretch.one_in
    detail = f"looked at 1 in {looked_at} rows" if looked_at > 1 else ""
    return [Figure("impressions_differ", counts.get(t, 0), t, detail=detail) for t in tables]


def _impression_id(log: Log) -> Column:
    """Return the id of an impression; a log without one makes it of the other three."""
    if "impression_id" in log.mapped:
        return F.col("impression_id")
    ids = ("request_id", "user_id", "item_id")
    return F.concat_ws("/", *(F.col(name).cast("string") for name in ids))


def _hash(table: str, impression_id: Column, shown_us: Column, carried: Sequence[str]) -> Column:
    """Return a hash of what a table says of an impression, as far as it is judged here."""
    known, told = [], list(carried)
    if table == _EVERY_IMPRESSION:
        known, told = [impression_id], ["position", *carried]
    # xxhash64 passes over a NULL: without the flags it would not matter which column has it.
    parts = [part for column in map(F.col, told) for part in (column.isNull(), column)]
    return F.xxhash64(F.lit(table), *known, *KEY, shown_us, *parts)
