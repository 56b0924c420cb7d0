"""Parquet for TensorFlow Recommenders and Merlin: items as dense numbers, most frequent first."""

from contextlib import ExitStack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from winnow.export.folder import ExportFolder
from winnow.export.item_numbers import item_numbers, table_of_items
from winnow.export.rows import rows_of, table_of
from winnow.loading.ids import lists_like
from winnow.release.reader import ReleaseReader
from winnow.release.row_groups import SPLITS

_COLUMNS = (
    "user_id", "item_id", "impression_ts", "sample_weight", "undo_weight", "neg_item_ids",
    "neg_log_q", "split",
)  # fmt: skip


def write_numbered(folder: ExportFolder, release: ReleaseReader) -> None:
    """Write ``items.parquet`` and ``{train,valid,test}/samples.parquet``.

    A row has ``user_id``, ``item_id``, ``item_idx``, ``in_batch_prob_tfrs``, ``neg_item_idx``,
    ``neg_log_q``, ``neg_mask`` (true where a negative is), ``sample_weight``, ``undo_weight`` and
    ``impression_ts``. Lists are as long in every row as the longest one of all: padded with 0, and
    ``neg_log_q`` with NaN, as it is for hard negatives. What is added to scores is float32, as
    TensorFlow adds no float64 to them.

    Args:
        folder: Where to write. release: What to read.

    Raises:
        ReleaseError: As for ``ReleaseReader.files``.
    """
    items = item_numbers(release)
    of_items = table_of_items(items)
    pq.write_table(of_items, folder.file("items.parquet"))
    folder.count("items.parquet", of_items.num_rows)
    probabilities = of_items["in_batch_prob_tfrs"].to_numpy()
    files = table_of(release, "training_samples", _COLUMNS)
    # Where nothing has a negative, lists have one element that is none.
    width = 1
    for batch in rows_of(files, ["neg_item_ids"]):
        width = max(width, pc.max(pc.list_value_length(batch["neg_item_ids"])).as_py())
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for batch in rows_of(files, _COLUMNS):
            numbers = items.vocabulary.numbers(batch["item_id"])
            lists = batch["neg_item_ids"]
            negatives = lists_like(lists, items.vocabulary.numbers(lists.flatten()))
            there = np.arange(width) < pc.list_value_length(lists).to_numpy()[:, None]
            rows = pa.table(
                {
                    "user_id": batch["user_id"],
                    "item_id": batch["item_id"],
                    "item_idx": pa.array(numbers),
                    "in_batch_prob_tfrs": pa.array(probabilities[numbers]),
                    "neg_item_idx": _padded(negatives.flatten(), there, 0),
                    "neg_log_q": _padded(
                        batch["neg_log_q"].flatten().cast(pa.float32()), there, np.nan
                    ),
                    "neg_mask": _padded(pa.array(there[there]), there, False),
                    "sample_weight": batch["sample_weight"],
                    "undo_weight": batch["undo_weight"],
                    "impression_ts": batch["impression_ts"],
                }
            )
            for split in SPLITS:
                of_split = rows.filter(pc.equal(batch["split"], split))
                if not of_split.num_rows:
                    continue
                name = f"{split}/samples.parquet"
                if split not in writers:
                    writer = pq.ParquetWriter(folder.file(name), of_split.schema)
                    writers[split] = stack.enter_context(writer)
                writers[split].write_table(of_split)
                folder.count(name, of_split.num_rows)


def _padded(
    elements: pa.Array, there: NDArray[np.bool_], filler: float | bool
) -> pa.FixedSizeListArray:
    values = elements.to_numpy(zero_copy_only=False)
    full = np.full(there.shape, filler, values.dtype)
    full[there] = values
    return pa.FixedSizeListArray.from_arrays(pa.array(full.reshape(-1)), there.shape[1])
