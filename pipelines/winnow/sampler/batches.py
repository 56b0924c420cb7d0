"""Which positives are read together: decided once for the date, before anything is sampled."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import LongType, StructField, StructType

from winnow.arrays.task_slots import TASK_SLOTS
from winnow.events.placement import split
from winnow.frequency.estimator import StreamingFrequency
from winnow.sampler.batch_file import batches_of, save_batches
from winnow.sampler.catalogue_file import load_catalogue
from winnow.sampler.kernels.positives import shuffle_keys
from winnow.sampler.pair_files import PairFiles
from winnow.sampler.streaming import save_log_q, told_batches
from winnow.sampler.task import kept_positives, pairs_of
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.column_types import spark_type
from winnow.spark.passes import of_pass, passes_for
from winnow.spark.shipped import shipped
from winnow.spark.task_files import Task

if TYPE_CHECKING:
    from winnow.run import Run

_KEYS = ("shuffle_key", "user_key", "item_key")


def stage_batches(
    kept: DataFrame,
    n_kept: int,
    settings: SamplerSettings,
    run: "Run",
    frequency: StreamingFrequency | None = None,
) -> SamplerSettings:
    """Cut the positives of the date into batches, and ship to tasks which is in which.

    The positives are those that the sampler makes of the same pairs: thinned, capped, repeated.
    Weak and organic ones are in no batch.

    Args:
        kept: What ``stage_kept_pairs`` returned. n_kept: About how many rows it has.
        settings: What the tasks need.
        run: The date and the config, which has ``in_batch``.
        frequency: The estimate after the date before, where one is asked for; it is changed.

    Returns:
        The settings with the names that tasks find the files by.
    """
    scratch, config = run.scratch, run.config
    assert config.in_batch is not None
    passes, partitions = passes_for(
        scratch.spark, n_kept, scratch.limits.sampled, scratch.limits.memory_gib
    )
    schema = StructType(
        [
            StructField("user_id", spark_type(config.ids.user)),
            *(StructField(name, LongType()) for name in _KEYS),
        ]
    )
    task: Task = partial(positives_of_partition, settings=settings)
    found = []
    for number in range(passes):
        pairs = of_pass(kept, "user_key", number, passes).repartition(partitions, "user_key")
        rows = pairs.mapInArrow(task, schema)
        placed = rows.select(split(config, run.day.date).alias("split"), *_KEYS)
        found.append(placed.toArrow())
    positives = pa.concat_tables(found)
    batches = batches_of(positives, config.in_batch.batch_size)
    path = scratch.folder / f"batches-{scratch.tag}.arrow"
    save_batches(batches, path)
    settings = replace(settings, batches=scratch.ship(path))
    if frequency is None or config.in_batch.streaming is None:
        return settings
    stale = config.in_batch.streaming.stale
    path = scratch.folder / f"streaming-{scratch.tag}.npy"
    save_log_q(told_batches(positives, batches, frequency, stale=stale), path)
    return replace(settings, streaming=scratch.ship(path))


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
        columns = {name: pa.array(key[strong]) for name, key in zip(_KEYS, keys, strict=True)}
        user = details["user_id"].take(pa.array(kept.pair[strong]))
        found = pa.table({"user_id": user, **columns}).combine_chunks()
    yield from found.to_batches()
