"""Whether tasks behind a server of Spark Connect import what they need: asked before any work."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from winnow.engine.executors import (
    PACKAGES,
    TASKS,
    Answer,
    cause_of,
    problems_of,
    what_it_lacks,
)
from winnow.errors import ExecutorError, Problem

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import SparkSession

_COLUMNS = "who string, python string, lacks array<string>"


def check_tasks(spark: "SparkSession") -> None:
    """Ask as many tasks as the server runs beside each other whether they import what tasks will.

    Connect does not say which executors there are; tasks of this number are on most of them.

    Raises:
        ExecutorError: One cannot import something, or no task of Python runs at all.
    """
    asked = _in_arrow(what_it_lacks((*PACKAGES, *TASKS)))
    # No number of partitions: Spark makes one for each task that it can run beside others.
    numbers = spark.range(1000)
    try:
        told = numbers.mapInArrow(asked, _COLUMNS).collect()
    except Exception as error:
        raise ExecutorError(
            Problem(
                "tasks of the server",
                "no task of Python runs there",
                found=cause_of(str(error)),
                next_step="The server's PYSPARK_PYTHON must name a Python of this version that has "
                "PyArrow and NumPy.",
            )
        ) from error
    ExecutorError.raise_if_any(problems_of((row.who, row.python, row.lacks) for row in told))


def _in_arrow(
    ask: Callable[[Iterable[int]], Iterator[Answer]],
) -> "Callable[[Iterable[RecordBatch]], Iterator[RecordBatch]]":
    # Within a function, so that it travels as a whole: see what_it_lacks.
    def task(batches: "Iterable[RecordBatch]") -> "Iterator[RecordBatch]":
        from pyarrow import RecordBatch

        for _ in batches:
            pass
        answers = [{"who": who, "python": python, "lacks": lacks} for who, python, lacks in ask(())]
        # The first may lack nothing: without the types a list of nothing would be of nothing.
        yield RecordBatch.from_pylist(answers, schema=schema)

    import pyarrow as pa

    text = pa.string()
    schema = pa.schema({"who": text, "python": text, "lacks": pa.list_(text)})
    return task
