"""How rows become files: their order, and how columns are encoded."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from winnow.release.sorted_files import SortedFiles
from winnow.release.table_files import TableFiles, parquet_file

SCHEMA = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("item_id", pa.int64()),
        ("log_q", pa.float64()),
        ("neg_item_ids", pa.list_(pa.int64())),
        ("neg_log_q", pa.list_(pa.float64())),
        ("shuffle_key", pa.int64()),
    ]
)


def written(folder: Path, keys: Sequence[int]) -> pq.ParquetFile:
    """The one file of rows with these keys."""
    n = len(keys)
    rows = {
        "sample_id": list(keys),
        "item_id": [i % 3 for i in range(n)],
        "log_q": [-0.5 * i for i in range(n)],
        "neg_item_ids": [[i % 5, 7] for i in range(n)],
        "neg_log_q": [[-1.0 * i, None] for i in range(n)],
        "shuffle_key": list(keys),
    }
    files = SortedFiles(str(folder), SCHEMA, partition=None, sort_by="shuffle_key")
    batches = pa.table(rows, SCHEMA).to_batches(max_chunksize=7)
    (name,) = files.write_files([pa.Table.from_batches([batch]) for batch in batches])
    return pq.ParquetFile(folder / name)


def with_ids(
    folder: Path, kind: pa.DataType, ids: Sequence[object], negatives: Sequence[object]
) -> pq.ParquetFile:
    """The one file of three rows, in this order."""
    columns = {"item_id": kind, "neg_item_ids": pa.list_(kind), "shuffle_key": pa.int64()}
    schema = pa.schema(list(columns.items()))
    files = SortedFiles(str(folder), schema, partition=None, sort_by="shuffle_key")
    rows = {"item_id": ids, "neg_item_ids": negatives, "shuffle_key": [1, 2, 3]}
    (name,) = files.write_files([pa.table(rows, schema)])
    return pq.ParquetFile(folder / name)


def encoded(file: pq.ParquetFile, encoding: str) -> set[str]:
    """The columns that have values of an encoding."""
    group = file.metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    return {
        column.path_in_schema.split(".")[0] for column in columns if encoding in column.encodings
    }


DICTIONARY, PACKED = "RLE_DICTIONARY", "DELTA_BINARY_PACKED"


class DescribeWrite:
    def it_sorts_by_the_key_and_keeps_rows_together(self, tmp_path: Path) -> None:
        keys = [int(key) for key in np.random.default_rng(1).permutation(50) - 25]
        table = written(tmp_path, keys).read()
        assert table["shuffle_key"].to_pylist() == sorted(keys)
        assert table["sample_id"].to_pylist() == sorted(keys)
        assert table["neg_item_ids"].to_pylist() == [[keys.index(k) % 5, 7] for k in sorted(keys)]
        assert table.schema.names == SCHEMA.names

    def it_packs_ids_where_each_row_is_of_another_positive(self, tmp_path: Path) -> None:
        file = written(tmp_path, range(40))
        assert encoded(file, PACKED) == {"item_id", "neg_item_ids"}
        assert encoded(file, DICTIONARY) == set()

    def it_gives_ids_a_dictionary_where_they_repeat_in_rows_of_one_positive(
        self, tmp_path: Path
    ) -> None:
        file = written(tmp_path, [key for key in range(8) for _ in range(5)])
        assert encoded(file, PACKED) == {"neg_item_ids"}
        assert encoded(file, DICTIONARY) == {"item_id"}

    def it_takes_ids_for_repeating_from_two_rows_each(self, tmp_path: Path) -> None:
        mostly_new = written(tmp_path, [0, 0, 1, 2, 2])  # two of four differ from the one before
        assert "item_id" in encoded(mostly_new, PACKED)
        rarely_new = written(tmp_path, [0, 0, 0, 1, 1])
        assert "item_id" in encoded(rarely_new, DICTIONARY)

    def it_packs_no_ids_that_are_text(self, tmp_path: Path) -> None:
        ids, negatives = ["a", "b", "b"], [["x"], [], ["y", None]]
        file = with_ids(tmp_path, pa.string(), ids, negatives)
        assert file.read()["item_id"].to_pylist() == ids
        assert file.read()["neg_item_ids"].to_pylist() == negatives
        assert encoded(file, PACKED) == set()
        assert encoded(file, DICTIONARY) == {"item_id", "neg_item_ids"}

    def it_packs_no_ids_that_lie_far_apart_as_hashes_do(self, tmp_path: Path) -> None:
        ids, negatives = [-(2**63), 0, 2**63 - 1], [[0], [2**32], []]
        file = with_ids(tmp_path, pa.int64(), ids, negatives)
        assert file.read()["item_id"].to_pylist() == ids
        assert file.read()["neg_item_ids"].to_pylist() == negatives
        assert encoded(file, PACKED) == set()

    def it_packs_ids_that_are_large_but_lie_close(self, tmp_path: Path) -> None:
        ids, negatives = [2**63 - 1, 2**63 - 7, 2**63 - 3], [[0], [2**32 - 1], [None]]
        file = with_ids(tmp_path, pa.int64(), ids, negatives)
        assert file.read()["item_id"].to_pylist() == ids
        assert file.read()["neg_item_ids"].to_pylist() == negatives
        assert encoded(file, PACKED) == {"item_id", "neg_item_ids"}

    def it_packs_slots_of_batches(self, tmp_path: Path) -> None:
        names = ("slot", "batch_item_slot", "batch_conflict_item_slots")
        kinds = [pa.int32(), pa.int32(), pa.list_(pa.int32())]
        schema = pa.schema([*zip(names, kinds, strict=True), ("shuffle_key", pa.int64())])
        files = SortedFiles(str(tmp_path), schema, partition=None, sort_by="shuffle_key")
        rows = [[0, 1, None], [0, 0, None], [[0, 700], [], None], [1, 2, 3]]
        (name,) = files.write_files([pa.table(rows, schema)])
        file = pq.ParquetFile(tmp_path / name)
        assert encoded(file, PACKED) == set(names)
        assert file.read().to_pydict() == dict(zip(schema.names, rows, strict=True))

    def it_writes_lists_that_are_all_empty(self, tmp_path: Path) -> None:
        file = with_ids(tmp_path, pa.int64(), [1, 2, None], [[], [], []])
        assert file.read()["neg_item_ids"].to_pylist() == [[], [], []]


class DescribeTextOfFewNames:
    def it_is_text_in_the_file_whatever_it_was_in_the_task(self, tmp_path: Path) -> None:
        schema = pa.schema([("source", pa.string()), ("shuffle_key", pa.int64())])
        files = SortedFiles(str(tmp_path), schema, partition=None, sort_by="shuffle_key")
        texts = [pa.array(text) for text in (["cut", "low"], ["low", None], ["popularity"])]
        keys = ([5, 1], [4, 2], [3])
        # Each part has a dictionary of its own, or none: the file has one.
        for kind in (pa.Array.dictionary_encode, lambda text: text):
            parts = [
                pa.table({"source": kind(text), "shuffle_key": key})
                for text, key in zip(texts, keys, strict=True)
            ]
            (name,) = files.write_files(parts)
            file = pq.ParquetFile(tmp_path / name)
            assert file.schema_arrow == schema
            assert file.read().to_pydict() == {
                "source": ["low", None, "popularity", "low", "cut"],
                "shuffle_key": [1, 2, 3, 4, 5],
            }
            assert encoded(file, "RLE_DICTIONARY") == {"source"}


class DescribeChecksums:
    @pytest.mark.parametrize("sort_by", ["shuffle_key", None])
    def it_tells_readers_of_one_bit_that_changed(self, tmp_path: Path, sort_by: str | None) -> None:
        schema = pa.schema([("sample_id", pa.int64()), ("shuffle_key", pa.int64())])
        files = SortedFiles(str(tmp_path), schema, partition=None, sort_by=sort_by)
        values = np.random.default_rng(5).integers(-(2**63), 2**63 - 1, 100).tolist()
        (name,) = files.write_files([pa.table([values, range(100)], schema)])
        content = bytearray((tmp_path / name).read_bytes())
        # Hashes, which no codec makes smaller, stand there as they are.
        place = content.index(np.int64(values[50]).tobytes())
        content[place] ^= 1
        (tmp_path / name).write_bytes(content)

        changed = pq.ParquetFile(tmp_path / name).read()["sample_id"].to_pylist()
        assert [i for i in range(100) if changed[i] != values[i]] == [50], "silent without a look"
        with pytest.raises(OSError, match="CRC checksum verification failed"):
            parquet_file(str(tmp_path / name)).read()
        dataset = TableFiles(schema, ((str(tmp_path / name), None),)).dataset()
        with pytest.raises(OSError, match="CRC checksum verification failed"):
            dataset.to_table()


class DescribeRowsThatAreInOrder:
    """Of several splits too: ``forget`` writes files again that are in their order."""

    SCHEMA = pa.schema([("split", pa.string()), ("shuffle_key", pa.int64())])

    @pytest.mark.parametrize(
        ("splits", "keys", "stays"),
        [
            (["train", "train", "valid", "test"], [5, 8, 1, 1], True),
            (["train", "train", "valid", "test"], [8, 5, 1, 1], False),
            (["train", "valid", "train", "test"], [1, 2, 3, 4], False),
        ],
        ids=["in order", "keys of a split are not", "splits are not"],
    )
    def it_moves_none_of_them(
        self, tmp_path: Path, splits: list[str], keys: list[int], stays: bool
    ) -> None:
        rows = pa.table({"split": splits, "shuffle_key": keys}, self.SCHEMA)
        files = SortedFiles(str(tmp_path), self.SCHEMA, partition=None, sort_by="shuffle_key")
        assert (files.in_order(rows) is rows) == stays
        (name,) = files.write_files([rows])
        order = {"train": 0, "valid": 1, "test": 2}
        pairs = sorted(zip(splits, keys, strict=True), key=lambda one: (order[one[0]], one[1]))
        found = pq.read_table(tmp_path / name).to_pylist()
        assert [(row["split"], row["shuffle_key"]) for row in found] == pairs
