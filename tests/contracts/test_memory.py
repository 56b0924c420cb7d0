"""How much memory an engine that does not spill may fill, and in how many passes it then works."""

import math
import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.spark.dialect import dialect_of
from winnow.spark.limits import ShuffleLimit
from winnow.spark.memory import memory_gib
from winnow.spark.passes import passes_for

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
HALF_A_GIB, QUARTER = str(2**29), str(2**28)


def memory(folder: Path, own_group: str, limits: dict[str, str]) -> float:
    for name, limit in limits.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(limit + "\n")
    (folder / "own").write_text(own_group + "\n")
    return memory_gib(folder, folder / "own")


class DescribeTheMemory:
    def it_is_the_machines_where_there_are_no_control_groups(self, tmp_path: Path) -> None:
        assert memory_gib(tmp_path, tmp_path / "none") == MACHINE

    def it_is_the_machines_where_no_group_has_a_limit(self, tmp_path: Path) -> None:
        limits = {"a/b/memory.max": "max", "a/memory.max": "max"}
        assert memory(tmp_path, "0::/a/b", limits) == MACHINE

    def it_is_the_machines_where_a_limit_is_above_it(self, tmp_path: Path) -> None:
        assert memory(tmp_path, "0::/", {"memory.max": str(2**60)}) == MACHINE

    def it_is_the_limit_of_the_own_group(self, tmp_path: Path) -> None:
        assert memory(tmp_path, "0::/a", {"a/memory.max": HALF_A_GIB}) == 0.5

    def it_is_the_lowest_limit_of_the_groups_around(self, tmp_path: Path) -> None:
        limits = {"a/b/memory.max": HALF_A_GIB, "a/memory.max": QUARTER}
        assert memory(tmp_path, "0::/a/b", limits) == 0.25

    def it_is_a_containers_own_limit_where_its_path_is_the_hosts(self, tmp_path: Path) -> None:
        assert memory(tmp_path, "0::/docker/1", {"memory.max": HALF_A_GIB}) == 0.5

    def it_does_not_look_at_a_group_of_others(self, tmp_path: Path) -> None:
        assert memory(tmp_path, "0::/a", {"b/memory.max": HALF_A_GIB}) == MACHINE

    def it_is_the_limit_of_an_older_kernels_group(self, tmp_path: Path) -> None:
        groups = "5:cpu,cpuacct:/x\n4:memory:/a"
        limits = {"memory/a/memory.limit_in_bytes": HALF_A_GIB, "x/memory.max": QUARTER}
        assert memory(tmp_path, groups, limits) == 0.5


class DescribePasses:
    @pytest.mark.one_engine
    @pytest.mark.parametrize(
        ("gib", "rows", "expected"),
        [(1.0, 0, 1), (1.0, 1_000, 1), (1.0, 1_001, 2), (8.0, 8_001, 2), (0.5, 1_001, 3)],
    )
    def it_takes_as_many_as_the_memory_asks_for(
        self, spark: SparkSession, gib: float, rows: int, expected: int
    ) -> None:
        limit = ShuffleLimit(rows_per_partition=10, rows_per_gib=1_000)
        passes, partitions = passes_for(spark, rows, limit, gib)
        assert passes == expected
        assert partitions == max(1, math.ceil(rows / (10 * expected)))

    def it_takes_as_many_as_the_machines_memory_asks_for_where_the_engine_does_not_spill(
        self, spark: SparkSession
    ) -> None:
        rows = 10 * 2**10
        limit = ShuffleLimit(rows_per_partition=100, rows_per_gib=1)
        spills = dialect_of(spark).spills
        passes = 1 if spills else math.ceil(rows / int(memory_gib()))
        assert passes_for(spark, rows, limit) == (passes, math.ceil(rows / (100 * passes)))
        assert spills or passes > 1, "the test must be able to fail"
