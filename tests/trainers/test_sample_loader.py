"""SampleDataset in the real PyTorch: workers of every kind, kills, and what arrives."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from winnow.loading.feature_table import FeatureTable
from winnow.release.table_files import TableFiles

from tests.loading.samples import numbers_of, table_of

torch = pytest.importorskip(
    "torch", reason="PyTorch is in an environment of its own: make trainers"
)

from torch.utils.data import DataLoader  # noqa: E402
from winnow.torch import SampleDataset, SampleLoader  # noqa: E402

SIZES = [[("train", 9_000)], [("train", 7_000), ("valid", 300)], [("train", 20_000)]]
COLUMNS = ("item_id", "neg_item_ids", "neg_log_q")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> TableFiles:
    return table_of(tmp_path_factory.mktemp("samples"), SIZES)


def dataset(table: TableFiles, **changes: Any) -> SampleDataset:
    values: dict[str, Any] = {
        "batch_size": 128,
        "columns": COLUMNS,
        "shuffle_seed": 3,
        "padding_id": -1,
    }
    return SampleDataset(table, **(values | changes))


def rows_of(batches: Any) -> list[int]:
    return [number for batch in batches for number in batch["item_id"].tolist()]


class DescribeSampleDataset:
    @pytest.mark.parametrize(
        ("workers", "start"), [(0, None), (1, "fork"), (2, "fork"), (3, "forkserver"), (2, "spawn")]
    )
    def it_gives_each_row_once(self, table: TableFiles, workers: int, start: str | None) -> None:
        loader = DataLoader(
            dataset(table), batch_size=None, num_workers=workers, multiprocessing_context=start
        )
        assert sorted(rows_of(loader)) == numbers_of(table, "train")
        assert len(loader) == sum(1 for _ in loader)

    def it_gives_tensors_that_may_be_written(self, table: TableFiles) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            batch = next(iter(dataset(table)))
            for values in batch.values():
                values.copy_(values.clone())
        types = {name: values.dtype for name, values in batch.items()}
        assert types == {
            "item_id": torch.int64,
            "neg_item_ids": torch.int64,
            "neg_log_q": torch.float64,
            "mask": torch.bool,
            "easy": torch.bool,
        }
        assert {tuple(v.shape) for v in batch.values()} == {(128,), (128, 3)}
        short = batch["item_id"] % 7 == 0
        assert 0 < int(short.sum()) < 128
        assert batch["mask"].sum(1).tolist() == torch.where(short, 2, 3).tolist()
        assert (batch["neg_item_ids"][short, 2] == -1).all()
        assert (batch["easy"].sum(1) == batch["mask"].sum(1) - 1).all()

    @pytest.mark.parametrize("workers", [0, 2])
    def it_goes_on_in_a_stateful_data_loader(self, table: TableFiles, workers: int) -> None:
        stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
        whole = [b["item_id"].tolist() for b in stateful(dataset(table), None, num_workers=workers)]
        loader = stateful(dataset(table), None, num_workers=workers)
        batches = iter(loader)
        first = [next(batches)["item_id"].tolist() for _ in range(41)]
        state = loader.state_dict()
        again = stateful(dataset(table), None, num_workers=workers)
        again.load_state_dict(state)
        assert first + [b["item_id"].tolist() for b in again] == whole
        assert sorted(x for batch in whole for x in batch) == numbers_of(table, "train")


class DescribeSampleLoader:
    def it_gives_each_row_once_after_many_kills_with_other_workers(self, table: TableFiles) -> None:
        chance = np.random.default_rng(1)
        state, rows, kills = None, list[int](), 0
        while state is None or state["epoch"] == 0:
            loader = SampleLoader(dataset(table), num_workers=int(chance.choice([0, 1, 2, 4])))
            if state is not None:
                loader.load_state_dict(json.loads(json.dumps(state)))
            most = int(chance.integers(10, 40))
            for taken, batch in enumerate(loader, start=1):
                rows += batch["item_id"].tolist()
                state = loader.state_dict()
                assert len(json.dumps(state)) < 1024
                if taken == most:
                    break
            else:
                state = loader.state_dict()
            kills += 1
        assert kills > 8
        assert state["epoch"] == 1
        assert sorted(rows) == numbers_of(table, "train")

    def it_gives_the_next_epoch_in_another_order(self, table: TableFiles) -> None:
        loader = SampleLoader(dataset(table), num_workers=2)
        orders = [rows_of(loader) for _ in range(2)]
        assert orders[0] != orders[1]
        assert sorted(orders[0]) == sorted(orders[1]) == numbers_of(table, "train")
        assert rows_of(SampleLoader(dataset(table, epoch=1), num_workers=2)) == orders[1]

    def it_goes_on_where_an_iteration_was_left(self, table: TableFiles) -> None:
        loader = SampleLoader(dataset(table))
        rows = list[int]()
        for number, batch in enumerate(loader):
            rows += batch["item_id"].tolist()
            if number == 9:
                break
        assert sorted(rows + rows_of(loader)) == numbers_of(table, "train")

    def it_gives_ranks_as_many_batches_and_other_rows(self, table: TableFiles) -> None:
        loaders = [SampleLoader(dataset(table, rank=r, world_size=3), 2) for r in range(3)]
        batches = [[b["item_id"].tolist() for b in loader] for loader in loaders]
        assert len({len(of_rank) for of_rank in batches}) == 1
        rows = [x for of_rank in batches for batch in of_rank for x in batch]
        assert sorted(rows) == numbers_of(table, "train")

    def it_refuses_workers_that_outlive_an_epoch(self, table: TableFiles) -> None:
        with pytest.raises(ValueError, match="persistent_workers"):
            SampleLoader(dataset(table), num_workers=1, persistent_workers=True)


class DescribeFeaturesInTensors:
    @pytest.mark.parametrize(("workers", "start"), [(0, None), (2, "fork"), (2, "spawn")])
    @pytest.mark.parametrize("mapped", [True, False])
    def it_gives_each_item_its_own_and_counts_what_is_not_known(
        self, table: TableFiles, workers: int, start: str | None, mapped: bool, tmp_path: Path
    ) -> None:
        n = 36_000
        vectors = pa.array([[x, -x] for x in range(n)], pa.list_(pa.float32(), 2))
        items = FeatureTable(
            pa.table({"id": range(n), "double": range(0, 2 * n, 2), "v": vectors}), "id"
        )
        if mapped:
            items.save(tmp_path / "items.arrow")
            items = FeatureTable.load(tmp_path / "items.arrow")
        features = {"item_id": items, "neg_item_ids": items}
        loader = SampleLoader(
            dataset(table, features=features), workers, multiprocessing_context=start
        )
        lost = [0, 0]
        for batch in loader:
            known = batch["item_known"]
            assert (known == (batch["item_id"] < n)).all()
            assert (batch["item_double"] == torch.where(known, batch["item_id"] * 2, 0)).all()
            there = batch["neg_item_known"]
            assert (there == batch["mask"] & (batch["neg_item_ids"] < n)).all()
            assert (batch["neg_item_v"][there][:, 1] == -batch["neg_item_ids"][there]).all()
            assert batch["neg_item_v"].dtype == torch.float32
            lost[0] += int((~known).sum())
            lost[1] += int((batch["mask"] & ~there).sum())
        assert loader.unknown == {"item_id": lost[0], "neg_item_ids": lost[1]}
        assert lost[0] == len([x for x in numbers_of(table, "train") if x >= n]) > 0


class DescribeALoaderThatIsLeftEarly:
    def it_begins_an_epoch_that_is_asked_for_at_its_start(self, table: TableFiles) -> None:
        loader = SampleLoader(dataset(table))
        start = loader.state_dict()
        for _, _ in zip(range(4), loader, strict=False):
            pass
        loader.dataset.set_epoch(1)
        assert sorted(rows_of(loader)) == numbers_of(table, "train")
        for _, _ in zip(range(4), loader, strict=False):
            pass
        loader.dataset.load_state_dict(start)
        assert sorted(rows_of(loader)) == numbers_of(table, "train")
