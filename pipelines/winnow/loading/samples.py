"""The batches of training samples, as a trainer asks for them."""

from collections.abc import Sequence
from dataclasses import replace

from winnow.errors import Problem, ReleaseError
from winnow.loading.epoch_of_rows import Part, RowsByEpoch
from winnow.loading.pieces import pieces_of
from winnow.loading.stream import SampleStream
from winnow.release.reader import ReleaseReader
from winnow.release.table_files import TableFiles

COLUMNS = (
    "user_id",
    "item_id",
    "sample_weight",
    "undo_weight",
    "neg_item_ids",
    "neg_source",
    "neg_log_q",
)
"""What a batch has where nothing else is asked for."""


def stream_of(
    release: ReleaseReader | TableFiles,
    batch_size: int,
    *,
    rank: int = 0,
    world_size: int = 1,
    shuffle_seed: int | None = 0,
    epoch: int = 0,
    columns: Sequence[str] = COLUMNS,
    drop_last: bool = False,
    split: str | None = "train",
    padding_id: int | str = 0,
) -> SampleStream:
    """Return the batches of training_samples for one rank; see ``winnow.torch.SampleDataset``.

    Args:
        release: What ``open_release`` returned, or the files of a table with other samples.
        batch_size: Rows of a batch.
        rank, world_size: Of so many ranks each has other rows, all together each row once.
        shuffle_seed: Of the order, which is another one each epoch; None: the order of the files.
        epoch: The first one.
        columns: What a batch has.
        drop_last: Leave out what fills no batch of a rank. Otherwise its last batch has fewer rows.
        split: ``train``, ``valid`` or ``test``; None: all.
        padding_id: What stands in ``neg_item_ids`` where a row has fewer negatives than others.

    Raises:
        ReleaseError: As for ``ReleaseReader.files``, or a column is not there.
        ValueError: An argument is out of range.
    """
    if batch_size < 1 or not 0 <= rank < world_size:
        raise ValueError("batch_size must be at least 1, and rank from 0 to world_size - 1")
    table = release if isinstance(release, TableFiles) else release.table_files("training_samples")
    _require(table, [*columns, *(["split"] if split is not None else [])])
    # Of a table's files no order is promised, and a position must mean the same tomorrow.
    table = replace(
        table, files=tuple(sorted(table.files, key=lambda file: (str(file[1]), file[0])))
    )
    rows = RowsByEpoch(
        files=table,
        pieces=pieces_of(table, split),
        columns=tuple(columns),
        split=split,
        padding_id=padding_id,
        part=Part(rank, world_size, batch_size, drop_last, shuffle_seed),
    )
    return SampleStream(rows, epoch)


def _require(table: TableFiles, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in table.schema.names]
    if missing:
        known = ", ".join(table.schema.names)
        raise ReleaseError(Problem(", ".join(missing), "is no column of the table", expected=known))
