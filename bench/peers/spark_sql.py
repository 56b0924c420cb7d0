"""The work in idiomatic PySpark: joins, anti-joins and windows.

usage: python -m bench.peers.spark_sql LOGS OUT [--lookback 0]
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import psutil
import pyarrow as pa
import typer
from pyspark.sql import Column, DataFrame, SparkSession, Window, WindowSpec
from pyspark.sql import functions as F

from bench.peers.alias import alias_slots
from bench.work import (
    ALPHA,
    HOT_CLICKS,
    PER_POSITIVE,
    SMOOTHING,
    SPARE_DRAWS,
    dates_back,
    tell,
)

PAIR = ("request_id", "user_id", "item_id")
POSITIVE = ("request_id", "user_id", "pos_item_id")


def session(memory: str) -> SparkSession:
    """Start Spark on all cores of this machine."""
    cores = os.cpu_count() or 2
    builder: SparkSession.Builder = SparkSession.builder.master(f"local[{cores}]")
    settings: dict[str, bool | float | int | str | None] = {
        "spark.driver.memory": memory,
        "spark.sql.shuffle.partitions": str(8 * cores),
        "spark.ui.enabled": "false",
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }
    spark = builder.config(map=settings).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def unit(hashed: Column) -> Column:
    """Return the upper 53 bits of a 64-bit hash as a number in [0, 1)."""
    return F.shiftrightunsigned(hashed, 11) * F.lit(2.0**-53)


class Work:
    """The steps of the work; each writes its files."""

    def __init__(self, spark: SparkSession, logs: Path, out: Path, lookback: int) -> None:
        """Name the inputs; nothing is read yet."""
        self.spark, self.logs, self.out = spark, logs, out
        day, before = dates_back(1)
        self.impressions = self._read("impressions", day)
        self.clicks, self.history = self._read("clicks", day), self._read("clicks", before)
        self.ranking_log = self._read("ranking_log", day)
        shown = self._read("impressions", *dates_back(lookback))
        self.exposures = shown.select("user_id", "item_id").distinct()

    def _read(self, log: str, *days: str) -> DataFrame:
        return self.spark.read.parquet(*(f"{self.logs}/{log}/date={day}" for day in days))

    def _write(self, frame: DataFrame, name: str) -> DataFrame:
        path = f"{self.out}/{name}"
        frame.write.mode("overwrite").parquet(path)
        return self.spark.read.parquet(path)

    def weigh_items(self) -> None:
        """Count the clicks of the date before and build the table that items are drawn from."""
        clicks = self.history.groupBy("item_id").agg(F.count("*").alias("clicks"))
        items = self.spark.read.parquet(f"{self.logs}/items").join(clicks, "item_id", "left")
        counted = items.select("item_id", F.coalesce("clicks", F.lit(0)).alias("clicks"))
        self.popularity = counted.orderBy("item_id").toArrow()
        ids, n = self.popularity["item_id"].to_numpy(), self.popularity["clicks"].to_numpy()
        self.slots = pa.table(alias_slots(ids, (n + SMOOTHING) ** ALPHA))

    def positives(self) -> None:
        """Find what was shown and clicked, and thin the hot items."""
        clicked = self.impressions.select(*PAIR).join(self.clicks.select(*PAIR), [*PAIR], "semi")
        popularity = self.spark.createDataFrame(self.popularity)
        keep = F.sqrt(F.lit(HOT_CLICKS) / F.greatest("clicks", F.lit(1)))
        kept = clicked.distinct().join(F.broadcast(popularity), "item_id")
        kept = kept.where(unit(F.xxhash64(*PAIR)) < keep)
        self.kept = self._write(kept.select(*PAIR), "positives")
        self.kept = self.kept.withColumnRenamed("item_id", "pos_item_id")

    def easy(self) -> None:
        """Draw by popularity, drop what the user was shown, take the first ten."""
        spread = F.explode(F.sequence(F.lit(0), F.lit(PER_POSITIVE + SPARE_DRAWS - 1)))
        point = unit(F.xxhash64(F.lit("easy"), *POSITIVE, "draw")) * F.lit(len(self.slots))
        draws = self.kept.withColumn("draw", spread).withColumn("point", point)
        draws = draws.withColumn("slot", F.floor("point").cast("int"))
        slots = F.broadcast(self.spark.createDataFrame(self.slots))
        own = F.col("point") - F.col("slot") < F.col("own")
        item = F.when(own, F.col("first_id")).otherwise(F.col("second_id")).alias("item_id")
        drawn = draws.join(slots, "slot").select(*POSITIVE, "draw", item)
        allowed = drawn.join(self.exposures, ["user_id", "item_id"], "anti")
        first = Window.partitionBy(*POSITIVE).orderBy("draw")
        self._write(_first_of(allowed, first).drop("draw"), "easy_negatives")

    def hard(self) -> None:
        """Take ten of the request's candidates that the user was not shown."""
        requests = self.kept.select("request_id").distinct()
        rows = self.ranking_log.join(requests, "request_id", "semi")
        rows = rows.join(self.exposures, ["user_id", "item_id"], "anti")
        pools = rows.groupBy("request_id", "item_id").agg(
            F.max("stage").alias("stage"), F.max("score").alias("score")
        )
        choice = Window.partitionBy("request_id", "pos_item_id").orderBy(
            F.xxhash64(F.lit("hard"), "request_id", "pos_item_id", "item_id")
        )
        self._write(_first_of(self.kept.join(pools, "request_id"), choice), "hard_negatives")


def _first_of(frame: DataFrame, window: WindowSpec) -> DataFrame:
    numbered = frame.withColumn("place", F.row_number().over(window))
    return numbered.where(F.col("place") <= PER_POSITIVE).drop("place")


def main(
    logs: Path,
    out: Path,
    lookback: Annotated[int, typer.Option()] = 0,
    driver_memory: Annotated[str, typer.Option()] = "6g",
) -> None:
    """Run once and tell how long each step took."""
    spark = session(driver_memory)
    started = time.time() - psutil.Process().create_time()
    stages: dict[str, float] = {}
    begin = time.monotonic()
    work = Work(spark, logs.resolve(), out.resolve(), lookback)
    steps: dict[str, Callable[[], None]] = {
        "weigh items": work.weigh_items,
        "positives": work.positives,
        "easy": work.easy,
        "hard": work.hard,
    }
    for name, step in steps.items():
        step()
        stages[name] = time.monotonic() - begin
        begin = time.monotonic()
    spark.stop()
    tell(stages, started=started)


if __name__ == "__main__":
    typer.run(main)
