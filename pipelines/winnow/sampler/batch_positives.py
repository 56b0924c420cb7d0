"""The positives that batches are cut from: the task that makes them, of one partition's users."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from winnow.arrays.task_slots import TASK_SLOTS
from winnow.sampler.catalogue_file import load_catalogue
from winnow.sampler.kernels.positives import shuffle_keys
from winnow.sampler.pair_files import PairFiles
from winnow.sampler.task import kept_positives, pairs_of
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.shipped import shipped

POSITIVE_KEYS = ("shuffle_key", "user_key", "item_key")
"""64-bit keys of a positive: the hash it is ordered by, its user, its item."""


def positives_of_partition(
    batches: Iterable[pa.RecordBatch], settings: SamplerSettings
) -> Iterator[pa.RecordBatch]:
    """Give the positives of one partition's users that are clicked impressions.

    Args:
        batches: Rows of what ``stage_kept_pairs`` returned, all of each user among them.
        settings: What the config asks for.

    Yields:
        ``user_id``, ``shuffle_key``, ``user_key``, ``item_key``; one row per row of
        training_samples.
    """
    received = list(batches)
    if not any(batch.num_rows for batch in received):
        return
    with TASK_SLOTS:
        pairs = pa.Table.from_batches(received)
        numbers, rows = pairs["pair_file"].to_numpy(), pairs["pair_row"].to_numpy()
        details = PairFiles(settings.pair_files).read(numbers, rows)
        catalogue = load_catalogue(shipped(settings.catalogue))
        kept, _ = kept_positives(pairs_of(details), catalogue, settings)
        strong = np.flatnonzero(kept.action >= 0)
        keys = (shuffle_keys(kept.hash), kept.user.view(np.int64), kept.item.view(np.int64))
        columns = {
            name: pa.array(key[strong]) for name, key in zip(POSITIVE_KEYS, keys, strict=True)
        }
        user = details["user_id"].take(pa.array(kept.pair[strong]))
        found = pa.table({"user_id": user, **columns}).combine_chunks()
    yield from found.to_batches()
