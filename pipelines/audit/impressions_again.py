"""Impressions as the tables tell them, beside the impression log: place, time, carried columns."""

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.audit.some_requests import one_in_so_many
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
    carrying = next((name for name in _SAMPLES if name in staged), None) if log.carry else None
    return {name: staged[name] for name in (*every, carrying) if name is not None}


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
    is another gate. Where the log knows what was viewed, the others must have been clicked.

    Args:
        tables: What ``told_impressions`` returned, one at least.
        log: The impression log; its frame reads the files again.
        day: The date.
        stretch: The part of the tables that is looked at; of ranking_samples, which has more rows,
            a part of that. That it hides none is proved where the rules on single rows are.
        n_rows: About how many impressions there are.
    """
    carried, knows_viewed = tuple(log.carry), "viewed" in log.mapped
    fewer = max(1, one_in_so_many(n_rows) // stretch.one_in)
    parts, hashes, looked_at = [], [], {}
    for table, rows in tables.items():
        some = stretch.of(rows)
        looked_at[table] = stretch.one_in
        if table == _EVERY_IMPRESSION and fewer > 1:
            some = some.where(_key().bitwiseAND(fewer - 1) == 0)
            looked_at[table] *= fewer
        judged_clicks = table == _EVERY_IMPRESSION and knows_viewed
        shown_us, clicked = F.unix_micros("impression_ts"), F.col("label") == 1
        id_ = F.col("impression_id")
        stated = _hash(table, id_, shown_us, carried, clicked if judged_clicks else None)
        parts.append(some.select(F.lit(table).alias("table"), _key(), stated.alias("hash")))
        of_log = (table, _impression_id(log), F.col("event_us"), carried)
        if judged_clicks:
            hashes += [
                _hash(*of_log, F.lit(True)),
                F.when(F.col("viewed"), _hash(*of_log, F.lit(False))),
            ]
        else:
            hashes.append(_hash(*of_log, None))
    told = reduce(DataFrame.unionByName, parts)
    at = F.col("event_us")
    # Most impressions are nobody's that is asked for: these go by their key, before all else.
    shown = (
        log.frame.withColumn("key", _key())
        .join(F.broadcast(told.select("key").distinct()), "key", how="left_semi")
        .where(F.col("valid") & (at >= day.start_us) & (at < day.end_us))
    )
    logged = shown.select(F.explode(F.array(*hashes)).alias("hash")).distinct()
    strange = told.join(logged, "hash", how="left_anti").groupBy("table").count().collect()
    counts = {row["table"]: row["count"] for row in strange}
    return [
        Figure("impressions_differ", counts.get(table, 0), table, detail=_told(looked_at[table]))
        for table in tables
    ]


def _told(one_in: int) -> str:
    return f"looked at 1 in {one_in} rows" if one_in > 1 else ""


def _key() -> Column:
    return F.xxhash64(*KEY).alias("key")


def _impression_id(log: Log) -> Column:
    """Return the id of an impression; a log without one makes it of the other three."""
    if "impression_id" in log.mapped:
        return F.col("impression_id")
    ids = ("request_id", "user_id", "item_id")
    return F.concat_ws("/", *(F.col(name).cast("string") for name in ids))


def _hash(
    table: str,
    impression_id: Column,
    shown_us: Column,
    carried: Sequence[str],
    clicked: Column | None,
) -> Column:
    """Return a hash of what a table says of an impression, as far as it is judged here."""
    known, told = [], list(carried)
    if table == _EVERY_IMPRESSION:
        known, told = [impression_id], ["position", *carried]
    if clicked is not None:
        known.append(clicked)
    # xxhash64 passes over a NULL: without the flags it would not matter which column has it.
    parts = [part for column in map(F.col, told) for part in (column.isNull(), column)]
    return F.xxhash64(F.lit(table), *known, *KEY, shown_us, *parts)
