"""What an engine cannot be faster than: only reading, only moving, only writing.

usage: python -m bench.limits LOGS OUT [--engine sail]
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from winnow.engine.choice import start_engine
from winnow.engine.engine import Engine

from bench.work import DAY, tell

PARTITIONS = 64
COLUMNS = ("user_id", "request_id", "item_id")


def sums(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give the sum of each partition's items: all rows in, hardly any out."""
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"sum": [pc.sum(batch["item_id"]).as_py() or 0]})


def limits(engine: Engine, logs: Path, out: Path) -> dict[str, Callable[[], object]]:
    """Return what is timed, on the 10 M impressions: the name, and the work."""
    shown = engine.spark.read.parquet(f"file://{logs}/impressions/date={DAY}").select(*COLUMNS)

    def total(frame: DataFrame, name: str) -> object:
        return frame.agg(F.sum(name)).collect()

    moved = shown.repartition(PARTITIONS, "user_id")
    return {
        "scan": lambda: shown.agg(*(F.sum(name) for name in COLUMNS)).collect(),
        "scan, python": lambda: total(shown.mapInArrow(sums, "sum long"), "sum"),
        "scan, shuffle, python": lambda: total(moved.mapInArrow(sums, "sum long"), "sum"),
        "scan, write": lambda: shown.write.mode("overwrite").parquet(f"file://{out}/written"),
    }


def main(
    logs: Path,
    out: Path,
    engine: Annotated[str, typer.Option(help="sail or spark.")] = "sail",
    driver_memory: Annotated[str, typer.Option(help="Spark only: memory of the JVM.")] = "6g",
) -> None:
    """Time each limit; the second of two runs counts."""
    memory = driver_memory if engine == "spark" else None
    seconds: dict[str, float] = {}
    with start_engine("limits", engine=engine, driver_memory=memory) as running:
        started = time.time() - psutil.Process().create_time()
        for name, work in limits(running, logs.resolve(), out.resolve()).items():
            for _ in range(2):
                begin = time.monotonic()
                work()
                seconds[name] = time.monotonic() - begin
        tell(seconds, started=started)


if __name__ == "__main__":
    typer.run(main)
