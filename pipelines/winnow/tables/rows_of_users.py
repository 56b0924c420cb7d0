"""Rows that tasks make of all events of a user: one shuffle, in passes where memory asks for it."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql.types import StructType

from winnow.run import Run
from winnow.spark.passes import of_pass, passes_for
from winnow.spark.sized import Sized
from winnow.spark.task_files import Task


def rows_of_users(
    events: Sized, by: str, key: str | Column, task: Task, schema: StructType, run: Run, name: str
) -> DataFrame:
    """Run a task on all events of each user; return the rows that it gives.

    Args:
        events: The events, and about how many there are, as wide as those of the sampler.
        by: Their column of the user: all of its events are in one partition.
        key: The same as bigint, by which users are spread over passes.
        task: From Arrow batches to Arrow batches, as for ``mapInArrow``.
        schema: The columns of what it gives.
        run: The limits, and where rows of several passes are staged.
        name: Of the folder below the staging folder.
    """
    limits, scratch = run.limits, run.scratch
    passes, partitions = passes_for(scratch.spark, events.rows, limits.sampled, limits.memory_gib)
    parts = []
    for number in range(passes):
        some = of_pass(events.frame, key, number, passes).repartition(partitions, by)
        if passes == 1:
            parts.append(some.mapInArrow(task, schema))
        else:
            parts.append(scratch.staged_by_tasks(some, task, schema, f"{name}/{number}"))
    return reduce(DataFrame.unionByName, parts)
