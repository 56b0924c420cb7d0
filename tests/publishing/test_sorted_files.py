"""How rows become files: their order, and how columns are encoded."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.publishing.sorted_files import SortedFiles

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
    (names,) = files.write(batches)
    return pq.ParquetFile(folder / names["name"][0].as_py())


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

    def it_packs_no_ids_that_are_text(self, tmp_path: Path) -> None:
        schema = pa.schema([("item_id", pa.string()), ("shuffle_key", pa.int64())])
        files = SortedFiles(str(tmp_path), schema, partition=None, sort_by="shuffle_key")
        rows = pa.table({"item_id": ["b", "a", "b"], "shuffle_key": [3, 1, 2]}, schema)
        (names,) = files.write(rows.to_batches())
        file = pq.ParquetFile(tmp_path / names["name"][0].as_py())
        assert file.read()["item_id"].to_pylist() == ["a", "b", "b"]
        assert encoded(file, PACKED) == set()
        assert encoded(file, DICTIONARY) == {"item_id"}
