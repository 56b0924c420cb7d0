"""Source rows as Spark frames: one row per event, whatever format and shape the files have."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from winnow.config.log_shapes import Explode
from winnow.config.logs import LogConfig
from winnow.logs.delta.frames import delta_frame
from winnow.logs.opened import Opened
from winnow.logs.parquet.frames import (
    FOLDER_DATE,
    parquet_frame,
    quoted,
    readable_columns,
    with_fields,
)
from winnow.logs.parquet.nested import resolve, way_within
from winnow.logs.split_files import frame_of_splits, parts_of_files, whole_files
from winnow.logs.text.line_rows import LineReader
from winnow.logs.text.lines import (
    ElementLists,
    LineFormat,
    wrong_number_of_fields,
)
from winnow.logs.types import SourceColumn

_POSITION, _ELEMENT = "__winnow_list_position", "__winnow_element"


@dataclass(frozen=True)
class SourceRows:
    """Rows as the source has them, and how to get at their parts.

    Attributes:
        frame: One row per event (after exploding).
        column_of: Source column name to its value.
        problem: Why the row as a whole is broken, as ``code: sentence``, or NULL.
        list_position: The row's position in its request's list, from 0; None where rows are not
            exploded.
        partition_date: The date of its folder, or NULL.
        source_row: The source columns in source order, as a struct.
        empty_is_null: Whether an empty text stands for no value, as in CSV, which has no NULL.
    """

    frame: DataFrame
    column_of: Callable[[str], Column]
    problem: Column
    list_position: Column | None
    partition_date: Column
    source_row: Column
    empty_is_null: bool = False

    def carried(self, name: str) -> Column:
        """Return the value of a source column that no contract knows."""
        value = self.column_of(name)
        return F.nullif(value, F.lit("")) if self.empty_is_null else value


def source_rows(
    opened: Opened,
    wanted: Sequence[str],
    log: LogConfig,
    spark: SparkSession,
    *,
    once: str | None = None,
) -> SourceRows:
    """Return the rows of a log's files, not yet conformed.

    Args:
        opened: The files, looked at.
        wanted: The source columns that are used.
        log: The log's resolved config.
        spark: The session.
        once: A column that says the same in all rows of a line, and is kept in one of them.
    """
    if opened.kind in ("csv", "json_lines"):
        return _text_rows(opened, wanted, once, log, spark)
    lists = log.explode.columns if log.explode else ()
    ways = nested_fields(opened, (*lists, *wanted))
    nested = {name: f"__winnow_field_{index}" for index, name in enumerate(ways)}
    if opened.delta is not None:
        frame, columns = delta_frame(opened, opened.delta, spark), list(opened.columns)
        frame = with_fields(frame, {nested[name]: way for name, way in ways.items()})
    else:
        columns = readable_columns(opened, {*lists, *wanted})
        frame = parquet_frame(opened, columns, log.partition, nested, spark)
    dates = F.col(FOLDER_DATE) if log.partition else F.lit(None).cast("date")
    return _column_rows(frame, columns, nested, log.explode, dates)


def nested_fields(opened: Opened, names: Iterable[str]) -> dict[str, Sequence[str]]:
    """Return those of the names that are fields of structs, and the way to each."""
    columns = {column.name: column for column in opened.columns}
    found = {name: resolve(columns, name) for name in names if name not in columns}
    return {name: leaf[1] for name, leaf in found.items() if leaf is not None}


def _column_rows(
    frame: DataFrame,
    columns: Sequence[SourceColumn],
    nested: Mapping[str, str],
    explode: Explode | None,
    dates: Column,
) -> SourceRows:
    top = {column.name for column in columns}
    row = F.struct(*[F.col(quoted(column.name)) for column in columns])

    def column(name: str) -> Column:
        return F.col(quoted(nested.get(name, name)))

    if explode is None:
        return SourceRows(frame, column, F.lit(None).cast("string"), None, dates, row)
    lists = [column(name) for name in explode.columns]
    first = resolve({column.name: column for column in columns}, explode.columns[0])
    element = first[0].element() if first else None
    unequal, found = F.lit(False), F.lit("")
    if explode.kind == "structs":
        elements = lists[0]
    elif explode.kind == "delimited":
        split = F.split(lists[0], re.escape(explode.delimiter), -1)
        elements = F.when(lists[0] != "", split)
    else:
        sizes = [F.when(values.isNotNull(), F.size(values)).otherwise(0) for values in lists]
        for size in sizes[1:]:
            unequal = unequal | (size != sizes[0])
        found = F.concat_ws(", ", *[size.cast("string") for size in sizes])
        named = [values.alias(f"v{index}") for index, values in enumerate(lists)]
        elements = F.when(~unequal, F.arrays_zip(*named))
    exploded = frame.select("*", F.posexplode_outer(elements).alias(_POSITION, _ELEMENT))
    problem = F.when(
        unequal, F.concat(F.lit("unreadable: parallel lists have the lengths "), found)
    ).when(F.col(_POSITION).isNull(), F.lit("missing: the list of candidates is NULL or empty"))
    parts = F.split(F.col(_ELEMENT), re.escape(explode.item_delimiter or ""), -1)
    if explode.fields:
        said = wrong_number_of_fields(explode.columns[0], len(explode.fields))
        sentence = F.concat(F.lit(said), F.col(_ELEMENT), F.lit("'"))
        problem = problem.when(F.size(parts) != len(explode.fields), sentence)

    def column_of(name: str) -> Column:
        if explode.kind == "structs":
            prefix = f"{explode.columns[0]}."
            if name.startswith(prefix) and name not in top:
                way = way_within(element, name.removeprefix(prefix))
                return reduce(Column.getField, way, F.col(_ELEMENT))
        elif name in explode.named_fields:
            part = F.get(parts, explode.named_fields.index(name))
            return F.when(F.size(parts) == len(explode.fields), part)
        elif name in explode.columns:
            if explode.kind == "delimited":
                return F.col(_ELEMENT)
            return F.col(_ELEMENT).getField(f"v{explode.columns.index(name)}")
        return column(name)

    return SourceRows(exploded, column_of, problem, F.col(_POSITION), dates, row)


def _text_rows(
    opened: Opened, wanted: Sequence[str], once: str | None, log: LogConfig, spark: SparkSession
) -> SourceRows:
    frames = []
    for group in opened.groups:
        assert group.text is not None
        lines = LineFormat(
            kind="json_lines" if opened.kind == "json_lines" else "csv",
            wanted=tuple(wanted),
            names=tuple(column.name for column in group.columns),
            header=group.text.header,
            dialect=group.text.dialect,
            explode=ElementLists.of(log.explode),
            encoding=group.text.shape.encoding,
            once=once,
        )
        reader = LineReader(lines, group.text.shape, opened.location.filesystem)
        parts = parts_of_files if group.text.shape.divisible else whole_files
        splits = [] if opened.hollow else parts(group.files)
        frames.append(frame_of_splits(spark, splits, reader.read, reader.schema()))
    frame = reduce(lambda a, b: a.unionByName(b), frames)
    columns = {name: f"c{index}" for index, name in enumerate(wanted)}
    return SourceRows(
        frame=frame,
        column_of=lambda name: F.col(columns[name]),
        problem=F.col("problem"),
        list_position=F.col("list_position") if log.explode else None,
        partition_date=F.col("partition_date"),
        source_row=F.struct(F.col("line")),
        empty_is_null=opened.kind == "csv",
    )
