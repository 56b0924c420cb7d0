"""Which positives are read together: decided once for the date, before anything is sampled."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import LongType, StructField, StructType

from winnow.events.placement import split
from winnow.frequency.estimator import StreamingFrequency
from winnow.sampler.batch_file import batches_of, save_batches
from winnow.sampler.batch_positives import POSITIVE_KEYS, positives_of_partition
from winnow.sampler.conflict_free import conflict_free_batches, forbidden_pairs
from winnow.sampler.kernels.batches import Batches
from winnow.sampler.streaming import save_log_q
from winnow.sampler.streaming_estimate import estimate_over_batches
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.column_types import spark_type
from winnow.spark.passes import of_pass, passes_for
from winnow.spark.task_files import Task

if TYPE_CHECKING:
    from winnow.run import Run


def stage_batches(
    kept: DataFrame,
    n_kept: int,
    settings: SamplerSettings,
    run: "Run",
    frequency: StreamingFrequency | None = None,
    forbidden: DataFrame | None = None,
) -> tuple[SamplerSettings, Batches]:
    """Cut the positives of the date into batches, and ship to tasks which is in which.

    The positives are those that the sampler makes of the same pairs: thinned, capped, repeated.
    Weak and organic ones are in no batch.

    Args:
        kept: What ``stage_kept_pairs`` returned. n_kept: About how many rows it has.
        settings: What the tasks need.
        run: The date and the config, which has ``in_batch``.
        frequency: The estimate after the date before, where one is asked for; it is changed.
        forbidden: What ``all_forbidden`` returned, where batches are to be free of conflicts.

    Raises:
        ConfigError: As ``forbidden_pairs``.

    Returns:
        The settings with the names that tasks find the files by, and the batches.
    """
    scratch, config = run.scratch, run.config
    assert config.in_batch is not None
    passes, partitions = passes_for(
        scratch.spark, n_kept, scratch.limits.sampled, scratch.limits.memory_gib
    )
    schema = StructType(
        [
            StructField("user_id", spark_type(config.ids.user)),
            *(StructField(name, LongType()) for name in POSITIVE_KEYS),
        ]
    )
    task: Task = partial(positives_of_partition, settings=settings)
    found = []
    for number in range(passes):
        pairs = of_pass(kept, "user_key", number, passes).repartition(partitions, "user_key")
        rows = pairs.mapInArrow(task, schema)
        placed = rows.select(split(config, run.day.date).alias("split"), *POSITIVE_KEYS)
        found.append(placed.toArrow())
    positives = pa.concat_tables(found)
    size, assigned = config.in_batch.batch_size, None
    if forbidden is not None:
        of_users = forbidden_pairs(positives, forbidden, run)
        assigned = conflict_free_batches(positives, of_users, size)
    batches = batches_of(positives, size, assigned)
    path = scratch.folder / f"batches-{scratch.tag}.arrow"
    save_batches(batches, path)
    settings = replace(settings, batches=scratch.ship(path))
    if frequency is None or config.in_batch.streaming is None:
        return settings, batches
    stale = config.in_batch.streaming.stale
    path = scratch.folder / f"streaming-{scratch.tag}.npy"
    save_log_q(estimate_over_batches(positives, batches, frequency, stale=stale), path)
    return replace(settings, streaming=scratch.ship(path)), batches
