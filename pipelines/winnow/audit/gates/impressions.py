"""Impressions as the tables tell them, beside the impression log: place, time, carried columns."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Measurement, none_of
from winnow.audit.recompute.row_sample import RowSample, positives_sample, row_sample_of
from winnow.audit.recompute.staged_rows import KEY
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.dates import CalendarDay
from winnow.spark.broadcast import broadcast

IMPRESSIONS_DIFFER = none_of(
    "impressions_differ",
    TABLES,
    "rows that the impression log does not hold with that time, place (of ranking_samples) and "
    "carried columns",
)

_EVERY_IMPRESSION, _SAMPLES = "ranking_samples", ("positives", "training_samples")


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the tables that tell of impressions, all in one pass over the log."""
    log, n_rows = evidence.logs["impressions"], evidence.counts["impressions"].valid
    tables = stated_impressions(evidence.staged, log)
    row_samples = {name: positives_sample(evidence) for name in tables} | {
        _EVERY_IMPRESSION: row_sample_of(n_rows, evidence.day, evidence.scratch.limits)
    }
    if tables:
        yield Measurement(
            [IMPRESSIONS_DIFFER.promised(name) for name in tables],
            lambda: impression_figures(tables, log, evidence.day, row_samples),
        )


def stated_impressions(staged: Mapping[str, DataFrame], log: Log) -> dict[str, DataFrame]:
    """Return the staged tables whose impressions are looked up.

    Of positives, place and time are judged elsewhere (``recomputed_positives``), so only where
    columns are carried; positives and training_samples are compared with each other.
    """
    every = [_EVERY_IMPRESSION] if _EVERY_IMPRESSION in staged else []
    carrying = next((name for name in _SAMPLES if name in staged), None) if log.carry else None
    return {name: staged[name] for name in (*every, carrying) if name is not None}


def impression_figures(
    tables: Mapping[str, DataFrame],
    log: Log,
    day: CalendarDay,
    row_samples: Mapping[str, RowSample],
) -> list[Figure]:
    """Count rows that the impression log does not hold with that place, time and carried columns.

    Of impressions that were logged twice, either may be the one that stayed: that a key comes once
    is another gate. Where the log knows what was viewed, the others must have been clicked.

    Args:
        tables: What ``stated_impressions`` returned, one at least.
        log: The impression log; its frame reads the files again.
        day: The date.
        row_samples: The rows of each table that are looked at. They lie in those that the rules on
            single rows are looked at in: these prove that they hide none.
    """
    carried = tuple(log.carry)
    stated = reduce(
        DataFrame.unionByName,
        [_stated(table, row_samples[table].of(rows), carried) for table, rows in tables.items()],
    )
    at, keys = F.col("event_us"), broadcast(stated.select("key").distinct(), "key")
    # Few impressions are asked for: by their key, before all else that a row costs.
    shown = (
        log.frame.withColumn("key", _key())
        .join(keys, "key", how="left_semi")
        .where(F.col("valid") & (at >= day.start_us) & (at < day.end_us))
        .where(F.col(CHOSEN) if log.chooses else F.lit(True))
    )
    viewed = F.coalesce("viewed", F.lit(False)) if "viewed" in log.mapped else F.lit(True)
    hashes = F.array(*(_hash(table, at, carried) for table in tables))
    logged = (
        shown.select(F.explode(hashes).alias("hash"), viewed.alias("viewed"))
        .groupBy("hash")
        .agg(F.bool_or("viewed").alias("viewed"))
    )
    holds = F.col("viewed").isNotNull() & (F.col("viewed") | F.col("clicked"))
    strange = stated.join(logged, "hash", how="left").where(~holds).groupBy("table").count()
    counts = {row["table"]: row["count"] for row in strange.collect()}
    return [
        IMPRESSIONS_DIFFER.figure(
            counts.get(table, 0), table, detail=row_samples[table].described()
        )
        for table in tables
    ]


def _stated(table: str, rows: DataFrame, carried: Sequence[str]) -> DataFrame:
    """Return ``table``, ``key``, ``hash`` and ``clicked`` of each row; strong ones were clicked.

    Organic positives have no impression.
    """
    clicked = F.col("label") == 1 if table == _EVERY_IMPRESSION else F.lit(True)
    if table != _EVERY_IMPRESSION and "label_strength" in rows.columns:
        rows = rows.where(F.col("label_strength") != "organic")
        clicked = F.col("label_strength") != "weak"
    return rows.select(
        F.lit(table).alias("table"),
        _key().alias("key"),
        _hash(table, F.unix_micros("impression_ts"), carried).alias("hash"),
        clicked.alias("clicked"),
    )


def _key() -> Column:
    return F.xxhash64(*KEY)


def _hash(table: str, shown_us: Column, carried: Sequence[str]) -> Column:
    """Return a hash of what a table says of an impression, as far as it is judged here."""
    own = ("impression_id", "position") if table == _EVERY_IMPRESSION else ()
    # xxhash64 passes over a NULL: without the flags it would not matter which column has it.
    parts = [part for name in (*own, *carried) for part in (F.col(name).isNull(), F.col(name))]
    return F.xxhash64(F.lit(table), *KEY, shown_us, *parts)
