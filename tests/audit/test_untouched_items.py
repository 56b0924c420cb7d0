"""Items that nothing is told of, counted by weight: as if they had been looked at one by one."""

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.audit.recompute.index_order import each_once, runs_in, spans_in, stand_in_order
from winnow.audit.recompute.stated_weights import wrong_weights
from winnow.audit.recompute.untouched import Untouched, in_pools, tenths_of
from winnow.audit.statistics import chi_square, occupancy


def untouched(weight: list[int], pool: list[int], n: list[int]) -> Untouched:
    none = np.zeros(len(n))
    return Untouched(
        weight=np.array(weight, np.int64),
        pool=np.array(pool, np.int64),
        tenth=none.astype(np.int64),
        n=np.array(n, np.int64),
        least_q=none,
        most_q=none,
    )


class DescribeTheOrderOfIndices:
    def stand(self, spark: SparkSession, rows: list[tuple[object, int]], first: int = 3) -> bool:
        kind = "string" if rows and isinstance(rows[0][0], str) else "bigint"
        frame = spark.createDataFrame(rows, f"item_id {kind}, index bigint")
        return stand_in_order(frame, first, 3 + len(rows))

    def it_sees_that_indices_go_up_with_the_ids(self, spark: SparkSession) -> None:
        assert self.stand(spark, [(-5, 3), (0, 4), (7, 5), (90, 6)])
        assert self.stand(spark, [(7, 5), (-5, 3), (90, 6), (0, 4)]), "in whatever order"
        assert self.stand(spark, [("a", 3), ("ab", 4), ("b", 5)])
        assert self.stand(spark, [])

    @pytest.mark.parametrize(
        "rows",
        [
            [(1, 3), (3, 4), (2, 5)],
            [(1, 3), (2, 5), (3, 6)],
            [(1, 3), (2, 4), (2, 5)],
            [(1, 3), (2, 3), (3, 4)],
            [(1, 4), (2, 5), (3, 6)],
            [("b", 3), ("a", 4), ("c", 5)],
        ],
    )
    def it_sees_that_they_do_not(self, spark: SparkSession, rows: list[tuple[object, int]]) -> None:
        assert not self.stand(spark, rows)

    def it_sees_it_across_the_parts_of_a_task(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("winnow.audit.recompute.index_order._AT_A_TIME", 2)
        batches = [
            pa.RecordBatch.from_arrays([pa.array(ids), pa.array(index)], ["item_id", "index"])
            for ids, index in (([1, 2], [3, 4]), ([5, 4], [6, 5]), ([9], [7]))
        ]
        runs = pa.Table.from_batches(runs_in(batches)).to_pylist()
        assert [(run["from_index"], run["to_index"]) for run in runs] == [(3, 4), (5, 6), (7, 7)]
        assert [(run["from_id"], run["to_id"]) for run in runs] == [(1, 2), (4, 5), (9, 9)]


class DescribeIdsThatAreThereOnce:
    def once(self, spark: SparkSession, ids: list[object]) -> bool:
        kind = "string" if ids and isinstance(ids[0], str) else "bigint"
        return each_once(spark.createDataFrame([(one,) for one in ids], f"item_id {kind}"))

    def it_sees_that_each_is_there_once(self, spark: SparkSession) -> None:
        assert self.once(spark, [-5, 0, 7, 90])
        assert self.once(spark, [7, -5, 90, 0]), "in whatever order"
        assert self.once(spark, ["a", "ab", "b"])
        assert self.once(spark, [4])
        assert self.once(spark, [])

    def it_sees_that_one_is_there_twice(self, spark: SparkSession) -> None:
        assert not self.once(spark, [-5, 0, 0, 90])
        assert not self.once(spark, [0, 7, -5, 0])
        assert not self.once(spark, ["b", "a", "b"])

    @pytest.mark.parametrize(
        ("ids", "spans"),
        [
            ([1, 2, 3, 5], [(1, 2), (3, 5)]),
            ([2, 1, 5, 3], [(1, 2), (3, 5)]),
            ([1, 3, 2, 3], [(1, 3), (2, 3)]),
            ([1, 1, 2, 3], [(1, None), (2, 3)]),
            ([1, None, 2, 3], [(1, None), (2, 3)]),
        ],
    )
    def it_tells_the_ends_of_some_rows_at_a_time(
        self,
        monkeypatch: pytest.MonkeyPatch,
        ids: list[int | None],
        spans: list[tuple[int, int | None]],
    ) -> None:
        monkeypatch.setattr("winnow.audit.recompute.index_order._AT_A_TIME", 2)
        batches = [
            pa.RecordBatch.from_pydict({"item_id": pa.array([one], pa.int64())}) for one in ids
        ]
        found = pa.Table.from_batches(spans_in(batches)).to_pylist()
        assert [(span["from_id"], span["to_id"]) for span in found] == spans


class DescribeUntouchedItems:
    def it_parts_places_into_tenths_as_numpy_does(self) -> None:
        for n in (10, 13, 99, 1_000):
            wanted = np.concatenate(
                [np.full(len(part), k) for k, part in enumerate(np.array_split(np.arange(n), 10))]
            )
            assert tenths_of(np.arange(n), n).tolist() == wanted.tolist()

    def it_judges_weights_as_if_each_item_were_there(self) -> None:
        share, weight = np.array([8.0, 1.0, 1.0]), np.array([2**49, 2**46, 2**46 + 10**6])
        times = np.array([1, 5, 3])
        each = np.repeat(np.arange(3), times)
        assert wrong_weights(share, weight, times) == wrong_weights(share[each], weight[each]) == 3

    def it_judges_coverage_as_if_each_item_were_there(self) -> None:
        expected, times = np.array([0.5, 2.0, 0.01]), np.array([3.0, 1.0, 400.0])
        each = np.repeat(expected, times.astype(int))
        found, wanted = occupancy(9.0, expected, times), occupancy(9.0, each)
        assert (found.p, found.size) == pytest.approx((wanted.p, wanted.size), rel=1e-9)
        assert found.cells == wanted.cells == 404

    def it_makes_cells_that_do_not_depend_on_what_was_drawn(self) -> None:
        """Right draws of many rare items are no surprise, though each drawn one came too often."""
        rng, n, draws = np.random.default_rng(8), 50_000, 20_000
        weight, pool = np.ones(n), rng.integers(0, 1024, n)
        counts = np.bincount(rng.integers(0, n, draws), minlength=n).astype(np.float64)
        for every, most in ((counts, 4.0), (np.where(pool < 512, 2 * counts, 0.0), np.inf)):
            likely = weight / n * every.sum()
            told = every > 0
            left = np.bincount(pool[~told], minlength=1024)
            others = untouched([1] * 1024, list(range(1024)), left.tolist())
            beside = np.full(1024, likely[0])
            cells = in_pools(every[told], likely[told], likely[told], pool[told], beside, others)
            assert cells[0].sum() == every.sum()
            assert cells[1].sum() == pytest.approx(every.sum(), rel=1e-9)
            found = chi_square(*cells)
            assert found.p < most
            assert (found.p > 9) == (most == np.inf)
