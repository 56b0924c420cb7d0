"""Which pairs are worth sampling for: those of positives that stay when hot items are thinned."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType

from winnow.sampler.catalogue_file import load_catalogue
from winnow.sampler.kernels.positives import are_kept
from winnow.sampler.pair_files import PairFiles
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.spark.scratch import Scratch
from winnow.spark.shipped import shipped
from winnow.spark.task_files import Task


def stage_kept_pairs(pairs: DataFrame, settings: SamplerSettings, scratch: Scratch) -> DataFrame:
    """Write what is known of the pairs of positives that are kept, and return where it lies.

    All pairs of one positive stay or go together, so this changes no sample: but the rows of
    requests and users that have no other positive need not be shuffled.

    Args:
        pairs: What ``attributed_pairs`` returned.
        settings: Tells the tasks the seed, the catalogue's file, and the folder of ``PairFiles``.
        scratch: Where to compute.

    Returns:
        One row per pair that is kept, read back from staging: ``request_id``; ``user_key``;
        ``owner_key``, of the request as one of its user's (two users may have requests of one id);
        ``pair_file`` and ``pair_row``, where ``PairFiles`` have it. All are bigint.
    """
    Path(settings.pair_files).mkdir(parents=True, exist_ok=True)
    # Which pairs are of one click matters to sums of its values alone.
    left_out = () if settings.of_positives.values else ("click_key",)
    owned = pairs.drop(*left_out).withColumn("owner_key", F.xxhash64("user_key", "request_key"))
    keys = ("user_key", "owner_key", "pair_file", "pair_row")
    fields = [owned.schema["request_id"], *(StructField(key, LongType()) for key in keys)]
    task: Task = partial(write_kept_pairs, settings=settings, limits=scratch.limits)
    return scratch.staged_by_tasks(owned, task, StructType(fields), "kept-pairs")


def write_kept_pairs(
    batches: Iterable[pa.RecordBatch],
    settings: SamplerSettings,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[pa.RecordBatch]:
    """Write the pairs of kept positives and give where they are, for ``mapInArrow``."""
    draws = load_catalogue(shipped(settings.catalogue)).draws
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        user, request, item = (_keys(batch, f"{name}_key") for name in ("user", "request", "item"))
        stays = are_kept(
            user, request, item, draws.hot_keys, draws.hot_keep, settings.positive_seed
        )
        stays |= settings.thinned.leaves_out(batch["action"].to_numpy())
        waiting.append(batch.filter(pa.array(stays)))
        if sum(kept.nbytes for kept in waiting) >= limits.bytes_per_file:
            yield _written(waiting, settings)
            waiting = []
    if any(kept.num_rows for kept in waiting):
        yield _written(waiting, settings)


def _written(batches: list[pa.RecordBatch], settings: SamplerSettings) -> pa.RecordBatch:
    pairs = pa.concat_batches(batches)
    number = PairFiles(settings.pair_files).write(pairs)
    location = {"pair_file": np.full(pairs.num_rows, number), "pair_row": np.arange(pairs.num_rows)}
    keys = {name: pairs[name] for name in ("request_id", "user_key", "owner_key")}
    return pa.RecordBatch.from_pydict({**keys, **location})


def _keys(batch: pa.RecordBatch, name: str) -> NDArray[np.uint64]:
    # Copied: a compiled function is another one for arrays that cannot be written.
    keys: NDArray[np.uint64] = np.array(batch[name].to_numpy()).view(np.uint64)
    return keys
