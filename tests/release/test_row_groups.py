"""Which rows of a file lie together, so that a reader of a part reads that part alone."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq
import pytest
from winnow.release.row_groups import row_groups, split_places
from winnow.release.sorted_files import SortedFiles

SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("batch_id", pa.int64()),
        ("wide", pa.list_(pa.int64())),
        ("shuffle_key", pa.int64()),
    ]
)


def rows_of(splits: Sequence[str | None], width: int = 0) -> pa.Table:
    """Rows in no order, each with as many elements as said."""
    n = len(splits)
    keys = np.random.default_rng(3).permutation(n)
    offsets = pa.array(np.arange(n + 1) * width, pa.int32())
    values = pa.array(np.arange(n * width) % 11, pa.int64())
    columns = [
        pa.array(splits, pa.string()),
        pa.array(keys // 10, pa.int64()),
        pa.ListArray.from_arrays(offsets, values),
        pa.array(keys, pa.int64()),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def written(folder: Path, rows: pa.Table) -> pq.ParquetFile:
    (name,) = SortedFiles(str(folder), SCHEMA, None, "shuffle_key").write_files([rows])
    return pq.ParquetFile(folder / name)


def bounds(file: pq.ParquetFile, column: str) -> list[tuple[object, object]]:
    """The least and greatest value of a column in each row group, as the footer tells them."""
    index, footer = SCHEMA.names.index(column), file.metadata
    found = [footer.row_group(g).column(index).statistics for g in range(footer.num_row_groups)]
    return [(statistics.min, statistics.max) for statistics in found]


class DescribeTheOrderOfAFile:
    @pytest.mark.parametrize("batches", ["as keys", "mixed"])
    def it_is_the_one_that_rows_are_put_in_to_be_compared_with_it(
        self, tmp_path: Path, batches: str
    ) -> None:
        rows = rows_of(["test", "train", "valid", "train", "train"] * 20, width=2)
        if batches == "mixed":
            # As batches without conflicts are: a row waits until one takes it, or none does.
            mixed = np.random.default_rng(4).integers(0, 9, 100).tolist()
            column = pa.array([None if i % 13 == 0 else n for i, n in enumerate(mixed)], pa.int64())
            rows = rows.set_column(rows.schema.names.index("batch_id"), "batch_id", column)
        files = SortedFiles(str(tmp_path), SCHEMA, None, "shuffle_key")
        (name,) = files.write_files([rows])
        assert pq.read_table(tmp_path / name).to_pylist() == files.in_order(rows).to_pylist()


class DescribeRowGroups:
    def it_holds_one_split_each_those_of_training_first(self, tmp_path: Path) -> None:
        file = written(tmp_path, rows_of(["test", "train", "valid", "train", "train"] * 20))
        assert bounds(file, "split") == [("train",) * 2, ("valid",) * 2, ("test",) * 2]
        rows = file.read()
        assert rows["split"].to_pylist() == ["train"] * 60 + ["valid"] * 20 + ["test"] * 20
        keys = rows["shuffle_key"].to_numpy()
        assert [bool(np.all(np.diff(keys[a:b]) > 0)) for a, b in pairwise([0, 60, 80, 100])] == [
            True
        ] * 3
        assert sorted(keys) == list(range(100))

    def it_keeps_what_stands_in_a_row_together(self, tmp_path: Path) -> None:
        rows = rows_of(["test", "train", "valid"] * 30, width=2)
        read = written(tmp_path, rows).read()
        assert read.sort_by("shuffle_key") == rows.sort_by("shuffle_key")

    def it_is_one_where_all_rows_are_of_one_split(self, tmp_path: Path) -> None:
        assert bounds(written(tmp_path, rows_of(["train"] * 50)), "shuffle_key") == [(0, 49)]

    def it_tells_of_the_batches_in_it(self, tmp_path: Path) -> None:
        assert bounds(written(tmp_path, rows_of(["train"] * 50)), "batch_id") == [(0, 4)]

    def it_is_cut_where_there_are_more_bytes_than_one_should_hold(self, tmp_path: Path) -> None:
        # 808 bytes a row: 48 MB are 62,291 of them.
        file = written(tmp_path, rows_of(["train"] * 70_000 + ["test"] * 10, width=100))
        sizes = [file.metadata.row_group(g).num_rows for g in range(file.metadata.num_row_groups)]
        assert sizes == [35_000, 35_000, 10]
        spans = bounds(file, "shuffle_key")
        assert spans[0][1] < spans[1][0]  # type: ignore[operator]

    def it_is_not_cut_into_few_rows_however_wide_they_are(self) -> None:
        rows = rows_of(["train"] * 8_192, width=2_000)
        assert rows.nbytes > 2 * 48 * 2**20
        assert [group.num_rows for group in row_groups(rows, np.zeros(8_192, np.int8))] == [8_192]


class DescribeSplitPlaces:
    def it_is_the_place_of_the_split(self) -> None:
        column = pa.array(["valid", "train", "test", None, "train"]).dictionary_encode()
        places = split_places(pa.table({"split": column}))
        assert places.dtype == np.int8
        assert places.tolist() == [1, 0, 2, 3, 0]

    def it_is_the_same_for_all_where_the_table_has_none(self) -> None:
        assert split_places(pa.table({"a": [1, 2]})).tolist() == [0, 0]


class DescribeASplitThatIsRead:
    @pytest.mark.parametrize("split", ["train", "valid", "test"])
    def it_is_all_that_its_row_groups_hold(self, tmp_path: Path, split: str) -> None:
        """PyArrow, asked for a split, looks at row groups without rows of another one."""
        written(tmp_path, rows_of(["test", "train", "valid", "train"] * 10))
        (fragment,) = pds.dataset(tmp_path).get_fragments()
        groups = fragment.subset(pds.field("split") == split).row_groups
        assert [group.num_rows for group in groups] == [20 if split == "train" else 10]
