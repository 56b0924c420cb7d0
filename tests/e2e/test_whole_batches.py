"""Reading batch by batch: every batch whole, in order, whatever files its rows are in."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from winnow.errors import ReleaseError
from winnow.release.opening import open_release
from winnow.release.table_files import TableFiles
from winnow.release.whole_batches import whole_batches

from tests.e2e.test_in_batch import batches, in_batches, splits
from tests.e2e.test_random_recipes import random_logs
from tests.events.handmade import DAY, Row, build_day


class DescribeReadingBatchByBatch:
    def it_gives_whole_batches_in_their_order(self, spark: SparkSession, tmp_path: Path) -> None:
        random_logs(Random(11)).write(tmp_path)
        settings = in_batches(tmp_path)
        built = build_day(settings, spark, immature=True)
        release = open_release(Path(settings.warehouse), ds=DAY)
        wanted: dict[str, list[list[Row]]] = {name: [] for name, _ in splits(built)}
        for batch in batches(built):
            wanted[batch[0]["split"]].append(batch)
        for split, of_split in wanted.items():
            assert [one.to_pylist() for one in release.batches(split)] == of_split
        some = list(release.batches(columns=["slot", "item_id"]))
        assert [one.column_names for one in some] == [["slot", "item_id"]] * len(wanted["train"])
        assert some[0]["item_id"].to_pylist() == [row["item_id"] for row in wanted["train"][0]]

    def it_gives_each_worker_batches_of_its_own(self, spark: SparkSession, tmp_path: Path) -> None:
        random_logs(Random(11)).write(tmp_path)
        settings = in_batches(tmp_path, split={})
        build_day(settings, spark, immature=True)
        files = open_release(Path(settings.warehouse), ds=DAY).table_files("training_samples")
        every = [one.to_pylist() for one in whole_batches(files)]
        for workers in (2, 3):
            for worker in range(workers):
                own = whole_batches(files, worker=worker, workers=workers)
                assert [one.to_pylist() for one in own] == every[worker::workers]

    def it_reads_several_files_and_dates_and_notices_what_is_missing(self, tmp_path: Path) -> None:
        days = [DAY, DAY + timedelta(1)]
        found, wanted = [], []
        for day in days:
            rows = [
                {
                    "split": "train",
                    "batch_id": n // 4,
                    "slot": n % 4,
                    "batch_rows": min(4, 22 - n // 4 * 4),
                    "item_id": n,
                }
                for n in range(22)
            ]
            wanted += [[row["item_id"] for row in rows[n : n + 4]] for n in range(0, 22, 4)]
            for file in range(3):
                path = tmp_path / f"{day}-{file}.parquet"
                pq.write_table(pa.Table.from_pylist(rows[file::3]), path)
                found.append((str(path), day))
        schema = pq.read_schema(found[0][0])
        read = whole_batches(TableFiles(schema, tuple(found)), columns=["item_id"])
        assert [one["item_id"].to_pylist() for one in read] == wanted
        with pytest.raises(ReleaseError, match=r"^batch 0 of .*found 2 rows") as few:
            list(whole_batches(TableFiles(schema, tuple(found[1:]))))
        assert f"run winnow build --ds {days[0]}: it makes whole batches" in str(few.value)

    def it_says_where_there_are_no_batches(self) -> None:
        files = TableFiles(pa.schema([("item_id", pa.int64())]), ())
        with pytest.raises(ReleaseError, match="Set in_batch in the config"):
            next(whole_batches(files))
