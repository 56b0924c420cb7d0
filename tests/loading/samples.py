"""A table of training samples in files, without a build: numbered rows of three splits."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from winnow.loading.batch_form import BatchForm
from winnow.loading.epoch_of_rows import Part, RowsByEpoch
from winnow.loading.pieces import pieces_of
from winnow.loading.stream import SampleStream
from winnow.release.table_files import TableFiles

SCHEMA = pa.schema(
    [
        pa.field("ds", pa.date32(), nullable=False),
        pa.field("item_id", pa.int64(), nullable=False),
        pa.field("neg_item_ids", pa.list_(pa.int64()), nullable=False),
        pa.field("neg_log_q", pa.list_(pa.float64()), nullable=False),
        pa.field("split", pa.string(), nullable=False),
    ]
)


def table_of(folder: Path, sizes: Sequence[Sequence[tuple[str, int]]]) -> TableFiles:
    """Files whose row groups have so many rows of a split; rows are numbered over all of them.

    A row has three negatives, every seventh two: the number and those behind it.
    """
    paths, number = [], 0
    schema = SCHEMA.remove(0)
    folder.mkdir(parents=True, exist_ok=True)
    for i, groups in enumerate(sizes):
        path = folder / f"part-{i:03}.parquet"
        with pq.ParquetWriter(path, schema) as writer:
            for split, n in groups:
                numbers = range(number, number + n)
                negatives = [[x, x + 1, x + 2][: 2 if x % 7 == 0 else 3] for x in numbers]
                rows = {
                    "item_id": list(numbers),
                    "neg_item_ids": negatives,
                    "neg_log_q": [[-1.0 * x for x in ids[:-1]] + [None] for ids in negatives],
                    "split": [split] * n,
                }
                writer.write_table(pa.table(rows, schema))
                number += n
        paths.append((str(path), None))
    return TableFiles(SCHEMA, tuple(paths))


def stream_of_rows(
    files: TableFiles, part: Part, split: str | None = "train", epoch: int = 0
) -> SampleStream:
    form = BatchForm(("item_id", "neg_item_ids", "neg_log_q"), -1)
    rows = RowsByEpoch(files, pieces_of(files, split), form, split, part)
    return SampleStream(rows, epoch)


def numbers_of(files: TableFiles, split: str) -> list[int]:
    """The numbers of the rows of a split, in the order of the files."""
    tables = [pq.read_table(path) for path in files.paths]
    rows = [row for table in tables for row in table.to_pylist()]
    return [row["item_id"] for row in rows if row["split"] == split]
