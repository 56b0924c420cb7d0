"""How rows become files: their order, and which columns have a dictionary."""

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


def with_dictionary(file: pq.ParquetFile) -> set[str]:
    group = file.metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    return {
        column.path_in_schema.split(".")[0]
        for column in columns
        if "RLE_DICTIONARY" in column.encodings
    }


class DescribeWrite:
    def it_sorts_by_the_key_and_keeps_rows_together(self, tmp_path: Path) -> None:
        keys = [int(key) for key in np.random.default_rng(1).permutation(50) - 25]
        table = written(tmp_path, keys).read()
        assert table["shuffle_key"].to_pylist() == sorted(keys)
        assert table["sample_id"].to_pylist() == sorted(keys)
        assert table.schema.names == SCHEMA.names

    def it_gives_a_dictionary_to_all_but_what_hardly_repeats(self, tmp_path: Path) -> None:
        found = with_dictionary(written(tmp_path, range(40)))
        assert found == set(SCHEMA.names) - {"log_q", "neg_log_q"}
