"""Run as a program: sample where every task fails at its first attempt, and print the hashes.

Arguments: the config's path, and a folder to work in.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jobs.engine import Engine  # noqa: E402
from jobs.spark_engine import start_session  # noqa: E402
from pipelines.assembly import sampler  # noqa: E402
from tests.invariants.staged import stage  # noqa: E402

PARTITIONS = 3


def main(config: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    attempts = str(folder / "attempts")
    Path(attempts).mkdir()

    def failing(batches: Iterable[pa.RecordBatch], settings: object) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        from pipelines.assembly.partition import sample_partition

        context = TaskContext.get()
        assert context is not None
        number = context.attemptNumber()
        Path(attempts, f"{context.partitionId()}-{number}").touch()
        # After the first rows are out: what the failed attempt wrote must not count.
        yield from sample_partition(batches, settings)  # type: ignore[arg-type]
        if number == 0:
            raise RuntimeError("fails once, on purpose")

    spark = start_session(
        "winnow-retry", master="local[2,4]", driver_memory="1g", shuffle_partitions=2
    )
    try:
        staged = stage(spark, Engine.of(spark).ship, config, folder, "retry")
        vars(sampler)["sample_partition"] = failing
        hashes = staged.hashes(staged.groups(PARTITIONS, "groups"))
    finally:
        spark.stop()
    told = {
        "attempts": sorted(path.name for path in Path(attempts).iterdir()),
        "hashes": {name: [content.rows, content.total] for name, content in hashes.items()},
    }
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
