"""The same inputs, config and seed give the same rows, however they are computed."""

import dataclasses
import re
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from winnow.config.tree import TABLES
from winnow.engine.choice import engine_of
from winnow.release.release import ContentHash
from winnow.run import Run
from winnow.sampler import shuffle, steps
from winnow.sampler.catalogue import stage_catalogue
from winnow.sampler.items_in_files import may_stay_in_files
from winnow.spark.limits import Limits, ShuffleLimit
from winnow.spark.sized import Sized

from tests.invariants.staged import DAY, Staged, shuffle_logs, stage

Hashes = dict[str, ContentHash]
PARTITIONS = 7


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file per call of the kernel for ``expected``."""
    return tmp_path_factory.mktemp("calls")


@pytest.fixture(scope="module")
def expected(staged: Staged, calls: Path) -> Hashes:
    """The content of every table, from the seven partitions whose kernel calls are counted."""
    folder = str(calls)

    def counting(batches: Iterable[pa.RecordBatch], settings: object) -> Iterator[pa.RecordBatch]:
        from winnow.sampler.task import sample_partition

        Path(folder, uuid.uuid4().hex).touch()
        yield from sample_partition(batches, settings)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffle, "sample_partition", counting)
        return staged.hashes(staged.groups(PARTITIONS, "counted"))


def assert_same(found: Hashes, expected: Hashes) -> None:
    assert found == expected
    for table in TABLES:
        assert expected[table].rows > 0, f"{table} must hold something"


class DescribePartitions:
    @pytest.mark.fault(5)
    @pytest.mark.parametrize("partitions", [1, 31])
    def it_makes_the_same_tables(self, staged: Staged, expected: Hashes, partitions: int) -> None:
        groups = staged.groups(partitions, f"groups-{partitions}")
        assert_same(staged.hashes(groups), expected)

    def it_would_notice_another_seed(self, staged: Staged, expected: Hashes) -> None:
        """The test can fail: another seed keeps and draws others, of what is shown the same."""
        changed = self.changed_by(staged, expected, {"seed": staged.config.seed + 1})
        assert {"positives", "easy_negatives", "training_samples"} <= changed
        assert "rejected" not in changed

    def it_makes_the_same_positives_in_another_epoch(
        self, staged: Staged, expected: Hashes
    ) -> None:
        drawn = {"easy_negatives", "hard_negatives", "training_samples"}
        changed = self.changed_by(staged, expected, {"epoch": 1})
        assert changed == drawn | {"training_samples_pointwise", "request_samples"}

    def changed_by(self, staged: Staged, expected: Hashes, update: dict[str, int]) -> set[str]:
        config = staged.config.model_copy(update=update)
        other = dataclasses.replace(staged, config=config)
        found = other.hashes(other.groups(2, "-".join(update)))
        return {table for table in TABLES if found[table] != expected[table]}


class DescribePasses:
    """An engine that holds its shuffles in memory samples a large log in several passes."""

    def it_makes_the_same_tables(
        self, staged: Staged, expected: Hashes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = steps.rows_of_events(staged.logs)
        few = Limits(sampled=ShuffleLimit(1_000_000, rows // 3), memory_gib=1.0)
        scratch = dataclasses.replace(staged.scratch, limits=few)
        # So many pairs that those of a pass are too many to copy to all tasks, unless few are kept.
        seen: list[Sized] = []
        known = steps.all_events

        def noting(logs: Any, pairs: Sized, *given: Any) -> DataFrame:
            seen.append(pairs)
            return known(logs, pairs, *given)

        monkeypatch.setattr(steps, "all_events", noting)
        groups = steps.stage_groups(
            staged.logs, Sized(staged.pairs, 5 * few.broadcast_rows), staged.items,
            dataclasses.replace(staged.run, scratch=scratch), staged.orders,
        ).frame  # fmt: skip
        assert [pairs.rows for pairs in seen] == [-(-staged.kept.count() // 4)] * 4
        written = sorted(path.name for path in (staged.scratch.folder / "groups").iterdir())
        assert written == ["0", "1", "2", "3"]
        assert_same(staged.hashes(groups), expected)


class DescribeACatalogueInFiles:
    """Of a vast catalogue the driver takes ids, and what was clicked; tasks make item_stats."""

    def in_files(self, staged: Staged, tag: str) -> Staged:
        limits = dataclasses.replace(staged.scratch.limits, audited_items=0)
        scratch = dataclasses.replace(
            staged.scratch, limits=limits, folder=staged.scratch.folder / tag, tag=tag
        )
        scratch.folder.mkdir()
        run = Run(staged.config, DAY, scratch)
        assert may_stay_in_files(staged.logs, run)
        items = stage_catalogue(staged.logs, run)
        return dataclasses.replace(staged, scratch=scratch, items=items)

    def it_makes_the_same_tables(self, staged: Staged, expected: Hashes) -> None:
        vast = self.in_files(staged, "vast")
        assert_same(vast.hashes(vast.groups(5, "groups")), expected)

    def it_makes_the_same_draw_table_and_rows(self, staged: Staged) -> None:
        found, wanted = self.in_files(staged, "vast-rows").items, staged.items
        assert found.eligibility.schema == wanted.eligibility.schema
        rows = [
            frame.orderBy("item_id").collect() for frame in (found.eligibility, wanted.eligibility)
        ]
        assert rows[0] == rows[1]
        assert len(rows[0]) == len(wanted.catalogue.ids)
        for name in ("clicks", "other_keys", "other_clicks", "first_groups"):
            mine, theirs = getattr(found.catalogue, name), getattr(wanted.catalogue, name)
            assert mine.dtype == theirs.dtype
            assert mine.tolist() == theirs.tolist(), name
        for name in ("keys", "slots", "hot_keys", "hot_keep"):
            mine, theirs = (getattr(items.catalogue.draws, name) for items in (found, wanted))
            assert mine.tolist() == theirs.tolist(), name


class DescribeAnotherRun:
    def it_makes_the_same_tables_of_rows_in_another_order_and_other_files(
        self, spark: SparkSession, simulated: Path, expected: Hashes, tmp_path: Path
    ) -> None:
        path = shuffle_logs(simulated.parent, tmp_path / "shuffled")
        again = stage(spark, engine_of(spark).ship, path, tmp_path / "work", uuid.uuid4().hex)
        assert_same(again.hashes(again.groups(3, "groups")), expected)

    def it_makes_the_same_tables_a_second_time(self, staged: Staged, expected: Hashes) -> None:
        assert_same(staged.hashes(staged.groups(PARTITIONS, "again")), expected)

    @pytest.mark.fault(3)
    @pytest.mark.spark_only  # sail does not try a task again
    def it_makes_the_same_groups_though_every_task_fails_once(
        self, staged: Staged, tmp_path: Path
    ) -> None:
        """And so the same tables, as all of them are made of what the groups' files hold."""
        folder = str(tmp_path)

        def failing(
            batches: Iterable[pa.RecordBatch], settings: object
        ) -> Iterator[pa.RecordBatch]:
            from pyspark import TaskContext
            from winnow.sampler.task import sample_partition

            context = TaskContext.get()
            assert context is not None
            number = context.attemptNumber()
            Path(folder, f"{context.partitionId()}-{number}").touch()
            # After the first rows are out: what the failed attempt wrote must not count.
            yield from sample_partition(batches, settings)  # type: ignore[arg-type]
            if number == 0:
                raise RuntimeError("fails once, on purpose")

        expected = rows_of(staged.groups(3, "untroubled"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shuffle, "sample_partition", failing)
            found = rows_of(staged.groups(3, "retried"))
        attempts = sorted(path.name for path in tmp_path.iterdir())
        assert attempts == [f"{part}-{n}" for part in range(3) for n in (0, 1)]
        assert len(expected) > 100
        assert found == expected


def rows_of(groups: DataFrame) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = groups.toArrow().sort_by("shuffle_key").to_pylist()
    return rows


def plan_of(staged: Staged) -> str:
    frame = shuffle.by_user(staged.events(), PARTITIONS)
    return str(frame._jdf.queryExecution().executedPlan().toString())


class DescribeTheOneShuffle:
    @pytest.mark.spark_only
    @pytest.mark.parametrize("threshold", ["10485760", "-1"])
    def it_moves_events_across_the_network_once(
        self, spark: SparkSession, staged: Staged, threshold: str
    ) -> None:
        name = "spark.sql.autoBroadcastJoinThreshold"
        before = spark.conf.get(name) or ""
        spark.conf.set(name, threshold)
        try:
            lines = plan_of(staged).splitlines()
        finally:
            spark.conf.set(name, before)
        by_user = [line for line in lines if "REPARTITION_BY_NUM" in line]
        assert len(by_user) == 1
        assert re.search(r"Exchange hashpartitioning\(user_key#\d+L?, 7\)", by_user[0])
        assert not [line for line in lines if "SortMergeJoin" in line or "ShuffledHash" in line]
        # What else is exchanged are broadcasts, and the distinct keys of pairs below them.
        for place, line in enumerate(lines):
            if "Exchange" in line and line not in by_user and "BroadcastExchange" not in line:
                assert "HashAggregate" in lines[place - 1]
                assert "BroadcastExchange" in "".join(lines[place - 4 : place])

    def it_calls_the_kernel_once_per_partition_for_all_tables(
        self, expected: Hashes, calls: Path
    ) -> None:
        assert len(expected) == len(TABLES)
        assert len(list(calls.iterdir())) == PARTITIONS
