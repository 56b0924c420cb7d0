"""A store that is slow to commit, so that another run overtakes it."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from pipelines.publishing.delta_rs_store import DeltaRsStore
from pipelines.publishing.store import StagedTable, Store


def wait_for(path: Path) -> None:
    import time

    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)


def slow_store(spark: SparkSession, store: Store, begun: Path, go_on: Path) -> Store:
    """A store whose promotion has begun its commit and waits in the middle of it."""
    if isinstance(store, DeltaRsStore):

        class SlowToLink(DeltaRsStore):
            def link(self, staged: StagedTable, folder: Path, day: date) -> list[Path]:
                files = super().link(staged, folder, day)
                begun.touch()
                wait_for(go_on)
                return files

        return SlowToLink(spark, store.warehouse)
    from pipelines.publishing.spark_store import SparkStore

    told, awaited = str(begun), str(go_on)

    class SlowToWrite(SparkStore):
        def read_staged(self, staged: StagedTable) -> DataFrame:
            frame = super().read_staged(staged)

            def wait(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                import time
                from pathlib import Path

                Path(told).touch()
                while not Path(awaited).exists():
                    time.sleep(0.05)
                yield from batches

            # One task: the other core is for the run that overtakes.
            return frame.coalesce(1).mapInArrow(wait, frame.schema)

    return SlowToWrite(spark, store.warehouse)
