"""The batches of training samples, as a trainer asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from winnow.errors import Problem, ReleaseError
from winnow.loading.batch_form import BatchForm
from winnow.loading.epoch_of_batches import BatchesByEpoch, number_of_batches
from winnow.loading.epoch_of_rows import Part, RowsByEpoch
from winnow.loading.feature_table import FeatureTable
from winnow.loading.joined_features import JoinedFeatures
from winnow.loading.pieces import pieces_of
from winnow.loading.stream import Epochs, SampleStream
from winnow.loading.vocabulary import Vocabulary
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

COLUMNS_IN_BATCH = (
    "user_id",
    "item_id",
    "sample_weight",
    "undo_weight",
    "in_batch_log_q",
    "in_batch_forbidden",
)
"""What one has that the build made."""


COLUMNS_WITH_POOL = (*COLUMNS_IN_BATCH[:-2], "in_batch_mixture_log_q")
"""What one has that comes with its pool."""


def stream_of(
    release: ReleaseReader | TableFiles,
    batch_size: int | None,
    *,
    rank: int = 0,
    world_size: int = 1,
    shuffle_seed: int | None = 0,
    epoch: int = 0,
    columns: Sequence[str] | None = None,
    drop_last: bool = False,
    split: str | None = "train",
    padding_id: int | str = 0,
    in_batch: bool = False,
    share: float = 1.0,
    pool: bool = False,
    vocabularies: Mapping[str, Vocabulary] | None = None,
    features: Mapping[str, FeatureTable] | None = None,
) -> SampleStream:
    """Return the batches of training_samples for one rank; see ``winnow.torch.SampleDataset``.

    Args:
        release: What ``open_release`` returned, or the files of a table with other samples.
        batch_size: Rows of a batch; None for those that the build made.
        rank, world_size: Of so many ranks each has other rows, all together each row once.
        shuffle_seed: Of the order, which is another one each epoch; None: the order of the files.
        epoch: The first one.
        columns: What a batch has; by default ``COLUMNS``, ``COLUMNS_IN_BATCH`` or
            ``COLUMNS_WITH_POOL``.
        drop_last: Leave out what fills no batch of a rank. Otherwise its last batch has fewer rows.
        split: ``train``, ``valid`` or ``test``; None: all.
        padding_id: What stands in ``neg_item_ids`` where a row has fewer negatives than others.
        in_batch: Give the batches of the build, with their mask.
        share: Of the other slots of such a batch so many stay negatives.
        pool: Give each such batch the pool that its rows share; needs a release.
        vocabularies: By column, numbers that stand in place of ids.
        features: By column of ids, what is joined to each as of the row's time or date.

    Raises:
        ReleaseError: As for ``ReleaseReader.files``, or a column is not there.
        ValueError: An argument is out of range.
    """
    if not 0 <= rank < world_size or not 0.0 < share <= 1.0:
        raise ValueError("rank must be from 0 to world_size - 1, and share above 0 and at most 1")
    if batch_size is None:
        sensible = in_batch and split is not None
    else:
        sensible = batch_size >= 1 and not in_batch
    if not sensible:
        raise ValueError("give a batch_size of at least 1, or in_batch and a split")
    if pool and (not in_batch or share < 1.0 or (world_size > 1 and not drop_last)):
        raise ValueError(
            "a pool goes with whole batches, as its chances do: in_batch, share 1, and with "
            "several ranks drop_last"
        )
    if pool and isinstance(release, TableFiles):
        raise ValueError(
            "a pool is in a table of its own: give the release, not files of one table"
        )
    usual = COLUMNS_WITH_POOL if pool else COLUMNS_IN_BATCH if in_batch else COLUMNS
    asked = usual if columns is None else tuple(columns)
    table = release if isinstance(release, TableFiles) else release.table_files("training_samples")
    known = {} if vocabularies is None else dict(vocabularies)
    _require(table, [*known, *asked, *(["split"] if split is not None else [])])
    joined = JoinedFeatures(features, table.schema) if features else None
    form = BatchForm(asked, padding_id, known, joined)
    # Of a table's files no order is promised, and a position must mean the same tomorrow.
    files = tuple(sorted(table.files, key=lambda file: (str(file[1]), file[0])))
    table = replace(table, files=files)
    seed = 0 if shuffle_seed is None else shuffle_seed
    epochs: Epochs
    if batch_size is None:
        assert split is not None
        n = number_of_batches(table, split)
        of_pools = None
        if pool and not isinstance(release, TableFiles):
            of_pools = release.table_files("batch_draws")
        epochs = BatchesByEpoch(
            table, split, form, rank, world_size, drop_last, n, share, seed, of_pools
        )
    else:
        part = Part(rank, world_size, batch_size, drop_last, shuffle_seed)
        epochs = RowsByEpoch(table, pieces_of(table, split), form, split, part)
    return SampleStream(epochs, epoch, joined)


def _require(table: TableFiles, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in table.schema.names]
    if missing:
        known = ", ".join(table.schema.names)
        raise ReleaseError(Problem(", ".join(missing), "is no column of the table", expected=known))
