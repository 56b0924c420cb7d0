"""The one shuffle by user, with the sampler on each partition: events in, sample groups out."""

from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_type
from pyspark.sql.types import StructField, StructType

from winnow.config.tree import Config
from winnow.events.union import EVENT_COLUMNS, RANKED_COLUMNS, TIMED_COLUMNS
from winnow.sampler.excluded_items import excluded_schema
from winnow.sampler.group_columns import NOT_IN_GROUPS, group_columns
from winnow.sampler.in_batch_columns import IN_BATCH
from winnow.sampler.pool_columns import OF_POOL
from winnow.sampler.positive_columns import PositiveColumns
from winnow.sampler.streaming import STREAMING
from winnow.sampler.task import sample_partition
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.column_types import spark_type
from winnow.spark.scratch import Scratch
from winnow.spark.task_files import Task


def groups_schema(config: Config, pairs: StructType) -> StructType:
    """Return the Spark schema of sample groups: columns of the pairs, then what the task adds."""
    item = to_arrow_type(spark_type(config.ids.item))
    told = config.negatives.other_requests is not None
    request = to_arrow_type(spark_type(config.ids.request)) if told else None
    of_pair = [
        StructField(f.name, f.dataType, True) for f in pairs.fields if f.name not in NOT_IN_GROUPS
    ]
    added = (
        group_columns(item, mixture=bool(config.negatives.mixture), request=request),
        PositiveColumns.of(config).schema,
        *([] if config.in_batch is None else [IN_BATCH]),
        *([STREAMING] if config.estimates_frequency else []),
        *([] if config.pool is None else [OF_POOL]),
        *([] if config.exclude_item_ids is None else [excluded_schema(item)]),
    )
    return StructType([*of_pair, *(f for one in added for f in from_arrow_schema(one).fields)])


def by_user(events: DataFrame, partitions: int) -> DataFrame:
    """Bring all events of a user into one partition; this is where they cross the network."""
    known = (*EVENT_COLUMNS, *RANKED_COLUMNS, *TIMED_COLUMNS)
    columns = [n for n in known if n in events.columns]
    return events.repartition(partitions, "user_key").select(*columns)


def sample(
    events: DataFrame,
    settings: SamplerSettings,
    schema: StructType,
    partitions: int,
    scratch: Scratch,
    name: str,
) -> list[Path]:
    """Sample, and return the files of the sample groups: one row per kept positive of the date.

    Args:
        events: What ``union_of_events`` returned.
        settings: What the tasks need.
        schema: What ``groups_schema`` returned.
        partitions: How many tasks sample; the rows do not depend on it.
        scratch: Where the tasks write. To give rows with long lists back to an engine is slow, most
            of all on Spark.
        name: Of the folder that they write to.

    Returns:
        Files for ``Scratch.read_back``, with the columns of ``groups_schema``. ``hard_score`` is
        NULL where none was logged, ``hard_rank`` and ``hard_size`` where they are not known; the
        i-th elements of the easy (hard) lists belong together; fills lie behind the easy draws.
    """
    kernel: Task = partial(sample_partition, settings=settings)
    return scratch.written_by_tasks(by_user(events, partitions), kernel, schema, name)
