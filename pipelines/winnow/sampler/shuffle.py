"""The one shuffle by user, with the sampler on each partition: events in, sample groups out."""

from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql.types import (
    ArrayType,
    ByteType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    StructField,
    StructType,
)

from winnow.config.tree import Config
from winnow.events.events import EVENT_COLUMNS, RANKED_COLUMNS
from winnow.sampler.task import NOT_IN_GROUPS, SamplerSettings, sample_partition
from winnow.spark.column_types import spark_type
from winnow.spark.scratch import Scratch
from winnow.spark.task_files import Task


def groups_schema(config: Config, pairs: StructType) -> StructType:
    """Return the Spark schema of sample groups: columns of the pairs, then what the kernel adds."""
    item = spark_type(config.ids.item)
    added: dict[str, tuple[DataType, bool]] = {
        "shuffle_key": (LongType(), False),
        "keep_prob": (DoubleType(), False),
        "item_clicks": (LongType(), False),
        "pos_log_q": (DoubleType(), True),
        "n_easy": (IntegerType(), False),
        "n_fill": (IntegerType(), False),
        "n_hard": (IntegerType(), False),
        "shortfall": (IntegerType(), False),
        "hard_missing": (IntegerType(), False),
        "hard_reason": (ByteType(), False),
        "n_pool": (IntegerType(), False),
        "easy_item_ids": (ArrayType(item), False),
        "easy_q": (ArrayType(DoubleType()), False),
        "easy_log_q": (ArrayType(DoubleType()), False),
        "easy_attempts": (ArrayType(IntegerType()), False),
        "hard_item_ids": (ArrayType(item), False),
        "hard_stage": (ArrayType(ByteType()), False),
        "hard_rank": (ArrayType(IntegerType()), False),
        "hard_size": (ArrayType(IntegerType()), False),
        "hard_score": (ArrayType(DoubleType()), False),
    }
    fields = [
        StructField(f.name, f.dataType, True) for f in pairs.fields if f.name not in NOT_IN_GROUPS
    ]
    fields += [StructField(name, kind, null) for name, (kind, null) in added.items()]
    return StructType(fields)


def by_user(events: DataFrame, partitions: int) -> DataFrame:
    """Bring all events of a user into one partition; this is where they cross the network."""
    columns = [n for n in (*EVENT_COLUMNS, *RANKED_COLUMNS) if n in events.columns]
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
