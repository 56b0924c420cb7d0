"""Each row comes once: whichever rank and worker reads, wherever a reader stopped and went on."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from winnow.errors import ReleaseError
from winnow.loading.epoch_of_rows import Part
from winnow.loading.stream import SampleStream
from winnow.release.table_files import TableFiles

from tests.loading.samples import numbers_of, stream_of_rows, table_of

SIZES = [
    [("train", 700), ("valid", 60), ("test", 3)],
    [("train", 41)],
    [("valid", 100)],
    [("train", 512), ("train", 512)],
    [("train", 1), ("train", 907), ("test", 11)],
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> TableFiles:
    return table_of(tmp_path_factory.mktemp("samples"), SIZES)


def part(batch_size: int = 16, **changes: object) -> Part:
    values = {"rank": 0, "world_size": 1, "drop_last": False, "seed": 5, "window_rows": 100}
    return Part(batch_size=batch_size, **(values | changes))  # type: ignore[arg-type]


def taken(stream: SampleStream, workers: int = 1, most: int = 10**9) -> tuple[list[int], list[int]]:
    """Rows that come first from workers that give their batches in turn; batches of each."""
    runs = [stream.copied().run(worker, workers) for worker in range(workers)]
    rows: list[int] = []
    given, active = [0] * workers, list(range(workers))
    while active and sum(given) < most:
        for worker in list(active):
            if sum(given) == most:
                break
            batch = next(runs[worker], None)
            if batch is None:
                active.remove(worker)
            else:
                given[worker] += 1
                rows += batch["item_id"].tolist()
    return rows, given


class DescribeAnEpoch:
    @pytest.mark.parametrize("world_size", [1, 2, 3, 8])
    @pytest.mark.parametrize("workers", [1, 2, 5])
    def it_gives_each_row_to_one_worker_of_one_rank(
        self, table: TableFiles, world_size: int, workers: int
    ) -> None:
        rows: list[int] = []
        batches = []
        for rank in range(world_size):
            stream = stream_of_rows(table, part(rank=rank, world_size=world_size))
            of_rank, given = taken(stream, workers)
            rows += of_rank
            batches.append(sum(given))
        assert sorted(rows) == numbers_of(table, "train")
        assert len(set(batches)) == 1

    @pytest.mark.parametrize("split", ["train", "valid", "test"])
    def it_is_of_one_split(self, table: TableFiles, split: str) -> None:
        rows, _ = taken(stream_of_rows(table, part(), split))
        assert sorted(rows) == numbers_of(table, split)

    def it_has_another_order_each_time_and_the_same_one_again(self, table: TableFiles) -> None:
        orders = [taken(stream_of_rows(table, part(), epoch=epoch))[0] for epoch in (0, 1, 2, 0)]
        assert orders[0] == orders[3]
        assert len({tuple(order) for order in orders}) == 3
        assert len({tuple(sorted(order)) for order in orders}) == 1
        other_seed = taken(stream_of_rows(table, part(seed=6)))[0]
        assert other_seed != orders[0]

    def it_is_mixed(self, table: TableFiles) -> None:
        rows, _ = taken(stream_of_rows(table, part()))
        behind = np.abs(np.diff(rows))
        # Neighbours of one window are some hundred rows apart, and only by chance side by side.
        assert np.median(behind) > 50
        assert np.mean(behind == 1) < 0.02

    def it_has_the_order_of_the_files_without_a_seed(self, table: TableFiles) -> None:
        rows, _ = taken(stream_of_rows(table, part(seed=None)))
        assert rows == numbers_of(table, "train")

    @pytest.mark.parametrize("world_size", [1, 3])
    def it_leaves_out_what_fills_no_batch_only_where_asked(
        self, table: TableFiles, world_size: int
    ) -> None:
        total, rows = len(numbers_of(table, "train")), set()
        for rank in range(world_size):
            stream = stream_of_rows(
                table, part(64, rank=rank, world_size=world_size, drop_last=True)
            )
            sizes = [len(batch["item_id"]) for batch in stream.copied().run()]
            assert sizes == [64] * (total // world_size // 64) == [64] * len(stream)
            rows |= set(taken(stream)[0])
        assert len(rows) == world_size * 64 * (total // world_size // 64)

    def it_has_full_batches_but_for_the_last(self, table: TableFiles) -> None:
        sizes = [len(batch["item_id"]) for batch in stream_of_rows(table, part(64)).run()]
        total = len(numbers_of(table, "train"))
        assert sizes == [64] * (total // 64) + [total % 64]

    def it_gives_each_rank_as_many_batches_where_rows_are_odd(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, [[("train", 33)]])  # 17 and 16 rows: two batches, and one
        sizes = [
            [len(batch["item_id"]) for batch in stream_of_rows(table, p).run()]
            for p in (part(rank=0, world_size=2), part(rank=1, world_size=2))
        ]
        assert sizes == [[15, 1], [16, 1]]

    def it_may_be_empty(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, [[("valid", 3)]])
        assert [*stream_of_rows(table, part()).run()] == []


class DescribeResuming:
    @pytest.mark.parametrize("seed", range(3))
    def it_gives_each_row_once_after_a_hundred_kills(self, table: TableFiles, seed: int) -> None:
        chance = np.random.default_rng(seed)
        whole = stream_of_rows(table, part(5), epoch=seed)
        undisturbed, _ = taken(whole)
        rows: list[int] = []
        kills = 0
        state = whole.state_dict()
        while True:
            stream = stream_of_rows(table, part(5))  # a new process knows its arguments alone
            stream.load_state_dict(json.loads(json.dumps(state)))
            workers = int(chance.choice([1, 2, 4]))
            of_run, given = taken(stream, workers, most=int(chance.integers(0, 9)))
            rows += of_run
            stream.advance(given)
            state = stream.state_dict()
            assert len(json.dumps(state)) < 1024
            if sum(given) < 1 and not taken(stream)[0]:
                break
            kills += 1
        assert kills > 100
        assert len(rows) == len(undisturbed)
        assert sorted(rows) == sorted(undisturbed)

    def it_goes_on_in_the_same_order_with_the_same_workers(self, table: TableFiles) -> None:
        stream = stream_of_rows(table, part())
        undisturbed, _ = taken(stream, 1)
        first, given = taken(stream, 1, most=37)
        stream.advance(given)
        second, _ = taken(stream, 1)
        assert first + second == undisturbed

    def it_knows_the_position_of_one_worker(self, table: TableFiles) -> None:
        """As torchdata has it: each worker keeps its own state, and gets it back."""
        stream = stream_of_rows(table, part())
        undisturbed = [b["item_id"].tolist() for b in stream.copied().run(1, 3)]
        of_worker = stream.copied()
        run = of_worker.run(1, 3)
        first = [next(run)["item_id"].tolist() for _ in range(12)]
        again = stream_of_rows(table, part())
        again.load_state_dict(json.loads(json.dumps(of_worker.state_dict())))
        assert first + [b["item_id"].tolist() for b in again.run(1, 3)] == undisturbed

    def it_refuses_the_state_of_one_of_several_workers_for_all(self, table: TableFiles) -> None:
        of_worker = stream_of_rows(table, part())
        next(of_worker.run(1, 3))
        again = stream_of_rows(table, part())
        again.load_state_dict(of_worker.state_dict())
        with pytest.raises(ReleaseError, match="is of one worker and not of all"):
            again.run(0, 2)

    @pytest.mark.parametrize(
        "other",
        [part(17), part(seed=6), part(rank=1, world_size=2), part(drop_last=True), "test", "files"],
    )
    def it_refuses_a_state_of_other_rows(
        self, table: TableFiles, tmp_path: Path, other: Part | str
    ) -> None:
        state = stream_of_rows(table, part()).state_dict()
        files = table_of(tmp_path, SIZES[:-1]) if other == "files" else table
        split = "test" if other == "test" else "train"
        stream = stream_of_rows(files, part() if isinstance(other, str) else other, split)
        with pytest.raises(ReleaseError, match="is of other files, or of another split"):
            stream.load_state_dict(state)

    def it_begins_at_the_start_after_what_was_left(self, table: TableFiles) -> None:
        stream = stream_of_rows(table, part())
        whole, _ = taken(stream)
        stream.advance([100])
        assert len([*stream.run()]) == len(stream) - 100
        again = [row for batch in stream.run() for row in batch["item_id"].tolist()]
        assert again == whole

    def it_needs_less_than_a_kilobyte_with_sixty_workers(self, tmp_path: Path) -> None:
        groups = [[("train", 900 + 37 * (i % 5))] for i in range(150)]
        stream = stream_of_rows(table_of(tmp_path, groups), part(8, window_rows=900))
        sizes: Sequence[int] = stream._epochs.of(0).sizes
        assert len(sizes) > 120
        for rounds in (1, 50, 130, 200):
            at = stream.copied()
            at.advance([rounds] * 60)
            assert len(json.dumps(at.state_dict())) < 1024
