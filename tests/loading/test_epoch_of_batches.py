"""Batches that the build made: whole, with their mask, each once for all ranks and workers."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from winnow.errors import ReleaseError
from winnow.loading.feature_table import FeatureTable
from winnow.loading.samples import stream_of
from winnow.loading.stream import SampleStream
from winnow.release.table_files import TableFiles

from tests.loading.samples import table_of

SIZE = 8
TYPES: dict[str, pa.DataType] = {
    "user_id": pa.int64(),
    "item_id": pa.int64(),
    "split": pa.string(),
    "batch_id": pa.int64(),
    "slot": pa.int32(),
    "batch_rows": pa.int32(),
    "batch_item_slot": pa.int32(),
    "batch_conflict_item_slots": pa.list_(pa.int32()),
}
DATES = {date(2026, 1, 1): 50, date(2026, 1, 2): 19}
BATCHES = 7 + 3


def rows_of(n: int, split: str, first: int = 0) -> list[dict[str, Any]]:
    """Rows in the order of their batches; items repeat, so some are forbidden in other slots."""
    rows = []
    for i in range(n):
        begin, size = i - i % SIZE, min(SIZE, n - (i - i % SIZE))
        items = [(j * j) % 6 for j in range(begin, begin + size)]
        own = items.index(items[i - begin])
        conflicts = sorted({own, items.index(items[0])})
        rows.append(
            {
                "user_id": i, "item_id": items[i - begin], "split": split,
                "batch_id": first + i // SIZE, "slot": i % SIZE, "batch_rows": size,
                "batch_item_slot": own, "batch_conflict_item_slots": conflicts,
            }
        )  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> TableFiles:
    folder = tmp_path_factory.mktemp("batches")
    schema, files = pa.schema(list(TYPES.items())), []
    for day, n in DATES.items():
        rows = [*rows_of(n, "train"), *rows_of(11, "valid", first=-(-n // SIZE))]
        weak = rows[0] | dict.fromkeys([*TYPES][3:])
        for k in range(3):
            path = folder / f"{day}-{k}.parquet"
            pq.write_table(pa.Table.from_pylist([*rows[k::3], weak], schema), path)
            files.append((str(path), day))
    return TableFiles(schema.append(pa.field("ds", pa.date32())), tuple(reversed(files)))


def stream(table: TableFiles, **changes: Any) -> SampleStream:
    values: dict[str, Any] = {"columns": ["user_id", "item_id"], "in_batch": True}
    return stream_of(table, None, **(values | changes))


def taken(of: SampleStream, workers: int = 1) -> list[list[int]]:
    runs = [of.copied().run(worker, workers) for worker in range(workers)]
    return [batch["user_id"].tolist() for run in runs for batch in run]


EXPECTED = [
    [*range(begin, min(begin + SIZE, n))] for n in DATES.values() for begin in range(0, n, SIZE)
]


class DescribeBatchesOfTheBuild:
    def it_gives_each_whole_in_the_order_of_the_slots(self, table: TableFiles) -> None:
        assert taken(stream(table)) == EXPECTED
        assert len(stream(table)) == len(EXPECTED) == BATCHES

    def it_is_of_one_split(self, table: TableFiles) -> None:
        assert taken(stream(table, split="valid")) == [[*range(8)], [*range(8, 11)]] * 2

    @pytest.mark.parametrize("world_size", [1, 2, 3])
    @pytest.mark.parametrize("workers", [1, 2, 4])
    def it_gives_each_to_one_worker_of_one_rank(
        self, table: TableFiles, world_size: int, workers: int
    ) -> None:
        of_ranks = [
            taken(stream(table, rank=r, world_size=world_size), workers) for r in range(world_size)
        ]
        whole = [b for of_rank in of_ranks for b in of_rank[: BATCHES // world_size]]
        left = EXPECTED[BATCHES // world_size * world_size :]
        parts = [of_rank[-1] for of_rank in of_ranks] if left else []
        assert sorted(whole + left) == sorted(EXPECTED)
        assert sorted(x for part in parts for x in part) == sorted(x for b in left for x in b)
        assert {len(of_rank) for of_rank in of_ranks} == {-(-BATCHES // world_size)}

    @pytest.mark.parametrize("world_size", [4, 7, 11, 25])
    def it_cuts_what_is_left_into_a_part_for_each_rank(
        self, table: TableFiles, world_size: int
    ) -> None:
        n = BATCHES // world_size
        runs = [list(stream(table, rank=r, world_size=world_size).run()) for r in range(world_size)]
        assert {len(of_rank) for of_rank in runs} == {n + 1}
        left = EXPECTED[n * world_size :]
        rows = [x for of_rank in runs for x in of_rank[n]["user_id"].tolist()]
        assert set(rows) == {x for batch in left for x in batch}
        # A batch of dates that ended early has three rows, which more than three ranks share.
        assert len(rows) == sum(len(b) for b in left) or world_size == 25
        for of_rank in runs:
            items = of_rank[n]["item_id"]
            (batch,) = [b for b in left if set(of_rank[n]["user_id"]) <= {*b}][:1]
            first = rows_of(1000, "train")[batch[0]]["item_id"]
            expected = (items[:, None] == items) | (items == first)
            assert of_rank[n]["conflicts"].tolist() == expected.tolist()

    def it_gives_ranks_as_many_where_asked(self, table: TableFiles) -> None:
        of_ranks = [taken(stream(table, rank=r, world_size=3, drop_last=True)) for r in range(3)]
        assert [len(of_rank) for of_rank in of_ranks] == [3, 3, 3]
        assert sorted(b for of_rank in of_ranks for b in of_rank) == sorted(EXPECTED[:9])

    def it_goes_on_with_other_workers(self, table: TableFiles) -> None:
        first = stream(table)
        runs = [first.copied().run(worker, 2) for worker in range(2)]
        seen = [next(run)["user_id"].tolist() for run in (*runs, runs[0])]
        first.advance([2, 1])
        again = stream(table)
        again.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert sorted(seen + taken(again, 3)) == sorted(EXPECTED)


class DescribeFeaturesInABatch:
    def it_has_them_for_each_row(self, table: TableFiles) -> None:
        rows = pa.table({"id": range(6), "price": [10 * i for i in range(6)]})
        features = {"item_id": FeatureTable(rows, "id")}
        n = 0
        for batch in stream(table, columns=["item_id"], features=features, world_size=4).run():
            assert batch["item_price"].tolist() == (10 * batch["item_id"]).tolist()
            assert batch["conflicts"].shape == (len(batch["item_id"]),) * 2
            n += len(batch["item_id"])
        assert n > 16


class DescribeTheMask:
    def it_is_of_the_items_that_are_forbidden(self, table: TableFiles) -> None:
        for batch in stream(table).run():
            items = batch["item_id"]
            expected = (items[:, None] == items) | (items == items[0])
            assert batch["conflicts"].tolist() == expected.tolist()
            assert batch["conflicts"].flags.writeable

    def it_leaves_a_share_of_the_slots_others_each_epoch(self, table: TableFiles) -> None:
        whole = next(stream(table).run())["conflicts"]
        kept = []
        for epoch in range(40):
            part = next(stream(table, share=0.5, epoch=epoch).run())["conflicts"]
            assert part[whole].all()
            columns = part.all(axis=0)
            assert (part == whole | columns).all()
            kept.append(SIZE - int(columns.sum()))
        assert 2.5 < np.mean(kept) < 5.5
        assert len(set(kept)) > 2

    def it_leaves_the_same_slots_again(self, table: TableFiles) -> None:
        parts = [next(stream(table, share=0.5).run())["conflicts"].tolist() for _ in range(2)]
        assert parts[0] == parts[1]


class DescribeWhatIsAsked:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"batch_size": 8, "in_batch": True}, {"batch_size": None}, {"batch_size": 0},
            {"batch_size": 8, "rank": 2, "world_size": 2}, {"batch_size": 8, "share": 0.0},
            {"batch_size": None, "in_batch": True, "split": None},
        ],
    )  # fmt: skip
    def it_is_refused_where_it_makes_no_sense(
        self, table: TableFiles, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError):
            stream_of(table, columns=["user_id"], **wrong)

    def it_names_a_column_that_is_not_there(self, table: TableFiles) -> None:
        with pytest.raises(ReleaseError, match="of_nothing: is no column of the table"):
            stream_of(table, 8, columns=["of_nothing"])

    def it_says_where_a_table_knows_no_batches(self, tmp_path: Path) -> None:
        with pytest.raises(ReleaseError, match="says nothing of batches"):
            stream_of(
                table_of(tmp_path, [[("train", 3)]]), None, columns=["item_id"], in_batch=True
            )
